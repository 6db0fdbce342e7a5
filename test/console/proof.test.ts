/** The console before an edge Worker of this version and of the one before: proofs, batches, and what is kept of a form. */
import { describe, expect, it } from 'vitest'
import { formTokenOf } from '../../src/console/guard.ts'
import app from '../../src/console/worker.ts'
import type { ConsoleOrder, Credential, EdgeWorker } from '../../src/people/console-call.ts'
import type { Principal } from '../../src/people/principal.ts'

const URL_OF = 'https://console.example.com'
const OWNER: Principal = { id: 'token 12345678', name: 'Operator', role: 'owner', publisher: null }
const REFUSED = { title: 'A fresh proof is required', detail: 'x', code: 'proof_required' }

/** An edge Worker in which the owner has proven nothing for a while, and `right` is its token. */
function edge({ isOld = false } = {}) {
  const calls: string[] = []
  let isFresh = false
  const answer = ({ method = 'GET', path, body = '' }: ConsoleOrder) => {
    calls.push(`${method} ${path} ${body}`)
    if (method === 'GET' || isFresh)
      return { status: 200, type: 'application/json', text: '{"tokens":[],"members":[]}' }
    return { status: 403, type: 'application/json', text: JSON.stringify(REFUSED) }
  }
  const old = {
    whoIs: async () => OWNER,
    ask: async (_: string, order: ConsoleOrder) => answer(order),
  }
  const missing = () => {
    throw new TypeError('The RPC receiver does not implement the method "askAll".')
  }
  const now = {
    askAll: async (_: string, orders: readonly ConsoleOrder[]) => {
      calls.push(`${orders.length} at once`)
      return { who: OWNER, answers: orders.map(answer) }
    },
    door: async () => ({ challenge: 'AA', isAccess: false, takesToken: true }),
    stepUp: async (_: string, credential: Credential) => {
      isFresh = 'token' in credential && credential.token === 'right'
      return isFresh
    },
  }
  const worker = isOld
    ? { ...old, askAll: async () => missing(), door: async () => missing() }
    : { ...old, ...now }
  return { calls, worker: worker as unknown as EdgeWorker }
}

async function send(worker: EdgeWorker, path: string, fields: [string, string][] | null) {
  const body = fields && new URLSearchParams([['form', await formTokenOf('s')], ...fields])
  const headers = { cookie: '__Host-tab402=s', origin: URL_OF }
  const request = new Request(`${URL_OF}${path}`, { headers, ...(body && { method: 'POST', body }) })
  const answer = await app.fetch(request, { EDGE: worker, ASSETS: {} as Fetcher })
  return { status: answer.status, text: await answer.text() }
}

const TOKEN: [string, string][] = [
  ['name', '<script>'],
  ['days', '7'],
  ['scopes', 'export'],
  ['scopes', 'runs.read'],
]

describe('an act that needs a proof', () => {
  it('keeps the whole form until the token was shown, and then goes on', async () => {
    const { worker, calls } = edge()
    const asked = await send(worker, '/tokens/new', TOKEN)
    expect(asked.status).toBe(403)
    for (const field of [
      'name="proof-token"',
      'value="&lt;script&gt;"',
      'value="export"',
      'value="runs.read"',
    ])
      expect(asked.text).toContain(field)
    const proof = (token: string): [string, string][] => [
      ...TOKEN,
      ['proof-asked', 'yes'],
      ['proof-token', token],
    ]
    const wrong = await send(worker, '/tokens/new', proof('wrong'))
    expect([wrong.status, wrong.text.includes('value="wrong"')]).toEqual([403, false])
    calls.length = 0
    await send(worker, '/tokens/new', proof('right'))
    expect(calls).toContain('POST /tokens {"name":"<script>","scopes":["export","runs.read"],"days":7}')
  })
})

describe('a page of the console', () => {
  it('asks all that it shows in one call', async () => {
    const { worker, calls } = edge()
    await send(worker, '/', null)
    expect(calls[0]).toMatch(/^[5-9]\d* at once$|^\d\d at once$/)
    expect(calls.filter((call) => call.endsWith('at once'))).toHaveLength(1)
  })

  it('is answered by an edge Worker that is one version behind', async () => {
    const { worker } = edge({ isOld: true })
    expect((await send(worker, '/tokens', null)).status).toBe(200)
    expect((await send(worker, '/sign-in', null)).text).toContain('name="token"')
  })
})
