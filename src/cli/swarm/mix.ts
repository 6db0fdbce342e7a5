/** The plan of a swarm: each arrival with its crawler and its time. Pure: the same seed makes the same plan. */

/** The crawlers of a swarm. */
export const SWARM_CRAWLERS = ['honest', 'replayer', 'slow', 'forger'] as const

/** One of {@link SWARM_CRAWLERS}. */
export type SwarmCrawler = (typeof SWARM_CRAWLERS)[number]

/** The share of each crawler, by weight. */
export type Mix = readonly { name: SwarmCrawler; weight: number }[]

/** One arrival. `atMs`: after the start. */
export type Arrival = { atMs: number; name: SwarmCrawler }

/** The most arrivals of one swarm: their latencies are kept in memory. */
export const MOST_ARRIVALS = 1_000_000

const MS_PER_UNIT = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const

/** Reads `honest:80,replayer:5`. Null unless every part is a known name, once, and a whole weight above 0. */
export function parseMix(text: string): Mix | null {
  const parts = text.split(',').map((part) => /^([a-z]+):([1-9]\d{0,5})$/.exec(part))
  const mix = parts.map((part) => ({
    name: SWARM_CRAWLERS.find((name) => name === part?.[1]),
    weight: Number(part?.[2]),
  }))
  const known = mix.flatMap(({ name, weight }) => (name ? [{ name, weight }] : []))
  const isWhole =
    known.length === parts.length && new Set(known.map(({ name }) => name)).size === known.length
  return isWhole ? known : null
}

/** Reads `50/s`, `0.5/s` or `120/m` as arrivals per second. Null for anything else, and for 0. */
export function parseRate(text: string): number | null {
  const [, count, unit] = /^(\d{1,6}(?:\.\d{1,3})?)\/([sm])$/.exec(text) ?? []
  const perSecond = Number(count) / (unit === 'm' ? 60 : 1)
  return perSecond > 0 ? perSecond : null
}

/** Reads `60s`, `500ms`, `5m` or `1h` as milliseconds. Null for anything else, and for 0. */
export function parseSpan(text: string): number | null {
  const [, count, unit] = /^(\d{1,9})(ms|s|m|h)$/.exec(text) ?? []
  const ms = Number(count) * (MS_PER_UNIT[unit as keyof typeof MS_PER_UNIT] ?? Number.NaN)
  return ms > 0 ? ms : null
}

/**
 * Arrivals of an open model, in order of time: gaps are exponential around the rate (Poisson), whatever the answers take.
 * `random`: numbers in [0, 1).
 */
export function arrivals(mix: Mix, perSecond: number, spanMs: number, random: () => number): Arrival[] {
  const all = mix.reduce((sum, { weight }) => sum + weight, 0)
  const plan: Arrival[] = []
  for (let atMs = gap(); atMs < spanMs && plan.length < MOST_ARRIVALS; atMs += gap())
    plan.push({ atMs, name: pick() })
  return plan

  function gap(): number {
    return (-Math.log(1 - random()) / perSecond) * 1_000
  }

  function pick(): SwarmCrawler {
    let left = random() * all
    for (const { name, weight } of mix) {
      left -= weight
      if (left < 0) return name
    }
    return 'honest'
  }
}

/** How long a payer is busy with one arrival beside an honest one: the slow reader pauses on purpose. */
const BUSY: Readonly<Record<SwarmCrawler, number>> = { honest: 1, replayer: 2, slow: 10, forger: 1 }
/** The seconds that a payer is busy with an honest arrival, on a loaded machine. */
const BUSY_SECONDS = 0.5
const MOST_PAYERS = 200

/** How many payers a load wants, so that hardly an arrival waits for a payer that is busy. */
export function payersWanted(mix: Mix, perSecond: number): number {
  const all = mix.reduce((sum, { weight }) => sum + weight, 0)
  const busy = mix.reduce((sum, { name, weight }) => sum + BUSY[name] * weight, 0) / all
  return Math.min(MOST_PAYERS, mix.length + Math.ceil(perSecond * BUSY_SECONDS * busy))
}

/**
 * How many of some lanes each crawler gets: one at least, the rest by weight and by how long it is busy. Null for fewer
 * lanes than crawlers.
 */
export function lanesOf(mix: Mix, lanes: number): Map<SwarmCrawler, number> | null {
  if (lanes < mix.length) return null
  const shares = new Map(mix.map(({ name }) => [name, 1]))
  const crowding = ({ name, weight }: Mix[number]) => (weight * BUSY[name]) / (shares.get(name) ?? 1)
  for (let free = lanes - mix.length; free > 0; free--) {
    const next = mix.toSorted((a, b) => crowding(b) - crowding(a))[0]
    if (next) shares.set(next.name, (shares.get(next.name) ?? 0) + 1)
  }
  return shares
}
