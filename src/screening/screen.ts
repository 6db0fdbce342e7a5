/** Screens addresses: asks the sources, keeps their answers for a stated time, and decides per act. */

import type { Address } from '../protocol/evm/hex.ts'
import type { Screened, ScreenedAct, ScreeningVerdict } from '../protocol/screening.ts'

/** Asks one source about an address. Never rejects: a source that fails answers `unknown`. */
export type ScreeningSource = (address: Address) => ScreeningVerdict | Promise<ScreeningVerdict>

/** Whether an act goes on where the sources do not know: `open` lets it pass, `closed` postpones it. */
export type Failing = Readonly<Record<ScreenedAct, 'open' | 'closed'>>

/** Screens an address for an act. The answer comes from memory, or from the sources after the times in {@link KEPT_MS}. */
export type Screen = {
  (act: ScreenedAct, address: Address): Screened | Promise<Screened>
  /** Whether the address is listed, as far as memory has it. Asks nothing, so it may be called for unpaid requests. */
  lists(address: Address): boolean
}

/**
 * How long an isolate keeps an answer. A listing made meanwhile counts after an hour at the latest, and its end after five
 * minutes. A source that fails is asked again after 30 seconds, not for each request. Milliseconds.
 */
export const KEPT_MS = { clear: 3_600_000, listed: 300_000, unknown: 30_000 } as const satisfies Record<
  ScreeningVerdict['status'],
  number
>

/** The most addresses whose answers an isolate keeps. Beyond it all are dropped, and asked for again. */
export const MAX_KEPT = 10_000

/** Nothing configured: how acts fail. Acts that begin something wait, and those that continue it go on. */
export const DEFAULT_FAILING: Failing = {
  deposit: 'closed',
  voucher: 'open',
  exact: 'closed',
  invoice: 'closed',
  refund: 'closed',
  claim: 'open',
  sweep: 'closed',
}

/** The operator's own lists. No source overrules them. */
export type OwnList = { allow: ReadonlySet<Address>; deny: ReadonlySet<Address> }

/** Makes the screen of one deployment. `now` in Unix milliseconds. */
export function screenBy(
  { own, sources, failing }: { own: OwnList; sources: readonly ScreeningSource[]; failing: Failing },
  now: () => number,
): Screen {
  const kept = new Map<Address, { verdict: ScreeningVerdict; until: number }>()
  // Trap: keep answers alone. A request must not wait for the I/O of another one.
  const ask = async (address: Address): Promise<ScreeningVerdict> => {
    const verdict = worst(await Promise.all(sources.map((source) => source(address))))
    if (kept.size >= MAX_KEPT) kept.clear()
    kept.set(address, { verdict, until: now() + KEPT_MS[verdict.status] })
    return verdict
  }
  const screen = (act: ScreenedAct, address: Address) => {
    const decide = (verdict: ScreeningVerdict): Screened => ({
      ...verdict,
      address,
      act,
      isAllowed: allows(verdict, failing[act]),
    })
    const said = ownVerdict(own, address) ?? (sources.length === 0 ? UNLISTED : undefined)
    if (said) return decide(said)
    const known = inMemory(address)
    return known ? decide(known) : ask(address).then(decide)
  }
  const inMemory = (address: Address) => {
    const known = kept.get(address)
    return known && now() < known.until ? known.verdict : undefined
  }
  const lists = (address: Address) => (ownVerdict(own, address) ?? inMemory(address))?.status === 'listed'
  return Object.assign(screen, { lists })
}

const UNLISTED: ScreeningVerdict = {
  status: 'clear',
  list: 'operator',
  dated: null,
  reason: 'not on the deny list',
}

function ownVerdict({ allow, deny }: OwnList, address: Address): ScreeningVerdict | undefined {
  if (deny.has(address)) return { ...UNLISTED, status: 'listed', reason: 'on the deny list' }
  if (allow.has(address)) return { ...UNLISTED, reason: 'on the allow list' }
  return undefined
}

/** One source that lists an address is enough; so is one that does not know. */
function worst(verdicts: readonly ScreeningVerdict[]): ScreeningVerdict {
  const bad =
    verdicts.find(({ status }) => status === 'listed') ?? verdicts.find(({ status }) => status === 'unknown')
  if (bad) return bad
  const dates = verdicts.map(({ dated }) => dated ?? 0)
  const list = verdicts.map((verdict) => verdict.list).join(' ')
  return { status: 'clear', list, dated: Math.min(...dates), reason: 'not listed' }
}

function allows({ status }: ScreeningVerdict, failing: 'open' | 'closed'): boolean {
  return status === 'clear' || (status === 'unknown' && failing === 'open')
}
