/** The figures for charts, as they are stored by this config and these bindings. */

import type { ConfigResult } from '../config/config.ts'
import { type Charts, chartMoney, chartTraffic } from '../ledger/book/chart.ts'
import { chartDataset } from '../ledger/book/traffic-dataset.ts'
import type { Bindings } from './bindings.ts'

/** Money from D1, and traffic from where it is counted. */
export function chartsOf({ TRAFFIC, BOOK }: Bindings, read: ConfigResult): Charts {
  const access = read.ok ? read.config.traffic : undefined
  const traffic = TRAFFIC ? access && chartDataset(access) : chartTraffic(BOOK)
  return { book: chartMoney(BOOK), traffic: traffic ?? null }
}
