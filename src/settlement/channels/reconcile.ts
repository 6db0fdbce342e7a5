/** Reconciliation: accounts, chain and read model must agree to the unit. Updates the rows of the read model. */
import { KIND, type Listing, listings, project } from '../../ledger/book/accounts.ts'
import { type Cursor, readCursors } from '../../ledger/book/figure-report.ts'
import { compareListing, type Finding } from '../../ledger/book/finding.ts'
import type { Standing } from '../../ledger/channel/types.ts'
import { NO_TOTALS, positionOf } from '../../ledger/exact/sales.ts'
import type { ExactTotals } from '../../ledger/exact/types.ts'
import { checkReports } from '../../ledger/figures/check.ts'
import { mapConcurrently } from '../../platform/pool.ts'
import type { Address } from '../../protocol/evm/hex.ts'
import { accountOf, type Payers, type Settings } from '../context.ts'
import { resolvePayments } from '../exact/in-doubt.ts'
import { compareChain, compareClaims, compareDelivery, compareReceiver } from '../findings.ts'
import { compareGas, conditionsOf, leastAt } from './gas.ts'
import { PAGE, readPage, silence, updateAccount } from './observe.ts'
import { type Receiver, readTotals } from './sweep.ts'

/** Sums over accounts. Decimal strings in atomic units. */
export type Sums = {
  channels: number
  authorized: string
  charged: string
  redeemed: string
  credit: string
  ceiling: string
}

/**
 * Payments by `exact`. `inDoubt` and `undelivered` (paid, but not delivered) count payments; `received` is in atomic
 * units.
 */
export type ExactSums = {
  payers: number
  payments: number
  received: string
  inDoubt: number
  undelivered: number
}

/** The result of one page. */
export type Reconciled = {
  sums: Sums
  exact: ExactSums
  /** Redeemed amounts by receiver, in atomic units. */
  receivers: Record<Address, string>
  quarantined: number
  findings: Finding[]
  lost: Losses
  next: string | null
}

/** By payer, the number of the last lost payment that the findings name. */
export type Losses = Record<string, number>

/** The sums before the first page. */
export const NO_SUMS: Sums = {
  channels: 0,
  authorized: '0',
  charged: '0',
  redeemed: '0',
  credit: '0',
  ceiling: '0',
}

/** The sums by `exact` before the first page. */
export const NO_EXACT: ExactSums = { payers: 0, payments: 0, received: '0', inDoubt: 0, undelivered: 0 }

/**
 * Reconciles the page after `after`, and reports what was charged before `since` and is still not claimed. Repeating it
 * gives the same. `since`, `now`: Unix ms.
 * @throws ChainFault when the chain cannot be read
 */
export async function reconcile(
  settings: Settings,
  after: string,
  since: number,
  now: number,
): Promise<Reconciled> {
  const { channels, exact, findings, next } = await readPage(settings, after)
  const updated = await mapConcurrently(
    channels,
    async ({ line, standing: before, state }) => {
      const standing = await freed(settings, await updateAccount(settings, before, state))
      const owed = standing.charged > standing.redeemed ? await owedSince(settings, line.id, since) : 0n
      return {
        line,
        standing,
        findings: [...compareChain(standing, state), ...compareClaims(standing, owed)],
      }
    },
    ({ line, standing }, fault) => ({ line, standing, findings: [silence(line.id, fault)] }),
  )
  const standings = updated.map(({ standing }) => standing)
  const payers = await sumExact(settings, exact)
  return {
    sums: sumUp(standings),
    exact: payers.exact,
    receivers: byReceiver(standings),
    quarantined: standings.filter((standing) => standing.quarantine !== null).length,
    findings: [
      ...findings,
      ...updated.flatMap(({ findings }) => findings),
      ...payers.findings,
      ...(await checkFigures(settings, updated)),
      ...(await projectPage(settings, after, updated, now)),
    ],
    lost: payers.lost,
    next,
  }
}

/**
 * Has the accounts report that have charged or were redeemed since the last run, or owe, and compares. Also those of which the
 * figures have more than was charged: an account that stays behind them was put back to an earlier state (faults: E11).
 */
async function checkFigures(
  { book, accounts }: Settings,
  read: { line: Listing; standing: Standing }[],
): Promise<Finding[]> {
  const cursors = await readCursors(
    book,
    KIND.channel,
    read.map(({ line }) => line.id),
  ).catch(() => new Map<string, Cursor>())
  // Figures may also lag behind a release. Then the report lowers them, and nothing is found.
  const ahead = new Set(
    read.flatMap(({ line: { id }, standing }) =>
      (cursors.get(id)?.charged ?? 0n) > standing.charged ? id : [],
    ),
  )
  const reporting = read.flatMap(({ line: { id, totals }, standing: { charged, redeemed } }) =>
    ahead.has(id) || charged > redeemed || totals?.charged !== charged || totals.redeemed !== redeemed
      ? { id, report: async () => accounts.getByName(id).report() }
      : [],
  )
  const findings = await checkReports(book, KIND.channel, reporting)
  return findings.map((finding) =>
    ahead.has(finding.account) ? { ...finding, what: 'book_ahead' as const } : finding,
  )
}

/** Ends the quarantine of an account that owes nothing any more, because its charge was released. */
async function freed(settings: Settings, standing: Standing): Promise<Standing> {
  if (standing.quarantine === null || standing.charged > standing.redeemed) return standing
  await accountOf(settings, standing.channelId).quarantine(null)
  return { ...standing, quarantine: null }
}

/** A crawler reads on during a run, so only what was charged before it must be claimed by its end. */
async function owedSince(settings: Settings, channelId: string, since: number): Promise<bigint> {
  return accountOf(settings, channelId).owedSince(since)
}

/** Reconciles one page of payers by `exact`, for a site without channels. Repeating it gives the same. */
export async function reconcilePayers(
  payers: Payers,
  after: string,
): Promise<{ exact: ExactSums; findings: Finding[]; lost: Losses; next: string | null }> {
  const lines = await listings(payers.book, after, PAGE, payers.scope)
  const summed = await sumExact(
    payers,
    lines.filter(({ kind }) => kind === KIND.exact),
  )
  const findings = [...compareListing(lines), ...summed.findings]
  return { ...summed, findings, next: lines.length < PAGE ? null : (lines.at(-1)?.id ?? null) }
}

/**
 * Compares each receiver's redeemed amounts, summed over its accounts, with the chain's totals. `elsewhere` is the part
 * on chain that no account here has recorded: claims for the same receiver by another site.
 * @throws ChainFault
 */
export async function reconcileReceivers(
  settings: Settings,
  redeemed: Record<Address, string>,
): Promise<{ receivers: (Receiver & { redeemed: string; elsewhere: string })[]; findings: Finding[] }> {
  const receivers = []
  const conditions = await conditionsOf(settings)
  const findings = await compareGas(conditions, settings, Date.now())
  const least = leastAt(conditions, settings, 'sweep')
  for (const [receiver, recorded] of Object.entries(redeemed) as [Address, string][]) {
    const totals = await readTotals(settings, receiver)
    const elsewhere = BigInt(totals.claimed) - BigInt(recorded)
    receivers.push({ ...totals, redeemed: recorded, elsewhere: (elsewhere > 0n ? elsewhere : 0n).toString() })
    const onChain = { claimed: BigInt(totals.claimed), swept: BigInt(totals.swept) }
    findings.push(...compareReceiver(receiver, BigInt(recorded), onChain, least))
  }
  return { receivers, findings }
}

/** Adds decimal sums, field by field. */
export function add<Figures extends Record<string, string | number>>(a: Figures, b: Figures): Figures {
  const plus = (x: string | number, y: string | number | undefined) =>
    typeof x === 'number' ? x + (y as number) : (BigInt(x) + BigInt(y ?? 0)).toString()
  return Object.fromEntries(Object.entries(a).map(([name, x]) => [name, plus(x, b[name])])) as Figures
}

function sumUp(standings: Standing[]): Sums {
  const sum = (of: (standing: Standing) => bigint) =>
    standings.reduce((total, standing) => total + of(standing), 0n).toString()
  return {
    channels: standings.length,
    authorized: sum(({ authorized }) => authorized),
    charged: sum(({ charged }) => charged),
    redeemed: sum(({ redeemed }) => redeemed),
    credit: sum(({ credit }) => credit),
    ceiling: sum(({ state }) => state.balance),
  }
}

function byReceiver(standings: Standing[]): Record<Address, string> {
  const sums: Record<Address, string> = {}
  for (const { config, redeemed } of standings) {
    sums[config.receiver] = (BigInt(sums[config.receiver] ?? 0) + redeemed).toString()
  }
  return sums
}

/** Sums the payments of each payer by `exact`, after resolving unresolved ones on chain. */
async function sumExact(payers: Payers, lines: Listing[]) {
  const findings: Finding[] = []
  const lost: Losses = {}
  const totals = await mapConcurrently(
    lines,
    async (line) => {
      const authorizations = payers.authorizations.getByName(line.id)
      const before = await authorizations.totals()
      if (before.inDoubt + before.watched + before.provisional + before.lost === 0) return before
      const resolved = await resolvePayments(payers, line)
      findings.push(...resolved.findings)
      if (resolved.lost !== null) lost[line.id] = resolved.lost
      return authorizations.totals()
    },
    ({ id }, fault) => {
      findings.push(silence(id, fault))
      return NO_TOTALS
    },
  )
  findings.push(...lines.flatMap(({ id }, at) => compareDelivery(id, totals[at]?.undelivered ?? 0)))
  findings.push(...(await checkPayers(payers, lines, totals)))
  const exact: ExactSums = {
    payers: lines.length,
    payments: totals.reduce((sum, { payments }) => sum + payments, 0),
    received: totals.reduce((sum, { received }) => sum + received, 0n).toString(),
    inDoubt: totals.reduce((sum, { inDoubt }) => sum + inDoubt, 0),
    undelivered: totals.reduce((sum, { undelivered }) => sum + undelivered, 0),
  }
  return { exact, findings, lost }
}

/** Has the payers report that have settled more payments than D1 has of them. */
async function checkPayers({ book, authorizations }: Payers, lines: Listing[], totals: ExactTotals[]) {
  const cursors = await readCursors(
    book,
    KIND.exact,
    lines.map(({ id }) => id),
  ).catch(() => new Map())
  const behind = lines.filter(
    ({ id }, at) => totals[at] && cursors.get(id)?.position !== positionOf(totals[at]),
  )
  const accounts = behind.map(({ id }) => ({ id, report: async () => authorizations.getByName(id).report() }))
  return checkReports(book, KIND.exact, accounts)
}

/** Updates the changed rows of a page, and reads them back. */
async function projectPage(
  { book, chain, scope }: Settings,
  after: string,
  accounts: { line: Listing; standing: Standing }[],
  now: number,
): Promise<Finding[]> {
  const changed = accounts.filter(({ line, standing }) => !agrees(line, standing, chain.network))
  if (changed.length === 0) return []
  const lines = changed.map(({ standing }) => {
    const { channelId: id, authorized, charged, redeemed, quarantine, state } = standing
    return { id, network: chain.network, authorized, charged, redeemed, ceiling: state.balance, quarantine }
  })
  await project(book, lines, now)
  const kept = new Map((await listings(book, after, PAGE, scope)).map((line) => [line.id, line]))
  return changed.flatMap(({ line: { id: account }, standing }) => {
    const line = kept.get(account)
    if (line && agrees(line, standing, chain.network)) return []
    const detail = `charged ${standing.charged}, the read model has ${line?.totals?.charged}`
    return [{ account, what: 'book_differs' as const, detail }]
  })
}

function agrees({ network, totals, quarantine }: Listing, standing: Standing, here: string): boolean {
  return (
    network === here &&
    totals?.authorized === standing.authorized &&
    totals.charged === standing.charged &&
    totals.redeemed === standing.redeemed &&
    totals.ceiling === standing.state.balance &&
    quarantine === standing.quarantine
  )
}
