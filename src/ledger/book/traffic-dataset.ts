/** Traffic in a dataset of Analytics Engine: how it is written, and the SQL that it is read by. */
import type { TrafficStore } from './traffic.ts'

/** The columns that a figure is written to. */
export const COLUMNS = {
  site: 'index1',
  who: 'blob1',
  rule: 'blob2',
  outcome: 'blob3',
  status: 'blob4',
  requests: 'double1',
  asked: 'double2',
} as const

/** The platform cuts nothing: it drops a point whose index has more bytes. */
const MAX_INDEX_BYTES = 96

/**
 * The store in a dataset. The platform takes 250 points of one invocation, and drops what is beyond without an error: a tally
 * hands on at most 100 at a time, and at most two parts in one invocation.
 */
export function trafficInDataset(dataset: AnalyticsEngineDataset): TrafficStore {
  return async (figures) => {
    for (const { site, who, rule, outcome, status, requests, asked } of figures)
      dataset.writeDataPoint({
        indexes: [site.slice(0, MAX_INDEX_BYTES)],
        blobs: [who, rule, outcome, status],
        doubles: [requests, asked],
      })
  }
}
