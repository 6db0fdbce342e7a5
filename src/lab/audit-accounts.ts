/** The invariants of accounts: their totals, journals, proofs, and rows of the read model. */
import type { BookAccount, BookEntry, Books } from './books.ts'
import { type Breach, unless } from './breach.ts'

/** Every breach in the accounts of some books. */
export function accountBreaches(books: Books): Breach[] {
  return Object.entries(books.accounts).flatMap(([id, account]) => [
    ...totals(id, account),
    ...proofs(id, account),
    ...(account.kind === 'channel' ? channel(id, account, books) : []),
    ...(account.kind === 'credit' ? line(id, account, books) : []),
    ...(account.kind === 'exact' ? payer(id, account, books) : []),
    ...readModel(id, account, books),
  ])
}

function totals(id: string, { authorized, charged, redeemed, entries, kind }: BookAccount): Breach[] {
  const breaches = [
    ...unless(authorized >= charged, 'I6', id, 'charged must not exceed authorized', { authorized, charged }),
    ...unless(charged >= redeemed, 'I6', id, 'redeemed must not exceed charged', { charged, redeemed }),
  ]
  if (kind === 'exact') return breaches
  const beyond = entries.find((one) => one.kind === 'charge' && (one.charged ?? 0n) > (one.ceiling ?? 0n))
  const over = { charged: beyond?.charged ?? 0n, ceiling: beyond?.ceiling ?? 0n }
  const journal = foldOf(entries)
  return [
    ...breaches,
    ...unless(!beyond, 'I7', id, 'each charge must stay below the ceiling of its time', over),
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

/** Each charge that stands has a signature of its own: a voucher and its page, a commitment, or an authorization. */
function proofs(id: string, { kind, entries }: BookAccount): Breach[] {
  const released = new Set(entries.filter((one) => one.kind === 'release').map(({ of }) => of))
  const charges = entries.filter((one) => one.proof !== null && !released.has(one.id))
  const [standing, distinct] = [
    BigInt(charges.length),
    BigInt(new Set(charges.map(({ proof }) => proof)).size),
  ]
  const unsigned = BigInt(charges.filter(({ isSigned }) => !isSigned).length)
  return [
    ...unless(standing === distinct, kind === 'exact' ? 'I10' : 'I2', id, 'a proof must be charged once', {
      charges: standing,
      proofs: distinct,
    }),
    ...unless(unsigned === 0n, 'I14', id, 'each charge must have its signature', {
      unsigned,
      charges: standing,
    }),
  ]
}

function channel(id: string, { charged, redeemed }: BookAccount, { chain }: Books): Breach[] {
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
  ]
}

function line(id: string, { charged }: BookAccount, { invoices }: Books): Breach[] {
  const own = Object.values(invoices).filter(({ agent }) => agent === id)
  const billed = own.reduce((sum, invoice) => sum + invoice.charged, 0n)
  return unless(billed <= charged, 'B1', id, 'invoices must not bill more than was charged', {
    billed,
    charged,
  })
}

/** By the chain alone the ledger takes a payment for received, and for one that will never come. */
function payer(id: string, { charged: received, entries }: BookAccount, { chain }: Books): Breach[] {
  const sent = chain.sent[id] ?? 0n
  const used = new Set(chain.used[id])
  const refused = entries.filter(({ kind }) => kind === 'released' || kind === 'lost')
  const paid = refused.filter((one) => used.has(one.id.split(':').at(-1) ?? ''))
  const given = paid.reduce((sum, { amount }) => sum + amount, 0n)
  return [
    ...unless(received <= sent, 'I9', id, 'what was received must be on the chain', { received, sent }),
    ...unless(given === 0n, 'I9', id, 'a payment on the chain must not be refused for good', {
      refused: given,
      received,
    }),
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
