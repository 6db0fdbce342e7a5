/** The operator's API as the console calls it: sessions, and the token that opened them. */
import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import type { Bindings } from '../../src/app/bindings.ts'
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
