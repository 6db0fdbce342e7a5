import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../src/config/policy.ts'
import { Pages, PageTable, pageNumber } from '../../src/logs/pages.ts'
import type { LogEntry, LogRecord } from '../../src/logs/record.ts'
import { Trial, type TrialReport } from '../../src/logs/trial.ts'

const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36'

function policy(rules: unknown[] = [], terms: object = {}) {
  const read = parsePolicy({
    ORIGIN: 'zone',
    RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
    NETWORK: 'eip155:8453',
    PRICE: '0.002',
    RULES: rules,
    ...terms,
  })
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  return read.policy
}

function record(change: Partial<LogRecord> = {}): LogRecord {
  const time = Date.UTC(2026, 10, 27)
  const request = { method: 'GET', host: 'news.example', path: '/a', query: '', status: 200, bytes: 1 }
  return { time, ...request, ip: '203.0.113.7', ua: 'GPTBot/1.2', ...change }
}

function report(entries: LogEntry[], rules: unknown[] = [], host?: string): TrialReport {
  const trial = new Trial(policy(rules), { host })
  for (const entry of entries) trial.add(entry)
  return trial.report()
}

describe('a trial', () => {
  it('decides by the country of a line, and says where a log names none', () => {
    const rules = [{ action: 'block', country: 'DE' }]
    const { rows, notes } = report([record({ country: 'DE' }), record({ country: 'FR' })], rules)
    expect(rows).toMatchObject([{ rule: 'default' }, { rule: 'RULES[0]', action: 'block', requests: 1 }])
    expect(notes).toEqual([])
    expect(report([record()], rules).notes).toEqual([
      'This log names no countries: rules with a country count "none" for each request.',
    ])
  })

  it('adds up requests, distinct pages and list prices by crawler and rule', () => {
    const { rows, totals } = report(
      [
        record(),
        record(),
        record({ query: 'page=2' }),
        record({ path: '/archive/1' }),
        record({ ua: 'CCBot/2.0', path: '/archive/1' }),
        record({ ua: CHROME }),
      ],
      [{ path: '/archive/*', action: 'charge', price: '0.05' }],
    )
    expect(rows).toMatchObject([
      { crawler: 'GPTBot', class: 'training', rule: 'RULES[0]', requests: 1, pages: 1, listPrice: 50_000n },
      { crawler: 'CCBot', class: 'training', rule: 'RULES[0]', requests: 1, pages: 1, listPrice: 50_000n },
      { crawler: 'GPTBot', class: 'training', rule: 'default', requests: 3, pages: 2, listPrice: 6_000n },
      { crawler: '(readers)', class: 'reader', action: 'allow', requests: 1, listPrice: 0n },
    ])
    expect(totals).toEqual({
      charge: { requests: 5, pages: 4, listPrice: 106_000n, price: 106_000n },
      allow: { requests: 1, pages: 1, listPrice: 0n, price: 0n },
      block: { requests: 0, pages: 0, listPrice: 0n, price: 0n },
    })
  })

  it.each([200, 203, 206])('counts a GET that was answered %i', (status) => {
    expect(report([record({ status })]).totals.charge.requests).toBe(1)
  })

  it.each([
    [{ status: 304 }, { otherStatus: 1 }],
    [{ status: 402 }, { otherStatus: 1 }],
    [{ status: 500 }, { otherStatus: 1 }],
    [{ method: 'HEAD' }, { otherMethod: 1 }],
    [{ method: 'POST' }, { otherMethod: 1 }],
  ])('counts %j as free', (change, expected) => {
    const { rows, notDelivered, requests } = report([record(change)])
    expect({ rows, requests }).toEqual({ rows: [], requests: 1 })
    expect(notDelivered).toMatchObject(expected)
  })

  it('counts one host only where that is asked', () => {
    const { totals, notDelivered } = report([record(), record({ host: 'other.example' })], [], 'news.example')
    expect([totals.charge.requests, notDelivered.otherHost]).toEqual([1, 1])
  })

  it('counts skipped lines by their reasons', () => {
    const { lines, requests, skipped } = report([record(), 'comment', 'comment', 'too_long'])
    expect({ lines, requests, skipped }).toMatchObject({
      lines: 4,
      requests: 1,
      skipped: [
        { reason: 'comment', lines: 2 },
        { reason: 'too_long', about: 'lines over 10 MB', lines: 1 },
      ],
    })
  })

  it('counts crawlers whose purpose no list states', () => {
    const { crawlers } = report([
      record(),
      record({ ua: 'curl/8.0' }),
      record({ ua: null }),
      record({ ua: CHROME }),
    ])
    expect(crawlers).toEqual({ requests: 3, unclassified: 2, refuted: 0 })
  })

  it('classifies by the category that Cloudflare logged, for one User-Agent more than once', () => {
    const { rows } = report([record({ ua: CHROME }), record({ ua: CHROME, category: 'AI Crawler' })])
    expect(rows.map((row) => row.class).sort()).toEqual(['reader', 'training'])
  })

  it('counts a browser that Cloudflare scores 1 as a crawler', () => {
    expect(report([record({ ua: CHROME, score: 1 })]).totals.charge.requests).toBe(1)
  })

  it('charges a page once in the re-crawl window of its crawler', () => {
    const hour = 3_600_000
    const at = (hours: number, change = {}) =>
      record({ time: Date.UTC(2026, 10, 27) + hours * hour, ...change })
    const entries = [
      at(0),
      at(1),
      at(23),
      at(24),
      at(25),
      at(26, { path: '/b' }),
      at(26, { ua: 'CCBot/2.0' }),
    ]
    const { rows } = report(entries, [{ action: 'charge', recrawl: '24h' }])
    expect(
      rows.map(({ crawler, requests, listPrice, price }) => [crawler, requests, listPrice, price]),
    ).toEqual([
      ['GPTBot', 6, 12_000n, 6_000n],
      ['CCBot', 1, 2_000n, 2_000n],
    ])
  })

  it('decides by the age that a page had when it was asked for', () => {
    const terms = [{ action: 'charge', price: '0.05', age: { under: '24h' } }]
    const read = parsePolicy({
      ORIGIN: 'zone',
      RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
      NETWORK: 'eip155:8453',
      PRICE: '0.002',
      RULES: terms,
      DATES: { pattern: '/{yyyy}/{mm}/{dd}/' },
    })
    if (!read.ok) throw new Error(JSON.stringify(read.problems))
    const trial = new Trial(read.policy)
    for (const day of [27, 28, 29])
      trial.add(record({ path: '/2026/11/27/a', time: Date.UTC(2026, 10, day, 12) }))
    expect(trial.report().rows.map(({ rule, requests }) => [rule, requests])).toEqual([
      ['RULES[0]', 1],
      ['default', 2],
    ])
  })

  it('states the time between the first and the last request', () => {
    const { from, to } = report([record({ time: 2_000 }), record({ time: null }), record({ time: 1_000 })])
    expect({ from, to }).toEqual({ from: '1970-01-01T00:00:01.000Z', to: '1970-01-01T00:00:02.000Z' })
  })

  it('counts refuted claims in rows of their own, which no allow by name covers', () => {
    const published = (name: string, address: string) =>
      name !== 'Googlebot' ? 'unknown' : address === '192.0.2.7' ? 'listed' : 'unlisted'
    const trial = new Trial(policy([{ who: 'search', action: 'allow' }]), { published })
    const ua = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'
    for (const ip of ['192.0.2.7', '198.51.100.7', '192.0.2.7']) trial.add(record({ ua, ip, query: '' }))
    const { rows, crawlers } = trial.report()
    expect(rows).toMatchObject([
      { crawler: 'Googlebot', refuted: true, action: 'charge', requests: 1 },
      { crawler: 'Googlebot', refuted: false, action: 'allow', requests: 2 },
    ])
    expect(crawlers).toEqual({ requests: 3, unclassified: 0, refuted: 1 })
  })

  it('holds no address', () => {
    const text = JSON.stringify(report([record()]), (_, part) =>
      typeof part === 'bigint' ? `${part}` : part,
    )
    expect(text).not.toContain('203.0.113.7')
  })

  it('names the terms that it does not estimate', () => {
    const RULES = [
      { action: 'charge', path: '/a/*', final: 'origin' },
      { action: 'charge', price: 'origin', steps: [{ from: 1000, price: '0.0005' }] },
      { action: 'charge', path: '/b/*', pass: { price: '1', lasts: '24h', path: '/b/*' } },
    ]
    const CONTRACTS = { GPTBot: { price: '0.0005', until: '2099-12-31' } }
    expect(new Trial(policy(RULES, { CONTRACTS, SCHEMES: ['channel', 'credit'] })).report().notes).toEqual([
      'The origin was not asked: prices that it states are those of the rules here.',
      'The estimate leaves out what may cost less: steps of a month, contracts of agents that sign, passes, final amounts of the origin.',
    ])
    expect(new Trial(policy()).report().notes).toEqual([])
  })

  it('shares one row among the names after the first 1,000', () => {
    const trial = new Trial(policy())
    for (let at = 0; at < 1_010; at++) trial.add(record({ ua: `bot${at}x/1.0` }))
    const { rows, notes } = trial.report()
    expect(rows).toHaveLength(1_001)
    expect(rows.find(({ crawler }) => crawler === '(further names)')?.requests).toBe(10)
    expect(notes).toEqual([expect.stringContaining('Only 1000 names have rows')])
  })
})

describe('Pages', () => {
  it('counts each page once, up to the limit of a crawler and the limit of all', () => {
    const pages = new Pages(3, 2)
    const [one, other] = [new PageTable(), new PageTable()]
    expect(['/a', '/a', '/b', '/c', '/a'].map((page) => pages.put(one, pageNumber(page)))).toEqual([
      'new',
      'known',
      'new',
      'full',
      'known',
    ])
    expect(['/a', '/b'].map((page) => pages.put(other, pageNumber(page)))).toEqual(['new', 'full'])
  })

  it('counts 100,000 pages but for a few', () => {
    const pages = new Pages()
    const set = new PageTable()
    for (let at = 0; at < 100_000; at++)
      pages.put(set, pageNumber(`default news.example/2026/11/story-${at}`))
    expect(set.size).toBeGreaterThan(99_980)
  })
})

describe('PageTable', () => {
  it('holds what a Map holds', () => {
    const page = fc.oneof(fc.integer({ min: -4, max: 4 }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }))
    fc.assert(
      fc.property(fc.array(fc.tuple(page, fc.nat()), { maxLength: 200 }), (entries) => {
        const table = new PageTable()
        const map = new Map<number, number>()
        for (const [written, value] of entries) {
          table.set(written, value)
          // Page 0 shares the slot of page 1.
          map.set(written === 0 ? 1 : written, value)
        }
        expect(table.size).toBe(map.size)
        for (const [key, value] of map) expect(table.get(key)).toBe(value)
        expect(table.get(map.has(7) ? 8 : 7)).toBe(map.has(7) ? map.get(8) : undefined)
      }),
    )
  })
})
