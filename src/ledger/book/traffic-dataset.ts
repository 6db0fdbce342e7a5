/** Traffic in a dataset of Analytics Engine: how it is written, and the SQL that it is read by. */
import { type Charted, type ChartTable, chartRow, chartSql, TRAFFIC_SUMS, type TrafficSum } from './chart.ts'
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

/** Where a dataset is read. `token`: of an account, with the permission Account Analytics: Read. */
export type DatasetAccess = { account: string; dataset: string; token: string; api?: string }

const API = 'https://api.cloudflare.com/client/v4'
const TIMEOUT_MS = 10_000

/** The sums of points. The platform samples a busy index: each point stands for `_sample_interval` points. */
const requestsOf = (condition: string) => `sumIf(${COLUMNS.requests} * _sample_interval, ${condition})`
const { site, who, rule, outcome, status, asked } = COLUMNS

const tableOf = (dataset: string): ChartTable<TrafficSum> => ({
  table: dataset,
  bucket: {
    hour: 'intDiv(toUnixTimestamp(timestamp), 3600)',
    day: 'intDiv(toUnixTimestamp(timestamp), 86400)',
    month: "formatDateTime(timestamp, '%Y-%m')",
  },
  within: (from, to) =>
    `timestamp >= toDateTime(${Math.floor(from / 1000)}) AND timestamp < toDateTime(${Math.ceil(to / 1000)})`,
  columns: { site, who, rule, status },
  sums: {
    unpaid: requestsOf(`${outcome} = 'unpaid'`),
    asked: `sum(${asked} * _sample_interval)`,
    refused: requestsOf(`${outcome} = 'refused'`),
    free: requestsOf(`${outcome} = 'free'`),
    blocked: requestsOf(`${outcome} = 'blocked'`),
    errors: requestsOf(`(${outcome} = 'free' OR ${outcome} = 'paid') AND ${status} = '5xx'`),
  },
  among: (column, values, value) => `${column} IN (${values.map(value).join(', ')})`,
})

/**
 * Traffic in a dataset, read by its SQL API.
 * @throws Error when the API does not answer with rows; the message names the status alone
 */
export function chartDataset(access: DatasetAccess): Charted<TrafficSum> {
  return async (query) => {
    // Names hold neither. A dialect that reads a backslash otherwise must not end the text early.
    const { only, after, sites } = query
    const isStrange = [...Object.values(only), ...(after?.names ?? []), ...(sites ?? [])].some((text) =>
      /['\\]/.test(text),
    )
    const value = (value: string | number) => (typeof value === 'number' ? String(value) : `'${value}'`)
    const rows =
      isStrange || sites?.length === 0
        ? []
        : await ask(access, chartSql(tableOf(access.dataset), query, value))
    const [last] = await ask(
      access,
      `SELECT toUnixTimestamp(max(timestamp)) AS at FROM ${access.dataset} WHERE timestamp > toDateTime(${Math.floor(query.from / 1000)})`,
    )
    const at = Number(last?.at ?? 0) * 1000
    return { figures: rows.map((row) => chartRow(row, query, TRAFFIC_SUMS)), asOf: at > 0 ? at : null }
  }
}

async function ask(
  { account, token, api = API }: DatasetAccess,
  sql: string,
): Promise<Record<string, unknown>[]> {
  const response = await fetch(`${api}/accounts/${account}/analytics_engine/sql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: `${sql} FORMAT JSON`,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  if (!response.ok) {
    await response.body?.cancel()
    throw new Error(`the SQL API answered ${response.status}`)
  }
  const { data } = (await response.json()) as { data?: unknown }
  if (!Array.isArray(data)) throw new Error('the SQL API answered without rows')
  return data
}
