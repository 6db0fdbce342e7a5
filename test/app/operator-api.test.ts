/** The operator's API as the console calls it: sessions, and the token that opened them. */
import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { accountApi } from '../../src/app/api.ts'
import type { Bindings } from '../../src/app/bindings.ts'
import { operatorOf } from '../../src/app/operator.ts'
import { MAX_DENIALS, OperatorApi } from '../../src/app/operator-api.ts'
import { AUDIT } from '../../src/ledger/act.ts'

/** An edge Worker whose operator has this token. */
async function edgeOf(token: string) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token)))
  const OPERATOR_TOKEN_SHA256 = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  const bindings = { ...env, OPERATOR_TOKEN_SHA256 } as unknown as Bindings
  return new OperatorApi(createExecutionContext(), bindings)
}

const CLIENT = { agent: 'a browser' }

describe('a session of the console', () => {
  it('acts for the operator as long as its token is the one of the deployment', async () => {
    const edge = await edgeOf('one')
    const session = (await edge.signIn({ token: 'one' }, CLIENT)) ?? ''
    expect(await edge.whoIs(session)).toMatchObject({ role: 'owner', publisher: null })
    expect((await edge.ask(session, { path: '/runs' })).status).toBe(200)
  })

  it('ends when the token that opened it is changed', async () => {
    const before = await edgeOf('old')
    const session = (await before.signIn({ token: 'old' }, CLIENT)) ?? ''
    const after = await edgeOf('new')
    expect(await after.whoIs(session)).toBeNull()
    expect((await after.ask(session, { path: '/runs' })).status).toBe(401)
  })
})

describe('a wrong token', () => {
  it('is noted in the audit log, and a flood of them only in part: its rows are never removed', async () => {
    const edge = await edgeOf('right')
    const isDenial = ({ what }: { what: string }) => what === 'session.denied'
    const noted = async () => (await env.AUDIT.getByName(AUDIT).acts(0, 500)).filter(isDenial).length
    const before = await noted()
    for (let sent = 0; sent < 2 * MAX_DENIALS; sent++)
      expect(await edge.signIn({ token: 'wrong' }, CLIENT)).toBeNull()
    expect((await noted()) - before).toBe(MAX_DENIALS)
  })
})

describe('a one-time code', () => {
  /** Asks for a code at the API, as the bearer of a token. */
  async function ask(edge: OperatorApi, token: string) {
    const bindings = (edge as unknown as { env: Bindings }).env
    const api = accountApi(operatorOf(bindings), Date.now)
    const headers = { authorization: `Bearer ${token}` }
    return api.request('https://site.example/_tab402/api/sign-in-codes', { method: 'POST', headers })
  }
  const codeIn = async (answer: Response) => ((await answer.json()) as { code: string }).code

  it('signs its maker in once, though it is sent many times at once', async () => {
    const edge = await edgeOf('one')
    const code = await codeIn(await ask(edge, 'one'))
    const opened = await Promise.all([1, 2, 3].map(() => edge.signIn({ code }, CLIENT)))
    const sessions = opened.filter((session) => session !== null)
    expect(sessions).toHaveLength(1)
    expect(await edge.whoIs(sessions[0] ?? '')).toMatchObject({ role: 'owner' })
  })

  it('is made for the bearer of the token alone: no session and no stranger gets one', async () => {
    const edge = await edgeOf('one')
    expect((await ask(edge, 'another')).status).toBe(401)
    const session = (await edge.signIn({ token: 'one' }, CLIENT)) ?? ''
    expect((await edge.ask(session, { method: 'POST', path: '/sign-in-codes' })).status).toBe(404)
  })

  it('ends with the token whose bearer made it', async () => {
    const code = await codeIn(await ask(await edgeOf('old'), 'old'))
    expect(await (await edgeOf('new')).signIn({ code }, CLIENT)).toBeNull()
  })
})
