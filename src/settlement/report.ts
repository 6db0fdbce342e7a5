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
import { add, type ExactSums, NO_EXACT, NO_SUMS, type Reconciled, type Sums } from './channels/reconcile.ts'
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
  'lost',
  'relisted',
  'figures_differ',
  'low_gas',
  'nonce_filled',
])

/** A receiver on one network, as its part of a run ends. */
type ReceiverEnd = Receiver & { redeemed: string; elsewhere: string }

/** All that the parts of a run share. */
class Collected {
  healed = 0n
  open = 0
  quarantined = 0
  readonly sent = new Map<string, Sent & OnNetwork>()
  readonly bad = new Map<string, BadRow>()
  readonly dust = new Map<string, Dust>()
  readonly findings = new Map<string, Finding>()
  sums: Sums | null = null
  exact: ExactSums | null = null
  readonly receivers: (ReceiverEnd & OnNetwork)[] = []
  shadow: ShadowDay | null = null
  bill: BillSums | null = null
}

type OnNetwork = { network?: string }

/** The record of one run, filled step by step. */
export class Report {
  readonly #all: Collected
  /** The network (CAIP-2) that stands beside what this part reports. */
  readonly #on: OnNetwork

  constructor(all = new Collected(), on: OnNetwork = {}) {
    this.#all = all
    this.#on = on
  }

  /** The same record, as one network's part of the run fills it. */
  on(network: string): Report {
    return new Report(this.#all, { network })
  }

  gathered({ healed, open, dust, findings }: Gathered): void {
    for (const row of dust) this.#all.dust.set(row.channelId, row)
    this.#all.healed += BigInt(healed)
    this.#all.open += open
    this.#note(findings)
  }

  planned({ bad, findings }: { bad: BadRow[]; findings: Finding[] }): void {
    for (const row of bad) this.#all.bad.set(row.channelId, row)
    this.#note(findings)
  }

  /** The status of a transaction from a later step replaces an earlier one. */
  claimed({ sent, findings }: { sent: Sent[]; findings: Finding[] }): void {
    for (const one of sent) this.swept(one)
    this.#note(findings)
  }

  swept(sent: Sent): void {
    this.#all.sent.set(`${this.#on.network} ${sent.id}`, { ...sent, ...this.#on })
  }

  /**
   * Dust waits on purpose. The record lists it, so what dust accounts still owe makes no run `in_doubt`. Accounts that screening
   * stops have a finding of their own.
   */
  reconciled({ findings, quarantined }: Reconciled): void {
    this.#all.quarantined += quarantined
    this.#note(findings.filter(({ what, account }) => what !== 'unclaimed' || !this.#waits(account)))
  }

  #waits(account: string): boolean {
    const { findings, dust } = this.#all
    const isStopped = [...findings.values()].some(
      (one) => one.account === account && (one.what === 'held' || one.what === 'unscreened'),
    )
    return isStopped || dust.has(account)
  }

  summed(end: { sums: Sums; exact: ExactSums; receivers: ReceiverEnd[]; findings: Finding[] }): void {
    const { sums, receivers } = end
    this.#all.sums = add(sums, this.#all.sums ?? NO_SUMS)
    this.#all.receivers.push(...receivers.map((one) => ({ ...one, ...this.#on })))
    this.counted(end)
  }

  counted({ exact, findings }: { exact: ExactSums; findings: Finding[] }): void {
    this.#all.exact = add(exact, this.#all.exact ?? NO_EXACT)
    this.#note(findings)
  }

  tried(shadow: ShadowDay): void {
    this.#all.shadow = shadow
  }

  found(findings: Finding[]): void {
    this.#note(findings)
  }

  billed({ sums, findings }: Billed): void {
    this.#all.bill = add(this.#all.bill ?? NO_BILL, sums)
    this.#note(findings)
  }

  caughtUp({ received, findings }: { received: string; findings: Finding[] }): void {
    this.#all.bill = add(this.#all.bill ?? NO_BILL, { ...NO_BILL, received })
    this.#note(findings)
  }

  /**
   * `settled` asserts that nothing is left that was worth redeeming, dust apart: all transactions are mined, no row failed, and
   * everything agrees, except for the findings in `CERTAIN`.
   */
  status(): 'settled' | 'in_doubt' {
    const { sent, findings, bad, open } = this.#all
    const isPending = [...sent.values()].some(({ status }) => status !== 'mined')
    const disagrees = [...findings.values()].some(({ what }) => !CERTAIN.has(what))
    return isPending || disagrees || bad.size > 0 || open > 0 ? 'in_doubt' : 'settled'
  }

  /** Whether the run sent nothing and found nothing. */
  idle(): boolean {
    const { sent, findings, bad } = this.#all
    return sent.size === 0 && bad.size === 0 && findings.size === 0
  }

  /** Whether a run of this status has nothing that an operator should look at. */
  isClean(status: RunRecord['status']): boolean {
    const { bad, findings } = this.#all
    return status === 'settled' && bad.size + findings.size === 0
  }

  record(): Record<string, unknown> {
    const { sums, exact, receivers, shadow, bill } = this.#all
    const [sent, findings, bad, dust] = [this.#all.sent, this.#all.findings, this.#all.bad, this.#all.dust]
    return {
      claimed: sumOf(sent.values(), 'claim'),
      swept: sumOf(sent.values(), 'sweep'),
      healed: this.#all.healed.toString(),
      ...(sums && { sums }),
      ...(exact && { exact }),
      ...(sums && { receivers }),
      ...(shadow && { shadow }),
      ...(bill && { bill }),
      open: this.#all.open,
      dust: {
        amount: [...dust.values()].reduce((sum, { amount }) => sum + BigInt(amount), 0n).toString(),
        ...listed(dust),
      },
      transactions: listed(sent),
      quarantined: { accounts: this.#all.quarantined, ...listed(bad) },
      findings: listed(findings),
    }
  }

  /** Logs one line; a warning if an operator should look at the run. */
  announce({ id, kind, status }: RunRecord): void {
    const { sent, bill } = this.#all
    const [quarantined, findings] = [this.#all.bad.size, this.#all.findings.size]
    const figures = {
      claimed: sumOf(sent.values(), 'claim'),
      swept: sumOf(sent.values(), 'sweep'),
      quarantined,
      findings,
      invoiced: bill?.invoiced,
    }
    log(this.isClean(status) ? 'run_settled' : 'run_unsettled', { id, kind, status, ...figures })
  }

  #note(findings: Finding[]): void {
    for (const finding of findings) {
      const found = { ...this.#on, ...finding }
      this.#all.findings.set(`${found.network} ${found.what} ${found.account} ${found.invoice}`, found)
    }
  }
}

function listed<Item>(items: ReadonlyMap<string, Item>): { count: number; list: Item[] } {
  return { count: items.size, list: [...items.values()].slice(0, MOST_LISTED) }
}

function sumOf(sent: Iterable<Sent>, kind: Sent['kind']): string {
  return [...sent]
    .reduce((sum, { amount, ...one }) => (one.kind === kind ? sum + BigInt(amount) : sum), 0n)
    .toString()
}
