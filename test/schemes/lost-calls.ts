/**
 * Each call of the Worker fails in turn, before it acts or after, with its reply lost. No page is served unpaid,
 * no payer is asked to pay again, and sending the same payment again charges once.
 */
import { env, evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { expect, vi } from 'vitest'
import { readBalance } from '../../src/chain/token.ts'
import { LEASE_MS } from '../../src/ledger/exact/authorizations.ts'
import { chainAt } from '../chain/harness.ts'
import { chainHere } from '../chain/here.ts'
import { type Crawler, type Meddle, startPaywall } from './harness.ts'

let does: Meddle = (_, call) => call()
export const shop = startPaywall({}, (name, call) => does(name, call))
const well: Meddle = (_, call) => call()

/** Sets what becomes of each call from now on. */
export function meddle(how: Meddle): void {
  does = how
}

/** A payment, and what it moves. */
export type Scenario = {
  name: string
  crawler: () => Promise<Crawler>
  /** Whether one crawler meets every fault in turn. Otherwise each fault meets a new one. */
  isRegular?: boolean
  /** `charged`: the channel's charges before this payment. */
  payment: (crawler: Crawler, charged: bigint) => Promise<string>
  ask?: { method: string; body: string }
  /** The amount that leaves the payer's wallet, and the amount charged on the channel, if there is one. */
  spends: bigint
  charges: bigint | undefined
  /** Answers in place of the origin during the fault. */
  origin?: () => Promise<Response>
}

const held = ({ payer }: Crawler) => readBalance(chainAt(chainHere().rpcUrl), payer.address)

async function chargedTo({ id }: Crawler): Promise<bigint | undefined> {
  return (await env.ACCOUNT.getByName(id).standing())?.charged
}

/** Fails `times` calls, starting with number `first`. */
function failing(
  first: number,
  times: number,
  when: 'before' | 'after',
  flags: object,
  origin: Scenario['origin'],
): Meddle {
  let made = 0
  return async (name, call) => {
    const fails = made >= first && made < first + times
    made++
    if (fails && when === 'before') throw Object.assign(new Error('the call was lost'), flags)
    const answer = await (origin && name === 'SITE.fetch' ? origin() : call())
    if (fails) throw Object.assign(new Error('the reply was lost'), flags)
    return answer
  }
}

/** Ends the queue and the leases that an aborted request left behind. */
async function later({ id, payer }: Crawler): Promise<void> {
  const account = env.ACCOUNT.getByName(id)
  if (await account.standing()) await evictDurableObject(account)
  const memory = env.AUTHORIZATIONS.getByName(`eip155:84532:${payer.address}`)
  await runInDurableObject(memory, (_, { storage }) => {
    const [known] = storage.sql.exec(`SELECT 1 FROM sqlite_master WHERE name = 'authorization'`).toArray()
    if (known) storage.sql.exec(`UPDATE authorization SET at = at - ? WHERE status <> 'settled'`, LEASE_MS)
  })
}

/** Pays once with a fault, then again without one. Returns the number of calls that can fail. */
async function survive(
  scenario: Scenario,
  crawler: Crawler,
  fault: Parameters<typeof failing>,
  where: string,
): Promise<number> {
  const charged = (await chargedTo(crawler)) ?? 0n
  const before = await held(crawler)
  const payment = await scenario.payment(crawler, charged)
  shop.calls.length = 0
  does = failing(...fault)
  const first = await shop.ask('/page', { ...scenario.ask, payment })
  const calls = shop.calls.length
  const body = await first.text()
  const failed = scenario.origin ? [500, 502, 503] : [200, 502, 503]
  expect(failed, where).toContain(first.status)
  // A page comes only with a receipt. A failure of the origin counts as a page not delivered.
  expect(first.status === 200, where).toBe(first.headers.has('payment-response'))
  expect(body.includes('https://origin.internal/page'), where).toBe(first.status === 200)
  if (first.status === 503) expect(first.headers.get('retry-after'), where).not.toBeNull()

  does = well
  await later(crawler)
  shop.calls.length = 0
  const again = await shop.ask('/page', { ...scenario.ask, payment })
  if (scenario.ask && first.status !== 502) {
    // A method with effects may have been carried out, and its answer may be lost: the origin is not asked again.
    expect([200, 503], where).toContain(again.status)
    if (first.status === 200 || again.status === 503) expect(shop.calls, where).not.toContain('SITE.fetch')
  } else expect([again.status, again.headers.has('payment-response')], where).toEqual([200, true])
  const { charges } = scenario
  expect(await chargedTo(crawler), where).toBe(charges && charged + charges)
  expect(before - (await held(crawler)), where).toBe(scenario.spends)
  return calls
}

/** How calls are lost: before or after they act, how many in a row, and the flags of the error. */
export const LOSSES: [when: 'before' | 'after', times: number, flags: object][] = [
  ['before', 1, {}],
  ['after', 1, {}],
  ['before', 2, { retryable: true }],
  ['after', 2, { durableObjectReset: true }],
  ['before', 1, { overloaded: true }],
  ['after', 1, { overloaded: true }],
  ['before', 99, {}],
]

/** Plays a scenario once without a fault, then once for each call that can be lost. */
export async function loseEachCall(
  scenario: Scenario,
  [when, times, flags]: (typeof LOSSES)[number],
): Promise<void> {
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  does = well
  const regular = scenario.isRegular ? await scenario.crawler() : undefined
  const meet = async (first: number, count: number, where: string) => {
    does = well
    const crawler = regular ?? (await scenario.crawler())
    return survive(scenario, crawler, [first, count, when, flags, scenario.origin], where)
  }
  const calls = await meet(0, 0, 'nothing fails')
  for (let first = 0; first <= calls; first++) await meet(first, times, `${when} call ${first}`)
  vi.restoreAllMocks()
}
