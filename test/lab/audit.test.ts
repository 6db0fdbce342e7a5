import { describe, expect, it } from 'vitest'
import { AuditError, type Audited, breachesOf } from '../../src/lab/audit.ts'
import type { BookAccount, Books } from '../../src/lab/books.ts'
import { diff } from '../../src/lab/diff.ts'
import { type CrawlerMoney, type CrawlerTally, scoreOf } from '../../src/lab/score.ts'

const CHANNEL = `0x${'11'.repeat(32)}` as const
const WALLET = `0x${'22'.repeat(20)}` as const

const account: BookAccount = {
  kind: 'channel',
  authorized: 300n,
  charged: 200n,
  redeemed: 100n,
  ceiling: 1_000n,
  status: 'open',
  unresolved: 0,
  entries: [
    { id: '1', at: 1, kind: 'charge', amount: 300n },
    { id: '2', at: 2, kind: 'replay', amount: 300n },
    { id: '3', at: 3, kind: 'release', amount: 100n },
  ],
}

const books: Books = {
  at: 0,
  accounts: { [CHANNEL]: account },
  listed: { [CHANNEL]: { charged: 200n, redeemed: 100n } },
  chain: {
    supply: 5_000n,
    escrow: 900n,
    wallets: { [WALLET]: 4_100n },
    channels: { [CHANNEL]: { balance: 1_000n, claimed: 100n, withdrawsSince: null } },
  },
  stripe: {},
  invoices: {},
  runs: {},
  findings: [],
}

const withAccount = (change: Partial<BookAccount>): Books => ({
  ...books,
  accounts: { [CHANNEL]: { ...account, ...change } },
})

const idsOf = (books: Books, crawlers: Audited[] = []) => breachesOf(books, crawlers).map(({ id }) => id)

const tally: CrawlerTally = {
  requests: 2,
  byStatus: { 200: 2 },
  byReason: {},
  bytes: 10,
  pages: 2,
  delivered: 200n,
  account: CHANNEL,
}
const settled: CrawlerMoney = { charged: 200n, paid: 150n, due: 50n, undelivered: 0n }

describe('breachesOf', () => {
  it('finds nothing in good books', () => expect(breachesOf(books, [])).toEqual([]))

  it.each<[string, Books]>([
    ['I1', { ...books, chain: { ...books.chain, supply: 5_001n } }],
    ['I6', withAccount({ authorized: 199n })],
    ['I6', withAccount({ redeemed: 201n })],
    ['I3', withAccount({ charged: 201n })],
    [
      'I6',
      {
        ...books,
        chain: {
          ...books.chain,
          channels: { [CHANNEL]: { balance: 1_000n, claimed: 201n, withdrawsSince: null } },
        },
      },
    ],
    ['I11', { ...books, listed: { [CHANNEL]: { charged: 200n, redeemed: 101n } } }],
  ])('finds a broken %s', (id, broken) => expect(idsOf(broken)).toContain(id))

  it('finds what a crawler has stolen beyond its exposure, and what it has overpaid', () => {
    const stolen = scoreOf(tally, { ...settled, due: 0n })
    const overpaid = scoreOf(tally, { ...settled, charged: 201n })
    const crawler = { name: 'thief', pays: 'channel' } as const
    expect(idsOf(books, [{ ...crawler, score: stolen, exposure: 49n }])).toEqual(['I4'])
    expect(idsOf(books, [{ ...crawler, score: stolen, exposure: 50n }])).toEqual([])
    expect(idsOf(books, [{ ...crawler, score: overpaid, exposure: 0n }])).toEqual(['I5'])
  })
})

describe('an AuditError', () => {
  it('names the invariant, the account, both figures and the seed', () => {
    const [breach] = breachesOf(withAccount({ redeemed: 201n }), [])
    if (!breach) throw new Error('the books must be broken')
    expect(new AuditError([breach], 7).message).toBe(
      `I6 ${CHANNEL}: redeemed must not exceed charged (charged 200, redeemed 201)\nseed 7`,
    )
  })
})

describe('diff', () => {
  it('is empty for equal books', () => expect(diff(books, structuredClone(books))).toBe(''))

  it('has one line for each figure that has changed', () => {
    const after = withAccount({ redeemed: 200n, status: 'quarantined' })
    expect(diff(books, after)).toBe(
      `account ${CHANNEL} redeemed: $0.000100 -> $0.000200 (+$0.000100)\naccount ${CHANNEL}: open -> quarantined`,
    )
  })
})
