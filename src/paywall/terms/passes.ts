/** Passes: paid for once under an address of their own, they open pages to their payer for a while. Pure. */
import type { Pattern } from '../pattern.ts'
import type { Adjustable } from './adjust.ts'

/** One pass. `decision` is what its address costs. */
export type Pass<Decision> = { address: string; path: string; covers: Pattern; decision: Decision }

const PREFIX = '/.well-known/tab402/pass'

/** The address of a pass for a pattern: `/archive/*` has `/.well-known/tab402/pass/archive`. In lower case, as rules match it. */
export function passAddress(pattern: string): string {
  const [head = ''] = pattern.toLowerCase().split('*', 1)
  return `${PREFIX}${head}`.replace(/\/+$/, '')
}

/** The decision of a pass, if a request is for its address. A query makes it another address. */
export function passAt<Decision>(
  passes: readonly Pass<Decision>[] | undefined,
  { method, path }: { method: string; path: { match: string; search: string } },
): Decision | undefined {
  if (!passes || method !== 'GET' || path.search !== '') return undefined
  return passes.find(({ address }) => address === path.match)?.decision
}

/** The decision with the passes that open the page. */
export function withPasses<Decision extends Adjustable>(
  passes: readonly Pass<Decision>[] | undefined,
  decision: Decision,
  { method, path }: { method: string; path: { match: string } },
): Decision {
  if (!passes || decision.action !== 'charge' || method !== 'GET') return decision
  const open = passes.filter(({ covers }) => covers(path.match)).map(({ address }) => address)
  return open.length === 0 ? decision : { ...decision, passes: open }
}
