/** The pages that a confirmed crawler gets free before it pays. */

import type { Asker } from '../identity/classify.ts'
import type { FreePage, Quota } from '../ledger/quota.ts'
import { log } from '../platform/log.ts'
import { retryOnce } from '../platform/retry.ts'
import { type Decision, entryName } from './policy.ts'

/** The counter of a crawler, by its name. */
export type Counters = (crawler: string) => Pick<DurableObjectStub<Quota>, 'take' | 'giveBack'>

/**
 * Delivers a page free where the crawler's quota allows it; null where it must pay. Threat: a name that is only claimed has
 * no quota, or each new name would begin with a full one. A counter that fails charges.
 */
export async function freeOf(
  counters: Counters | undefined,
  { decision, asker, page }: { decision: Decision; asker: Asker; page: string },
  pass: () => Promise<Response>,
): Promise<Response | null> {
  const { freePages: pages } = decision
  if (!counters || pages === undefined || asker.claim !== 'confirmed' || !asker.name) return null
  const counter = counters(asker.name)
  const free: FreePage = { rule: entryName(decision), page, pages }
  const taken = await counter.take(free).catch(failed)
  if (taken === 'none') return null
  const answer = await pass()
  const isDelivered = answer.status >= 200 && answer.status < 300
  if (!isDelivered && taken === 'new') await retryOnce(async () => counter.giveBack(free)).catch(failed)
  return answer
}

function failed(fault: unknown): 'none' {
  log('free_pages_not_counted', { fault })
  return 'none'
}
