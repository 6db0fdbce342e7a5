/** Figures of the operator's API, summed for pages: windows of days, shares by name, and the scale of a chart. */
import type { FigureBody, FiguresBody } from './answers.ts'
import type { Reply } from './edge.ts'

/** Milliseconds of a day. */
export const DAY = 86_400_000

/** The days that pages show. The day that is not over is the last of them. */
export const SHOWN_DAYS = 30

/** The first moment of each of the days of a page, and of as many days before. `now` and results in Unix milliseconds. */
export function shownDays(now: number): { before: number; from: number; today: number; days: number[] } {
  const today = Math.floor(now / DAY) * DAY
  const from = today - (SHOWN_DAYS - 1) * DAY
  const days = Array.from({ length: SHOWN_DAYS }, (_, at) => from + at * DAY)
  return { before: from - SHOWN_DAYS * DAY, from, today, days }
}

/** The figures of a source; null until it has one of any site, and where it cannot be read. */
export function figuresIn(reply: Reply<FiguresBody>, source: FigureBody['source']): FigureBody[] | null {
  const state = reply.ok ? reply.value.sources[source] : undefined
  return reply.ok && state?.isReadable && state.asOf !== null ? reply.value.figures : null
}

/** One name with its figures in a window, and those of the window before. Amounts in micro-dollars. */
export type Ranked = {
  name: string
  earned: bigint
  before: bigint
  paid: number
  /** The earned of each day of the window. */
  days: bigint[]
}

/** Sums money by name, the largest first and `other` last. `from` divides the window from the one before. */
export function ranked(
  figures: readonly FigureBody[],
  name: 'site' | 'who' | 'path',
  from: number,
): Ranked[] {
  const found = new Map<string, Ranked>()
  for (const { source, day = 0, charged = '0', charges = 0, ...names } of figures) {
    if (source !== 'book') continue
    const key = names[name] ?? ''
    const one = found.get(key) ?? { name: key, earned: 0n, before: 0n, paid: 0, days: emptyDays() }
    found.set(key, one)
    const amount = BigInt(charged)
    const at = (day - from) / DAY
    if (at < 0) one.before += amount
    else {
      one.earned += amount
      one.paid += charges
      one.days[at] = (one.days[at] ?? 0n) + amount
    }
  }
  return [...found.values()].sort(byEarned)
}

function emptyDays(): bigint[] {
  return Array.from({ length: SHOWN_DAYS }, () => 0n)
}

function byEarned(a: Ranked, b: Ranked): number {
  if ((a.name === OTHER) !== (b.name === OTHER)) return a.name === OTHER ? 1 : -1
  return a.earned === b.earned ? (a.name < b.name ? -1 : 1) : a.earned < b.earned ? 1 : -1
}

/** The sums that a figure can have. */
export type SumName = 'charged' | 'charges' | 'unpaid' | 'asked' | 'refused' | 'free' | 'blocked' | 'errors'

/** A sum over figures of one source, from `from` to `to` (exclusive). Amounts in micro-dollars, times in Unix milliseconds. */
export function sumOf(
  figures: readonly FigureBody[],
  source: FigureBody['source'],
  name: SumName,
  from = 0,
  to = Number.MAX_SAFE_INTEGER,
): bigint {
  return figures.reduce((sum, figure) => {
    const at = figure.hour ?? figure.day ?? 0
    return figure.source === source && at >= from && at < to ? sum + BigInt(figure[name] ?? 0) : sum
  }, 0n)
}

/** The name of all that is beyond a limit. */
export const OTHER = 'other'

/** All names as one. */
export function totalOf(rows: readonly Ranked[]): Ranked {
  const total: Ranked = { name: '', earned: 0n, before: 0n, paid: 0, days: emptyDays() }
  for (const { earned, before, paid, days } of rows) {
    total.earned += earned
    total.before += before
    total.paid += paid
    days.forEach((amount, at) => {
      total.days[at] = (total.days[at] ?? 0n) + amount
    })
  }
  return total
}

/** The round amounts at the lines of a chart, from 0 to one that is not below `most`: four of them at most. */
export function ticksOf(most: bigint): bigint[] {
  const least = most < 3n ? 3n : most
  for (let unit = 1n; ; unit *= 10n) {
    for (const step of [unit, 2n * unit, 5n * unit]) {
      const lines = (least + step - 1n) / step
      if (lines <= 3n) return Array.from({ length: Number(lines) + 1 }, (_, at) => BigInt(at) * step)
    }
  }
}

/** `GPTBot`, `GPTBot, claimed`, or words for those without a name. */
export function crawlerName(who: string): string {
  if (who === '') return 'Without a name'
  if (who === OTHER) return 'Other crawlers'
  if (who === 'readers') return 'Readers'
  return who.startsWith('~') ? `${who.slice(1)}, claimed` : who
}
