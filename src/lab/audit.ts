/** Compares the books of a lab with the invariants of docs/faults.md, and the crawlers with what they paid. */
import type { BookAccount, BookEntry, Books } from './books.ts'
import type { PaysBy } from './crawlers/crawler.ts'
import type { Score } from './score.ts'

/** A broken invariant. Both figures are in micro-dollars, unless `says` names another unit. */
export type Breach = { id: string; account: string; says: string; figures: [string, bigint][] }

/** A crawler beside its score. `exposure`: the most that it may cost, in micro-dollars. */
export type Audited = { name: string; pays: PaysBy; score: Score; exposure: bigint }

/** The audit has found breaches. The message names each one, and the seed that repeats the run. */
export class AuditError extends Error {
  readonly breaches: readonly Breach[]
  readonly seed: number

  constructor(breaches: readonly Breach[], seed: number) {
    super(`${breaches.map(text).join('\n')}\nseed ${seed}`)
    this.name = 'AuditError'
    this.breaches = breaches
    this.seed = seed
  }
}

/** Every breach in some books, none in good ones. */
export function breachesOf(books: Books, crawlers: readonly Audited[]): Breach[] {
  return [
    ...conservation(books),
    ...Object.entries(books.accounts).flatMap(([id, account]) => [
      ...totals(id, account),
      ...(account.kind === 'channel' ? channel(id, account, books) : []),
      ...(account.kind === 'credit' ? line(id, account, books) : []),
      ...readModel(id, account, books),
    ]),
    ...crawlers.flatMap(crawler),
  ]
}

function conservation({ chain: { supply, escrow, wallets } }: Books): Breach[] {
  const held = Object.values(wallets).reduce((sum, usdc) => sum + usdc, escrow)
  return unless(held === supply, 'I1', 'the chain', 'escrow and wallets must hold all USDC there is', {
    held,
    supply,
  })
}

function totals(id: string, { authorized, charged, redeemed, entries, kind }: BookAccount): Breach[] {
  const breaches = [
    ...unless(authorized >= charged, 'I6', id, 'charged must not exceed authorized', { authorized, charged }),
    ...unless(charged >= redeemed, 'I6', id, 'redeemed must not exceed charged', { charged, redeemed }),
  ]
  if (kind === 'exact') return breaches
  const journal = foldOf(entries)
  return [
    ...breaches,
    ...unless(journal === charged, 'I3', id, 'the journal must add up to charged', { journal, charged }),
  ]
}

/** The sum of a journal: its charges less its releases. A lowered price gives back the difference. */
function foldOf(entries: readonly BookEntry[]): bigint {
  return entries.reduce((sum, { kind, amount }) => {
    if (kind === 'charge') return sum + amount
    return kind === 'release' || kind === 'lower' ? sum - amount : sum
  }, 0n)
}

function channel(id: string, { charged, redeemed, ceiling }: BookAccount, { chain }: Books): Breach[] {
  const on = chain.channels[id as `0x${string}`]
  if (!on) return []
  return [
    ...unless(on.claimed <= charged, 'I6', id, 'what was claimed must not exceed charged', {
      claimed: on.claimed,
      charged,
    }),
    ...unless(redeemed <= on.claimed, 'I6', id, 'redeemed must not exceed what was claimed', {
      redeemed,
      claimed: on.claimed,
    }),
    ...unless(on.claimed <= (ceiling ?? 0n) || on.claimed <= on.balance, 'I7', id, 'claims must be backed', {
      claimed: on.claimed,
      balance: on.balance,
    }),
  ]
}

function line(id: string, { charged, redeemed, ceiling }: BookAccount, { invoices }: Books): Breach[] {
  const own = Object.entries(invoices).filter(([, { agent }]) => agent === id)
  const billed = own.reduce((sum, [, invoice]) => sum + invoice.charged, 0n)
  return [
    ...unless(
      charged <= (ceiling ?? charged) || redeemed > 0n,
      'I7',
      id,
      'charged must stay below the limit',
      {
        charged,
        limit: ceiling ?? 0n,
      },
    ),
    ...unless(billed <= charged, 'B1', id, 'invoices must not bill more than was charged', {
      billed,
      charged,
    }),
    ...own.flatMap(([number, { charged, carriedIn, carried, net }]) =>
      unless(
        charged + carriedIn === net + carried,
        'B1',
        number,
        'an invoice must bill or carry each charge',
        {
          charged: charged + carriedIn,
          billed: net + carried,
        },
      ),
    ),
  ]
}

/** The read model shows an account as some run has seen it: never more than the account itself. */
function readModel(id: string, { redeemed }: BookAccount, { listed }: Books): Breach[] {
  const row = listed[id]
  if (!row) return []
  return [
    ...unless(row.redeemed <= row.charged, 'I11', id, 'a row must not redeem more than it charges', row),
    ...unless(row.redeemed <= redeemed, 'I11', id, 'the row must not be ahead of the account', {
      row: row.redeemed,
      account: redeemed,
    }),
  ]
}

function crawler({ name, score, exposure }: Audited): Breach[] {
  return [
    ...unless(score.stolen <= exposure, 'I4', name, 'a crawler must not get what it does not pay', {
      stolen: score.stolen,
      exposure,
    }),
    ...unless(score.overpaid === 0n, 'I5', name, 'a crawler must not pay for what it does not get', {
      overpaid: score.overpaid,
    }),
  ]
}

function unless(
  holds: boolean,
  id: string,
  account: string,
  says: string,
  figures: Record<string, bigint>,
): Breach[] {
  return holds ? [] : [{ id, account, says, figures: Object.entries(figures) }]
}

function text({ id, account, says, figures }: Breach): string {
  return `${id} ${account}: ${says} (${figures.map(([name, amount]) => `${name} ${amount}`).join(', ')})`
}
