/** The measurement: all cases in turn, many times, so that a busy machine affects all of them alike. */
import type { CaseName } from './case.ts'
import type { Case } from './cases.ts'

/** One case over all rounds. `cpu` is the runtime's microseconds per request; `p50` is in milliseconds. */
export type Measured = { rps: number[]; p50: number; cpu: number | undefined; busy: number; answered: number }

export type Results = Map<CaseName, Measured>

export type Pace = { rounds: number; sliceMs: number; warmMs: number }

/** @throws if a response has another status than expected */
export async function measure(cases: Case[], { rounds, sliceMs, warmMs }: Pace): Promise<Results> {
  const results: Results = new Map()
  for (const one of cases) await slice(one, warmMs)
  const spent = new Map(cases.map(({ name, worker }) => [name, worker.cpu()]))
  const latencies = new Map<CaseName, number[]>()
  for (let round = 0; round < rounds; round++) {
    for (const one of cases) {
      const { answered, seconds, p50, busy } = await slice(one, sliceMs)
      const known = results.get(one.name) ?? { rps: [], p50: 0, cpu: undefined, busy: 0, answered: 0 }
      known.rps.push(answered / seconds)
      known.answered += answered
      known.busy += busy / rounds
      latencies.set(one.name, [...(latencies.get(one.name) ?? []), p50])
      results.set(one.name, known)
    }
  }
  for (const { name, worker } of cases) {
    const measured = results.get(name)
    const [before, after] = [spent.get(name), worker.cpu()]
    if (!measured) continue
    measured.p50 = median(latencies.get(name) ?? [])
    if (before !== undefined && after !== undefined) measured.cpu = (after - before) / measured.answered
  }
  return results
}

async function slice({ name, load }: Case, milliseconds: number) {
  const slice = await load.slice(milliseconds)
  if (slice.failures.length > 0) throw new Error(`case "${name}" failed: ${slice.failures[0]}`)
  return slice
}

/** Requests of `over` per request of `under`: the median of the rounds, each compared with itself. */
export function ratio(results: Results, over: CaseName, under: CaseName): number {
  const [above, below] = [results.get(over)?.rps ?? [], results.get(under)?.rps ?? []]
  return median(above.map((rps, round) => rps / (below[round] ?? Number.NaN)))
}

/** Microseconds that a request of `over` takes longer than one of `under`: the median of the rounds. */
export function timeOver(results: Results, over: CaseName, under: CaseName): number {
  const [above, below] = [results.get(over)?.rps ?? [], results.get(under)?.rps ?? []]
  return median(above.map((rps, round) => 1e6 / rps - 1e6 / (below[round] ?? Number.NaN)))
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}
