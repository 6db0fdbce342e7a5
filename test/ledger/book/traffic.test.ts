/** Counted traffic in D1. */
import { env } from 'cloudflare:workers'
import { expect, it } from 'vitest'
import { MAX_FIGURES_WRITTEN, trafficIn } from '../../../src/ledger/book/traffic.ts'

it('Counted traffic is added to D1 by one statement, as many figures as a write may have', async () => {
  const site = 's'.repeat(40)
  const kind = { site, who: `~${'w'.repeat(40)}`, outcome: 'unpaid', status: '4xx' } as const
  const figures = Array.from({ length: MAX_FIGURES_WRITTEN }, (_, at) => ({
    ...kind,
    ...{ rule: `RULES[${at}] origin`, requests: 2, asked: 1_000 },
  }))
  const write = trafficIn(env.BOOK)
  await write(figures, 7_200_000)
  await write(figures.slice(0, 1), 7_200_001)
  const sums = await env.BOOK.prepare(
    'SELECT COUNT(*) AS rows, SUM(requests) AS requests, SUM(asked) AS asked, MAX(counted_at) AS at FROM traffic WHERE site = ? AND hour = 2',
  )
    .bind(site)
    .first()
  expect(sums).toEqual({ rows: 4_000, requests: 8_002, asked: 4_001_000, at: 7_200_001 })
})
