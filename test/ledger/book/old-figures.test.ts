import { env } from 'cloudflare:test'
import { beforeAll, describe, expect, it } from 'vitest'
import { HOURS_KEPT_DAYS, TRAFFIC_KEPT_DAYS, tendFigures } from '../../../src/ledger/book/old-figures.ts'
import { type TrafficFigure, trafficIn } from '../../../src/ledger/book/traffic.ts'

const [HOUR, DAY] = [3_600_000, 86_400_000]
const NOW = Date.UTC(2027, 5, 1, 0, 5)
/** The last day whose hours are joined. */
const OLD = Math.floor(NOW / DAY) * DAY - (HOURS_KEPT_DAYS + 1) * DAY

const figure: TrafficFigure = {
  ...{ site: 'a', who: 'GPTBot', rule: 'default', outcome: 'unpaid', status: '4xx' },
  ...{ requests: 2, asked: 10 },
}

async function rows(table: 'figure' | 'traffic', columns: string) {
  const { results } = await env.BOOK.prepare(`SELECT ${columns} FROM ${table} WHERE site = 'a' ORDER BY hour`)
    .raw()
    .then((raw) => ({ results: raw }))
  return results
}

beforeAll(async () => {
  const store = trafficIn(env.BOOK)
  for (const at of [OLD, OLD + 5 * HOUR, OLD + 23 * HOUR, OLD + DAY, OLD + DAY + HOUR])
    await store([figure], at)
  await store([figure], NOW - (TRAFFIC_KEPT_DAYS + 2) * DAY)
  const money = env.BOOK.prepare("INSERT INTO figure VALUES (?, 'a', 'r', 'w', '/p', 3, 1, 100)")
  await env.BOOK.batch([OLD + HOUR, OLD + 2 * HOUR, OLD + 25 * HOUR].map((at) => money.bind(at / HOUR)))
  await env.BOOK.prepare('UPDATE figure_summed SET hour = ?')
    .bind(Math.floor(NOW / HOUR))
    .run()
  await tendFigures(env.BOOK, NOW)
  await tendFigures(env.BOOK, NOW)
})

describe('tendFigures', () => {
  it('joins the hours of a day of traffic after 60 days, once, and deletes traffic after 400', async () => {
    expect(await rows('traffic', 'hour, requests, asked')).toEqual([
      [OLD / HOUR, 6, 30],
      [OLD / HOUR + 24, 2, 10],
      [OLD / HOUR + 25, 2, 10],
    ])
  })

  it('joins the hours of a day of money, and loses nothing of it', async () => {
    expect(await rows('figure', 'hour, charges, releases, charged')).toEqual([
      [OLD / HOUR, 6, 2, 200],
      [OLD / HOUR + 25, 3, 1, 100],
    ])
  })

  it('leaves hours of money that are not among the sums by name yet', async () => {
    const late = NOW + 3 * DAY
    await env.BOOK.prepare('UPDATE figure_summed SET hour = ?')
      .bind(OLD / HOUR + 30)
      .run()
    const money = env.BOOK.prepare("INSERT INTO figure VALUES (?, 'b', 'r', 'w', '/p', 1, 0, 10)")
    await env.BOOK.batch([OLD + 5 * HOUR, OLD + 31 * HOUR].map((at) => money.bind(at / HOUR)))
    await tendFigures(env.BOOK, late)
    const hours = env.BOOK.prepare("SELECT hour FROM figure WHERE site = 'b' ORDER BY hour").raw()
    expect(await hours).toEqual([[OLD / HOUR], [OLD / HOUR + 31]])
  })
})
