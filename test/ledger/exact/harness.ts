/** Authorizations of a fresh payer, and the calls of the payer's object. */
import { env, evictDurableObject, runInDurableObject } from 'cloudflare:test'
import type { Use } from '../../../src/ledger/exact/types.ts'
import { randomHex } from '../../chain/harness.ts'

export const TX = `0x${'cd'.repeat(32)}` as const

export const secondsFromNow = (seconds: number) => BigInt(Math.floor(Date.now() / 1000) + seconds)

export function aUse(rest: Partial<Use> = {}): Use {
  const [payer, receiver, token] = [randomHex(20), randomHex(20), randomHex(20)]
  const parties = { name: `eip155:84532:${payer}`, payer, receiver, token }
  const proof = {
    nonce: randomHex(32),
    amount: 1000n,
    validBefore: secondsFromNow(60),
    signature: randomHex(65),
  }
  return { id: randomHex(4), ...parties, ...proof, request: 'GET /a', ...rest }
}

const keyOf = ({ token, nonce }: Use) => ({ token, nonce })

export function memoryOf({ name }: Use) {
  const memory = () => env.AUTHORIZATIONS.getByName(name)
  return {
    take: async (use: Use, price?: bigint) => memory().take(use, price),
    /** Takes the authorization for a new request id. */
    takeAnew: async (use: Use) => memory().take({ ...use, id: randomHex(4) }),
    settled: async ({ token, nonce }: Use) => memory().settled(token, nonce, TX),
    release: async ({ token, nonce, id }: Use) => memory().release(token, nonce, id),
    doubt: async ({ token, nonce, id }: Use) => memory().doubt(token, nonce, id),
    renew: async ({ token, nonce, id }: Use) => memory().renew(token, nonce, id),
    close: async ({ token, nonce, id }: Use) => memory().close(token, nonce, id),
    found: async ({ token, nonce }: Use) => memory().found(token, nonce, TX),
    doubts: async (limit = 10) => memory().doubts(limit),
    status: async () => (await memory().uses('', 10)).map(({ status }) => status),
    totals: async () => memory().totals(),
    /** The totals without the number of provisional payments. */
    sums: async () => {
      const { provisional: _, ...sums } = await memory().totals()
      return sums
    },
    losses: async () => memory().losses(),
    named: async (number: number) => memory().named(number),
    sql: (statement: string) =>
      runInDurableObject(memory(), (_, { storage }) => {
        storage.sql.exec(statement)
      }),
    provisional: async (limit = 10) => (await memory().provisional(limit)).map(({ nonce }) => nonce),
    confirm: async (last: Use | null, undone: Use[] = []) =>
      memory().confirm(last && keyOf(last), undone.map(keyOf)),
    restart: () => evictDurableObject(memory()),
    /** The same authorization after its validity ended. */
    lapse: ({ name: _, ...use }: Use) => ({ ...use, name, validBefore: secondsFromNow(0) }),
    age: (ms: number) =>
      runInDurableObject(memory(), (_, { storage }) => {
        storage.sql.exec('UPDATE authorization SET at = at - ?', ms)
      }),
  }
}

export const NO_DOUBT = { inDoubt: 0, undelivered: 0, watched: 0, lost: 0 }
export const DOUBT = { outcome: 'doubtful', isLate: false }
export const LATE_DOUBT = { outcome: 'doubtful', isLate: true }
export const TOO_LATE = { outcome: 'refused', reason: 'exact_too_late' }
export const IN_PROGRESS = { outcome: 'refused', reason: 'exact_in_progress' }
