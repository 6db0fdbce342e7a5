/** The operator's API as the console calls it: sessions, and the token that opened them. */
import { createExecutionContext, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { accountApi } from '../../src/app/api.ts'
import type { Bindings } from '../../src/app/bindings.ts'
import { operatorOf } from '../../src/app/operator.ts'
import { MAX_DENIALS, OperatorApi } from '../../src/app/operator-api.ts'
import { AUDIT } from '../../src/ledger/act.ts'
import { PEOPLE } from '../../src/people/people.ts'

/** An edge Worker whose operator has this token. */
async function edgeOf(token: string, vars: object = {}) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token)))
  const OPERATOR_TOKEN_SHA256 = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  const bindings = { ...env, OPERATOR_TOKEN_SHA256, ...vars } as unknown as Bindings
  return Object.assign(new OperatorApi(createExecutionContext(), bindings), { bindings })
}

function people() {
  if (!env.PEOPLE) throw new Error('PEOPLE must be bound')
  return env.PEOPLE.getByName(PEOPLE)
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

const audit = async () => (await env.AUDIT.getByName(AUDIT).acts(0, 500)).slice(-5)

describe('a session that must be proven again', () => {
  it('takes the token of its owner, and no other', async () => {
    const edge = await edgeOf('one')
    const session = (await edge.signIn({ token: 'one' }, CLIENT)) ?? ''
    await runInDurableObject(people(), (_, { storage }) => {
      storage.sql.exec('UPDATE session SET proven_at = 0')
    })
    const invite = async () => {
      const body = JSON.stringify({ name: 'Ann', role: 'accountant' })
      return (await edge.ask(session, { method: 'POST', path: '/people', body })).status
    }
    expect(await invite()).toBe(403)
    expect(await edge.stepUp(session, { token: 'two' })).toBe(false)
    expect(await invite()).toBe(403)
    expect(await edge.stepUp(session, { token: 'one' })).toBe(true)
    expect(await invite()).toBe(201)
    expect((await audit()).map(({ what }) => what)).toEqual(
      expect.arrayContaining(['session.denied', 'session.proof', 'member.invite']),
    )
  })
})

describe('several requests at once', () => {
  it('are answered in their order, with one look at the session', async () => {
    const edge = await edgeOf('one')
    const session = (await edge.signIn({ token: 'one' }, CLIENT)) ?? ''
    const { who, answers } = await edge.askAll(session, [{ path: '/runs' }, { path: '/nothing' }])
    expect([who?.role, answers.map(({ status }) => status)]).toEqual(['owner', [200, 404]])
    const ended = await edge.askAll('x'.repeat(43), [{ path: '/runs' }])
    expect([ended.who, ended.answers[0]?.status]).toEqual([null, 401])
  })
})

describe('an API token that the owner has made', () => {
  it('ends with the operator’s token: who had that one may have made others', async () => {
    const edge = await edgeOf('one')
    const session = (await edge.signIn({ token: 'one' }, CLIENT)) ?? ''
    const body = JSON.stringify({ name: 'export', scopes: ['runs.read'] })
    const made = await edge.ask(session, { method: 'POST', path: '/tokens', body })
    const { token } = JSON.parse(made.text) as { token: string }
    const status = async (operatorToken: string) => {
      const { tokenSha256 = '', ...settings } = operatorOf((await edgeOf(operatorToken)).bindings)
      const api = accountApi({ tokenSha256, ...settings }, Date.now)
      const headers = { authorization: `Bearer ${token}` }
      return (await api.request('https://site.example/_tab402/api/runs', { headers })).status
    }
    expect([await status('one'), await status('two')]).toEqual([200, 401])
  })
})

describe('a deployment with Cloudflare Access', () => {
  const ACCESS = { ACCESS_TEAM: 'example', ACCESS_AUD: 'a'.repeat(64) }

  it('lets no one in beside it, and ends the sessions of the token', async () => {
    const before = await edgeOf('one')
    const session = (await before.signIn({ token: 'one' }, CLIENT)) ?? ''
    const edge = await edgeOf('one', ACCESS)
    expect(await edge.whoIs(session)).toBeNull()
    expect(await edge.signIn({ token: 'one' }, CLIENT)).toBeNull()
    const assertion = { id: 'AA', clientDataJSON: 'AA', authenticatorData: 'AA', signature: 'AA' }
    expect(await edge.signIn({ assertion }, CLIENT)).toBeNull()
    expect(await edge.door(null)).toMatchObject({ isAccess: true, takesToken: false })
  })

  it('takes the operator’s token in an emergency, where its settings say so', async () => {
    const edge = await edgeOf('one', { ...ACCESS, ACCESS_BREAK_GLASS: 'accepted' })
    expect(await edge.signIn({ token: 'one' }, CLIENT)).not.toBeNull()
  })

  it('takes no assertion of Access where it is not configured', async () => {
    expect(await (await edgeOf('one')).signIn({ access: 'a.b.c' }, CLIENT)).toBeNull()
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
