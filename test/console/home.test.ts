import { describe, expect, it } from 'vitest'
import { DAY, shownDays } from '../../src/console/figures.ts'
import type { Principal } from '../../src/people/principal.ts'
import { type Answers, browse } from './edge.ts'

const NAMES = Array.from(
  { length: 6 },
  (_, at) => `a-rather-long-name-of-a-publisher-${at}.example.com`,
).concat('other')

/** Every answer at its largest: sixty days of the top six and the others, with money in all of them. */
const full: Answers = ({ path }) => {
  const url = new URL(path, 'https://edge.test')
  const { today } = shownDays(Date.now())
  const by = url.searchParams.get('by')
  const days = Array.from({ length: 60 }, (_, back) => today - back * DAY)
  switch (url.pathname) {
    case '/figures': {
      const figures = by
        ? days.flatMap((day) =>
            NAMES.map((name, at) => ({
              source: 'book',
              day,
              [by]: name,
              charged: `${987_654_321 * (at + 1)}`,
              charges: 1e6,
            })),
          )
        : [{ source: 'book', hour: today, charged: '123456789', charges: 5 }]
      return { sources: { book: { asOf: today, isReadable: true } }, figures, next: null }
    }
    case '/alerts':
      return { alerts: Array.from({ length: 40 }, alertAt), webhooks: [], lastAt: today }
    case '/runs':
      return {
        runs: Array.from({ length: 20 }, (_, at) => ({
          id: `settle-${at}`,
          kind: 'settlement',
          status: 'settled',
          startedAt: today,
          endedAt: today,
          record: {},
        })),
        next: null,
      }
    case '/accounts':
      return { accounts: [], next: null }
    case '/invoices':
      return { invoices: [], next: null }
    case '/totals':
      return {
        owed: {
          channel: '1500000',
          credit: '2000000',
          accounts: 12,
          withdrawing: '250000',
          stopped: '500000',
          late: '0',
          asOf: today,
        },
        receipts: days.map((day) => ({ day, kind: 'channel', received: '1000000' })),
        since: today - 90 * DAY,
      }
  }
  return undefined
}

function alertAt(_: unknown, at: number) {
  return {
    ...{
      id: `alert-${at}`,
      kind: 'withdrawal',
      severity: 'critical',
      subject: `0x${'ab'.repeat(32)}`,
      opened: 1,
    },
    ...{
      figure: '$18.24 unclaimed',
      link: `/_tab402/api/accounts/0x${'ab'.repeat(32)}`,
      resolved: null,
      mutedUntil: null,
    },
  }
}

describe('home', () => {
  it('weighs less than 60 kB with every figure that it can have', async () => {
    const html = await (await browse(full).get('/')).text()
    expect(Buffer.byteLength(html)).toBeLessThan(60_000)
  })

  it('asks for all of it, and who it is for, in one call of the edge Worker', async () => {
    const { get, orders, rounds } = browse(full)
    await get('/')
    expect(rounds).toEqual([orders.length])
    expect(orders.length).toBeGreaterThan(5)
  })

  it('sums what is owed, at risk and received, and what needs the operator comes first', async () => {
    const text = (await (await browse(full).get('/')).text()).replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ')
    expect(text).toContain('Owed to us $3.50')
    expect(text).toContain('At risk $0.75')
    expect(text).toContain('Received today $1.00')
    expect(text.indexOf('Needs you')).toBeLessThan(text.indexOf('Earned today'))
    expect(text).toContain('All 40 alerts')
  })

  it('says “No data yet” before the first figure, and not 0', async () => {
    const { get } = browse((order) => {
      const url = new URL(order.path, 'https://edge.test')
      if (url.pathname === '/figures')
        return { sources: { book: { asOf: null, isReadable: true } }, figures: [], next: null }
      if (url.pathname === '/totals') return { ...(full(order) as object), since: null }
      return full(order)
    })
    const text = await (await get('/')).text()
    expect(text.match(/No data yet/g)).toHaveLength(3)
    expect(text).toContain('href="/setup"')
  })

  it('shows what its principal may see, where the API refuses the rest', async () => {
    const viewer: Principal = { id: 'v', name: 'V', role: 'publisher-viewer', publisher: 'press' }
    const { get } = browse((order) => (order.path.startsWith('/figures') ? full(order) : 'forbidden'), viewer)
    const text = await (await get('/')).text()
    expect(text).not.toContain('Owed to us')
    expect(text).toContain('Earned today')
  })
})
