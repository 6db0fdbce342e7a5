/** An edge Worker as the console sees it, with answers that a test chooses. */

import { formTokenOf } from '../../src/console/guard.ts'
import app from '../../src/console/worker.ts'
import type { ConsoleOrder, EdgeWorker } from '../../src/people/console-call.ts'
import type { Principal } from '../../src/people/principal.ts'

const SESSION = 'session-of-a-test'
const ORIGIN = 'http://127.0.0.1'

export const OWNER: Principal = { id: 'token 1a2b3c4d', name: 'Operator', role: 'owner', publisher: null }

/** The body of an answer, or `lost` for a call whose outcome is unknown. Undefined is 404. */
export type Answers = (order: ConsoleOrder) => object | 'lost' | 'forbidden' | undefined

const SESSION_VIEW = {
  id: 'other',
  principal: 'Ann',
  client: 'Firefox',
  openedAt: 1,
  usedAt: 1,
  isThis: false,
}
export const OWN_PASSKEYS = {
  member: { id: 'member-1', name: 'Ann', email: null, role: 'operator', publisher: null, createdAt: 1 },
  passkeys: [{ id: 'AAAA', name: 'Laptop', madeAt: 1, usedAt: null }],
  challenge: 'AAAA',
}
const NOT_FOUND = { title: 'Not found', detail: 'Not found', code: 'not_found' }
const FORBIDDEN = { title: 'Not allowed', detail: 'Not allowed', code: 'forbidden' }

/** A browser of one who is signed in. */
export function browse(answers: Answers, who: Principal = OWNER, passkeys = OWN_PASSKEYS) {
  const orders: ConsoleOrder[] = []
  /** How many requests each call of the edge Worker had: 0 where it asked who has the session alone. */
  const rounds: number[] = []
  const edge = {
    async whoIs() {
      rounds.push(0)
      return who
    },
    sessions: async () => [SESSION_VIEW],
    passkeys: async () => passkeys,
    async askAll(_: string, asked: readonly ConsoleOrder[]) {
      rounds.push(asked.length)
      orders.push(...asked)
      const bodies = asked.map(answers)
      if (bodies.includes('lost')) throw new Error('the connection was lost')
      return {
        who,
        answers: bodies.map((body) => ({
          status: body === undefined ? 404 : body === 'forbidden' ? 403 : 200,
          type: 'application/json',
          text: JSON.stringify(body === 'forbidden' ? FORBIDDEN : (body ?? NOT_FOUND)),
        })),
      }
    },
  } as unknown as EdgeWorker
  const env = { EDGE: edge, ASSETS: {} as Fetcher }
  const headers = { cookie: `tab402=${SESSION}` }
  return {
    orders,
    rounds,
    get: (path: string, more: Record<string, string> = {}) =>
      app.request(`${ORIGIN}${path}`, { headers: { ...headers, ...more } }, env),
    async send(path: string, fields: Record<string, string>) {
      const body = new URLSearchParams({ form: await formTokenOf(SESSION), ...fields })
      return app.request(
        `${ORIGIN}${path}`,
        { method: 'POST', headers: { ...headers, origin: ORIGIN }, body },
        env,
      )
    },
  }
}
