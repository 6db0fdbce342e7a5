/** Latencies of one kind of arrival, every one of them: percentiles are exact. */

/** The percentiles of a report, and the largest value. Milliseconds. */
export type Percentiles = { count: number; p50: number; p90: number; p99: number; p999: number; max: number }

/** Percentiles by the nearest rank; zeros for no values. */
export function percentiles(valuesMs: readonly number[]): Percentiles {
  const sorted = Float64Array.from(valuesMs).sort()
  const at = (share: number) => round(sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0)
  return { count: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1) }
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100
}
