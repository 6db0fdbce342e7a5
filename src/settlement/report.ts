/**
 * Collects the results and findings of a run into its record: plain JSON, amounts as decimal strings in atomic units.
 */

import { type Billed, type BillSums, NO_BILL } from '../billing/nightly.ts'
import type { Finding } from '../ledger/book/finding.ts'
import type { RunRecord } from '../ledger/book/runs.ts'
import type { ShadowDay } from '../ledger/book/shadow.ts'
import { log } from '../platform/log.ts'
import type { BadRow } from './channels/claims.ts'
import type { Dust } from './channels/dust.ts'
import type { Gathered } from './channels/gather.ts'
import { add, type ExactSums, type Reconciled, type Sums } from './channels/reconcile.ts'
import type { Receiver } from './channels/sweep.ts'
import type { Sent } from './channels/transactions.ts'

/** A record is one D1 row of at most 2 MB. It stores the beginning of a long list, and always its length. */
const MOST_LISTED = 500

/** Findings of a certain loss or gain. They leave nothing unresolved, so the run still counts as settled. */
const CERTAIN: ReadonlySet<Finding['what']> = new Set([
  'uncovered',
  'overpaid',
  'overcredited',
  'undelivered',
  'relisted',
  'figures_differ',
  'low_gas',
  'nonce_filled',
])

/** The record of one run, filled step by step. */
export class Report {
  #healed = 0n
  #open = 0
  #quarantined = 0
  readonly #sent = new Map<string, Sent>()
  readonly #bad = new Map<string, BadRow>()
  readonly #dust = new Map<string, Dust>()
  readonly #findings = new Map<string, Finding>()
  #totals: Record<string, unknown> = {}
  #bill: BillSums | null = null

  gathered({ healed, open, dust, findings }: Gathered): void {
    for (const row of dust) this.#dust.set(row.channelId, row)
    this.#healed += BigInt(healed)
    this.#open += open
    this.#note(findings)
  }

  planned({ bad, findings }: { bad: BadRow[]; findings: Finding[] }): void {
    for (const row of bad) this.#bad.set(row.channelId, row)
    this.#note(findings)
  }

  /** The status of a transaction from a later step replaces an earlier one. */
  claimed({ sent, findings }: { sent: Sent[]; findings: Finding[] }): void {
    for (const one of sent) this.#sent.set(one.id, one)
    this.#note(findings)
  }

  swept(sent: Sent): void {
    this.#sent.set(sent.id, sent)
  }

  /**
   * Dust waits on purpose. The record lists it, so what dust accounts still owe makes no run `in_doubt`. Accounts that screening
   * stops have a finding of their own.
   */
  reconciled({ findings, quarantined }: Reconciled): void {
    this.#quarantined += quarantined
    this.#note(findings.filter(({ what, account }) => what !== 'unclaimed' || !this.#waits(account)))
  }

  #waits(account: string): boolean {
    const isStopped = ['held', 'unscreened'].some((what) => this.#findings.has(`${what} ${account}`))
    return isStopped || this.#dust.has(account)
  }

  summed(end: {
    sums: Sums
    exact: ExactSums
    receivers: (Receiver & { redeemed: string; elsewhere: string })[]
    findings: Finding[]
  }): void {
    const { sums, exact, receivers, findings } = end
    this.#totals = { sums, exact, receivers }
    this.#note(findings)
  }

  counted({ exact, findings }: { exact: ExactSums; findings: Finding[] }): void {
    this.#totals = { exact }
    this.#note(findings)
  }

  tried(shadow: ShadowDay): void {
    this.#totals = { shadow }
  }

  found(findings: Finding[]): void {
    this.#note(findings)
  }

  billed({ sums, findings }: Billed): void {
    this.#bill = add(this.#bill ?? NO_BILL, sums)
    this.#note(findings)
  }

  caughtUp({ received, findings }: { received: string; findings: Finding[] }): void {
    this.#bill = add(this.#bill ?? NO_BILL, { ...NO_BILL, received })
    this.#note(findings)
  }

  /**
   * `settled` asserts that nothing is left that was worth redeeming, dust apart: all transactions are mined, no row failed, and
   * everything agrees, except for the findings in `CERTAIN`.
   */
  status(): 'settled' | 'in_doubt' {
    const isPending = [...this.#sent.values()].some(({ status }) => status !== 'mined')
    const disagrees = [...this.#findings.values()].some(({ what }) => !CERTAIN.has(what))
    return isPending || disagrees || this.#bad.size > 0 || this.#open > 0 ? 'in_doubt' : 'settled'
  }

  /** Whether the run sent nothing and found nothing. */
  idle(): boolean {
    return this.#sent.size === 0 && this.#bad.size === 0 && this.#findings.size === 0
  }

  record(): Record<string, unknown> {
    const sent = [...this.#sent.values()]
    const findings = [...this.#findings.values()]
    const bad = [...this.#bad.values()]
    const dust = [...this.#dust.values()]
    return {
      claimed: sumOf(sent, 'claim'),
      swept: sumOf(sent, 'sweep'),
      healed: this.#healed.toString(),
      ...this.#totals,
      ...(this.#bill && { bill: this.#bill }),
      open: this.#open,
      dust: {
        amount: dust.reduce((sum, { amount }) => sum + BigInt(amount), 0n).toString(),
        ...listed(dust),
      },
      transactions: listed(sent),
      quarantined: { accounts: this.#quarantined, ...listed(bad) },
      findings: listed(findings),
    }
  }

  /** Logs one line; a warning if an operator should look at the run. */
  announce({ id, kind, status }: RunRecord): void {
    const [quarantined, findings] = [this.#bad.size, this.#findings.size]
    const sent = [...this.#sent.values()]
    const figures = {
      claimed: sumOf(sent, 'claim'),
      swept: sumOf(sent, 'sweep'),
      quarantined,
      findings,
      invoiced: this.#bill?.invoiced,
    }
    const isClean = status === 'settled' && quarantined + findings === 0
    log(isClean ? 'run_settled' : 'run_unsettled', { id, kind, status, ...figures })
  }

  #note(findings: Finding[]): void {
    for (const finding of findings) this.#findings.set(`${finding.what} ${finding.account}`, finding)
  }
}

function listed<Item>(items: Item[]): { count: number; list: Item[] } {
  return { count: items.length, list: items.slice(0, MOST_LISTED) }
}

function sumOf(sent: Sent[], kind: Sent['kind']): string {
  return sent
    .reduce((sum, { amount, ...one }) => (one.kind === kind ? sum + BigInt(amount) : sum), 0n)
    .toString()
}
