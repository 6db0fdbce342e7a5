/** Compares the books of a lab with the invariants of docs/faults.md, and the crawlers with what they paid. */
import { accountBreaches } from './audit-accounts.ts'
import { invoiceBreaches } from './audit-invoices.ts'
import type { Books } from './books.ts'
import { type Breach, breachText, unless } from './breach.ts'
import type { CrawlerName, PaysBy } from './crawlers/crawler.ts'
import type { Score } from './score.ts'

/** A crawler beside its score. `exposure`: the most that it may cost, in micro-dollars. */
export type Audited = {
  name: string
  is: CrawlerName
  pays: PaysBy
  account: string | null
  score: Score
  exposure: bigint
}

/** The audit has found breaches. The message names each one, and the seed that repeats the run. */
export class AuditError extends Error {
  readonly breaches: readonly Breach[]
  readonly seed: number

  constructor(breaches: readonly Breach[], seed: number) {
    super(`${breaches.map(breachText).join('\n')}\nseed ${seed}`)
    this.name = 'AuditError'
    this.breaches = breaches
    this.seed = seed
  }
}

/** Every breach in some books, none in good ones. */
export function breachesOf(books: Books, crawlers: readonly Audited[]): Breach[] {
  return [
    ...conservation(books),
    ...runs(books),
    ...accountBreaches(books),
    ...invoiceBreaches(books),
    ...crawlers.flatMap((one) => [...crawler(one), ...honest(one, books)]),
  ]
}

function conservation({ chain: { supply, escrow, wallets, channels } }: Books): Breach[] {
  const held = Object.values(wallets).reduce((sum, usdc) => sum + usdc, escrow)
  // The escrow has channels of strangers too.
  const open = Object.values(channels).reduce((sum, { balance, claimed }) => sum + balance - claimed, 0n)
  return [
    ...unless(held === supply, 'I1', 'the chain', 'escrow and wallets must hold all USDC there is', {
      held,
      supply,
    }),
    ...unless(escrow >= open, 'I1', 'the escrow', 'it must hold what its channels still have', {
      escrow,
      open,
    }),
  ]
}

/** The chain has moved at least what runs say that they have moved: no transaction is counted twice. */
function runs({ runs, chain }: Books): Breach[] {
  const all = Object.values(runs)
  const claimed = all.reduce((sum, run) => sum + run.claimed, 0n)
  const swept = all.reduce((sum, run) => sum + run.swept, 0n)
  const chainClaimed = Object.values(chain.channels).reduce((sum, channel) => sum + channel.claimed, 0n)
  return [
    ...unless(claimed <= chainClaimed, 'I8', 'all runs', 'the chain must have claimed what they claimed', {
      claimed,
      chain: chainClaimed,
    }),
    ...unless(swept <= chain.swept, 'I8', 'all runs', 'the escrow must have sent what they swept', {
      swept,
      chain: chain.swept,
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

/** Whatever the others do, the wallet of an honest crawler stays welcome. On credit it may owe an invoice. */
function honest({ name, is, pays, account }: Audited, { accounts }: Books): Breach[] {
  const own = account === null ? undefined : accounts[account]
  if (is !== 'honest' || pays === 'credit' || !own) return []
  const { status, charged, redeemed } = own
  return unless(status === 'open', 'I13', name, `an honest payer must be served, and is ${status}`, {
    charged,
    redeemed,
  })
}
