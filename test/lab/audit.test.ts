import { describe, expect, it } from 'vitest'
import { AuditError, type Audited, breachesOf } from '../../src/lab/audit.ts'
import type { BookAccount, BookEntry, BookInvoice, Books } from '../../src/lab/books.ts'
import { diff } from '../../src/lab/diff.ts'
import { channelAccount, entryOf } from '../../src/lab/read-account.ts'
import { type CrawlerMoney, type CrawlerTally, scoreOf } from '../../src/lab/score.ts'

const CHANNEL = `0x${'11'.repeat(32)}` as const
const PAYER = `eip155:84532:0x${'33'.repeat(20)}`
const WALLET = `0x${'22'.repeat(20)}` as const

const entry: BookEntry = {
  id: '1',
  at: 1,
  kind: 'charge',
  amount: 300n,
  charged: 300n,
  ceiling: 1_000n,
  of: null,
  proof: '300:/a',
  isSigned: true,
}

const account: BookAccount = {
  kind: 'channel',
  authorized: 300n,
  charged: 200n,
  redeemed: 100n,
  ceiling: 1_000n,
  status: 'open',
  unresolved: 0,
  entries: [
    { ...entry, amount: 200n },
    { ...entry, id: '2', kind: 'replay', amount: 200n, of: '1', proof: null },
    { ...entry, id: '3', amount: 100n, proof: '300:/b' },
    { ...entry, id: '4', kind: 'release', amount: 100n, of: '3', proof: null },
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
    swept: 100n,
    sent: {},
    used: {},
  },
  receivers: [WALLET],
  stripe: {},
  invoices: {},
  runs: {},
  findings: [],
}

const withAccount = (change: Partial<BookAccount>): Books => ({
  ...books,
  accounts: { [CHANNEL]: { ...account, ...change } },
})

const invoice: BookInvoice = {
  number: 1,
  agent: 'crawler-1',
  periods: ['2026-12-01'],
  stage: 'settled',
  stages: ['due', 'past_due', 'settled'],
  payments: [{ reference: '0xaa', amount: 100n }],
  charged: 105n,
  carriedIn: 0n,
  carried: 5n,
  net: 100n,
  total: 100n,
  paid: 100n,
  owed: 0n,
}

const withInvoices = (...changes: Partial<BookInvoice>[]): Books => ({
  ...books,
  invoices: Object.fromEntries(changes.map((change, at) => [`INV-${at + 1}`, { ...invoice, ...change }])),
})

const withChain = (change: Partial<Books['chain']>): Books => ({
  ...books,
  chain: { ...books.chain, ...change },
})

/** A payment by `exact` that the chain shows, and its status in the ledger. */
const withPayment = (kind: string): Books => ({
  ...books,
  accounts: {
    [PAYER]: {
      ...account,
      ...{ kind: 'exact', authorized: 0n, charged: 0n, redeemed: 0n },
      entries: [{ ...entry, id: `${WALLET}:0xabc`, kind, proof: null }],
    },
  },
  listed: {},
  chain: { ...books.chain, sent: { [PAYER]: 300n }, used: { [PAYER]: ['0xabc'] } },
})

const commitment = (seq: number, request: string, nonce: string | null) =>
  entryOf({
    ...{ seq, at: 1, kind: 'charge', amount: '100', charged: `${seq * 100}`, ceiling: '1000', request },
    evidence: {
      keyId: 'key',
      signature: `signature of ${request}`,
      base: `"@target-uri": ${request}\n"@signature-params": ("@target-uri");created=1${nonce === null ? '' : `;nonce="${nonce}"`}`,
    },
  })

const withCommitments = (...entries: BookEntry[]): Books => {
  const charged = 100n * BigInt(entries.length)
  const line: BookAccount = {
    ...account,
    kind: 'credit',
    authorized: charged,
    charged,
    redeemed: 0n,
    entries,
  }
  return { ...books, accounts: { 'crawler-1': line }, listed: {} }
}

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
  it('finds nothing in good books', () => {
    const next = { number: 2, periods: ['2026-12-02'] }
    expect(breachesOf(withInvoices({}, next), [])).toEqual([])
  })

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
    ['I1', withChain({ escrow: 899n, supply: 4_999n })],
    [
      'I2',
      withAccount({
        charged: 400n,
        authorized: 400n,
        entries: [...account.entries, { ...entry, amount: 200n }],
      }),
    ],
    ['I8', { ...books, runs: { run: { kind: 'settlement', status: 'settled', claimed: 101n, swept: 0n } } }],
    ['I8', { ...books, runs: { run: { kind: 'settlement', status: 'settled', claimed: 0n, swept: 101n } } }],
    ['I7', withAccount({ entries: account.entries.map((one) => ({ ...one, ceiling: 299n })) })],
    ['I9', withAccount({ kind: 'exact', entries: [] })],
    ['I9', withPayment('released')],
    ['I9', withPayment('lost')],
    ['I10', withAccount({ kind: 'exact', entries: [entry, entry] })],
    ['I14', withAccount({ entries: account.entries.map((one) => ({ ...one, isSigned: false })) })],
    ['B1', withInvoices({ carried: 4n })],
    ['B2', withInvoices({}, { number: 3, periods: ['2026-12-02'] })],
    ['B2', withInvoices({}, { number: 2 })],
    ['B3', withInvoices({ stages: ['due', 'suspended'] })],
    ['B4', withInvoices({ payments: [...invoice.payments, { reference: '0xaa', amount: 1n }] })],
    ['B4', withInvoices({ paid: 99n })],
    ['I11', { ...books, listed: { [CHANNEL]: { charged: 200n, redeemed: 101n } } }],
  ])('finds a broken %s', (id, broken) => expect(idsOf(broken)).toContain(id))

  it('finds a commitment that was charged for two pages [I2]', () => {
    const twice = withCommitments(commitment(1, '/a', 'n1'), commitment(2, '/b', 'n1'))
    expect(idsOf(twice)).toEqual(['I2'])
  })

  it('finds a commitment without a nonce that was charged twice [I2]', () => {
    expect(idsOf(withCommitments(commitment(1, '/a', null), commitment(2, '/a', null)))).toEqual(['I2'])
  })

  it('finds nothing in two commitments to one page [I2]', () => {
    const two = withCommitments(commitment(1, '/a', 'n1'), commitment(2, '/a', 'n2'))
    expect(idsOf(two)).toEqual([])
  })

  it('finds nothing in a payment whose outcome is not known yet [I9]', () => {
    expect(idsOf(withPayment('watched'))).toEqual([])
  })

  it('finds an honest payer whose channel is held [I13]', () => {
    const standing = {
      ...{ authorized: '300', charged: '200', redeemed: '100', state: { balance: '1000' } },
      ...{ quarantine: null, unresolved: null, hold: {} },
    }
    const held = channelAccount({ kind: 'channel', standing }, account.entries)
    const honest: Audited = {
      ...{ name: 'honest', is: 'honest', pays: 'channel', account: CHANNEL, exposure: 0n },
      score: scoreOf(tally, settled),
    }
    expect(idsOf(withAccount(held), [honest])).toEqual(['I13'])
  })

  it('finds an honest payer that is not served, and none that is [I13]', () => {
    const score = scoreOf(tally, settled)
    const honest = {
      name: 'honest',
      is: 'honest',
      pays: 'channel',
      account: CHANNEL,
      exposure: 0n,
      score,
    } as const
    expect(idsOf(withAccount({ status: 'quarantined' }), [honest])).toEqual(['I13'])
    expect(idsOf(books, [honest])).toEqual([])
  })

  it('lets an invoice be past due at once after a payment that failed [B3]', () => {
    const failed = { stages: ['past_due'], payments: [{ reference: 'x', amount: 0n }], paid: 0n }
    expect(idsOf(withInvoices(failed))).toEqual([])
  })

  it('finds what a crawler has stolen beyond its exposure, and what it has overpaid', () => {
    const stolen = scoreOf(tally, { ...settled, due: 0n })
    const overpaid = scoreOf(tally, { ...settled, charged: 201n })
    const crawler = { name: 'thief', is: 'replayer', pays: 'channel', account: null } as const
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
