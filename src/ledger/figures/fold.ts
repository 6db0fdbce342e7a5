/** Figures of charges: the sales of a journal, summed by hour, site, rule, asker and path. Pure. */
import { DAY_MS, HOUR_MS } from '../../platform/time.ts'

/** The change that one entry of a journal made to the sum of its account. */
export type Sale = {
  kind: 'charge' | 'release' | 'lower'
  /** Micro-dollars: above zero for a charge, below for what takes one back. A release of 0 leaves the charge to another delivery. */
  amount: bigint
  /** The time of the charge, whatever the kind. Unix milliseconds. */
  at: number
  site: string
  rule: string | null
  who: string | null
  /** Method, URL and body digest. */
  request: string | null
}

/** The sums of one hour, site, rule, asker and path. `charged` is net of releases, in micro-dollars. */
export type HourlyFigure = {
  /** Hours since 1970, UTC. */
  hour: number
  site: string
  rule: string
  who: string
  path: string
  charges: number
  releases: number
  charged: bigint
}

/** The change that one entry of a journal made to what its account has redeemed: below zero for what was taken back. Micro-dollars. */
export type Redemption = { at: number; amount: bigint }

/** The receipts of a day. `day`: days since 1970, UTC. */
export type DailyReceipt = { day: number; received: bigint }

/** Sums receipts by day, and leaves out days without change. */
export function receiptsByDay(receipts: readonly Redemption[]): DailyReceipt[] {
  const days = new Map<number, bigint>()
  for (const { at, amount } of receipts) {
    const day = Math.floor(at / DAY_MS)
    days.set(day, (days.get(day) ?? 0n) + amount)
  }
  return [...days].flatMap(([day, received]) => (received === 0n ? [] : [{ day, received }]))
}

/** The path of all that lacks a row of its own. */
export const OTHER_PATHS = 'other'

/** The longest path with a row of its own, in characters. Longer ones count as {@link OTHER_PATHS}. */
export const MAX_PATH_LENGTH = 128

const SEGMENTS = /^(?:\/[^/]*){1,2}/

/** The first two segments of the path of a request, {@link OTHER_PATHS} where it has no URL. */
export function pathOf(request: string | null): string {
  const path = urlOf(request)?.pathname
  if (path === undefined) return OTHER_PATHS
  const [two = path] = SEGMENTS.exec(path) ?? []
  const bucket = two.length > 1 && two.endsWith('/') ? two.slice(0, -1) : two
  return bucket.length > MAX_PATH_LENGTH ? OTHER_PATHS : bucket
}

/** The host of a request; empty where it has no URL. */
export function hostIn(request: string | null): string {
  return urlOf(request)?.host ?? ''
}

function urlOf(request: string | null): URL | null {
  const url = request?.split(' ', 2)[1]
  return url !== undefined && URL.canParse(url) ? new URL(url) : null
}

/** Sums sales. The order of the sales does not matter, since a release names the hour of its charge. */
export class FigureSums {
  readonly #sums = new Map<string, HourlyFigure>()
  #charged = 0n

  add({ kind, amount, at, site, rule, who, request }: Sale): void {
    const parts = {
      hour: Math.floor(at / HOUR_MS),
      site,
      rule: rule ?? '',
      who: who ?? '',
      path: pathOf(request),
    }
    const key = JSON.stringify(Object.values(parts))
    const sum = this.#sums.get(key) ?? { ...parts, charges: 0, releases: 0, charged: 0n }
    this.#sums.set(key, sum)
    if (kind === 'charge') sum.charges++
    if (kind === 'release' && amount < 0n) sum.releases++
    sum.charged += amount
    this.#charged += amount
  }

  /** How many rows the sums have. */
  get size(): number {
    return this.#sums.size
  }

  /** The sum of all figures, in micro-dollars. */
  get charged(): bigint {
    return this.#charged
  }

  /** The figures that say something. */
  end(): HourlyFigure[] {
    return [...this.#sums.values()].filter(
      ({ charges, releases, charged }) => charges > 0 || releases > 0 || charged !== 0n,
    )
  }
}
