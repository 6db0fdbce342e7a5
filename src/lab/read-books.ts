/** Reads the books of a lab: objects, read model, chain, card processor, invoices and runs. */
import type { Address, Hex } from '../protocol/evm/hex.ts'
import type { BookAccount, BookEntry, BookInvoice, Books } from './books.ts'
import { channelOn, holds, sentTo, supply } from './chain-view.ts'
import type { Crawler } from './crawlers/crawler.ts'
import { find, listAll } from './operator.ts'
import type { LabStage } from './stage.ts'

/** Stripe counts whole cents. */
const MICRO_PER_CENT = 10_000n

type Listed = { id: string; totals: { charged: string; redeemed: string } | null; charged?: string }

/** Reads everything at once. Reads of a lab that is at work may be of different moments. */
export async function readBooks(stage: LabStage, crawlers: readonly Crawler[]): Promise<Books> {
  const { chain, clock } = stage
  const [rows, named, invoices, { runs, findings }] = await Promise.all([
    listAll<Listed>(stage, '/accounts', 'accounts'),
    Promise.all(crawlers.map((crawler) => crawler.account())),
    readInvoices(stage),
    readRuns(stage),
  ])
  const ids = [...new Set([...rows.map(({ id }) => id), ...named.flatMap((id) => id ?? [])])].sort()
  const accounts = await mapped(ids, (id) => readAccount(stage, id))
  const channels = ids.filter((id) => accounts[id]?.kind === 'channel') as Hex[]
  const receivers = [...new Set([stage.receiver.address, ...stage.receivers])]
  const owners = [
    ...new Set([...receivers, stage.relayer.address, ...crawlers.map(({ address }) => address)]),
  ]
  const sent = await sentTo(chain, receivers)
  const payers = ids.filter((id) => accounts[id]?.kind === 'exact')
  return {
    at: clock.now(),
    accounts,
    listed: Object.fromEntries(rows.map((row) => [row.id, totalsOf(row)])),
    chain: {
      supply: await supply(chain),
      escrow: await holds(chain, chain.escrow),
      wallets: (await mapped(owners, (owner) => holds(chain, owner as Address))) as Record<Address, bigint>,
      channels: await mapped(channels, (id) => channelOn(chain, id as Hex)),
      sent: Object.fromEntries(payers.map((id) => [id, sent.get(id.split(':').at(-1) ?? '') ?? 0n])),
    },
    receivers,
    stripe: Object.fromEntries(
      stage.stripe.books.invoices.map(({ id, status, total, amount_paid: paid }) => [
        id,
        { status, total: BigInt(total) * MICRO_PER_CENT, paid: BigInt(paid) * MICRO_PER_CENT },
      ]),
    ),
    invoices,
    runs,
    findings,
  }
}

async function mapped<Value>(
  keys: readonly string[],
  read: (key: string) => Promise<Value | null>,
): Promise<Record<string, Value>> {
  const values = await Promise.all(keys.map(async (key) => [key, await read(key)] as const))
  return Object.fromEntries(values.filter((pair): pair is [string, Awaited<Value>] => pair[1] !== null))
}

function totalsOf({ totals, ...line }: Listed & { redeemed?: string }) {
  const { charged, redeemed } = totals ?? { charged: line.charged, redeemed: line.redeemed }
  return charged === undefined ? null : { charged: BigInt(charged), redeemed: BigInt(redeemed ?? 0) }
}

type Amounts<Names extends string> = Record<Names, string>
/** With its evidence: a channel’s voucher has `max` and `signature`, a commitment `once` and `evidence`. */
type Entry = {
  seq: number
  at: number
  kind: string
  amount: string
  of?: number | null
  max?: string | null
  request?: string | null
  signature?: string | null
  once?: string | null
  evidence?: { signature?: string }
}
type ChannelView = {
  kind: 'channel'
  standing: Amounts<'authorized' | 'charged' | 'redeemed'> & {
    state: { balance: string }
    quarantine: string | null
    unresolved: object | null
  }
}
type LineView = {
  kind: 'credit'
  standing: Amounts<'limit' | 'charged' | 'redeemed' | 'credit'> & { status: string }
}
type ExactView = {
  kind: 'exact'
  totals: { received: string; inDoubt: number; watched: number }
}
type Payment = { id: string; at: number | null; status: string; amount: string; signature?: string }

async function readAccount(stage: LabStage, id: string): Promise<BookAccount | null> {
  const path = `/accounts/${id}`
  const view = await find<ChannelView | LineView | ExactView>(stage, `${path}?limit=1`)
  if (!view) return null
  const whole = `${path}?evidence=true`
  if (view.kind === 'exact') return exactAccount(view, await listAll<Payment>(stage, whole, 'payments'))
  const entries = (await listAll<Entry>(stage, whole, 'entries')).map(entryOf)
  if (view.kind === 'channel') {
    const { authorized, charged, redeemed, state, quarantine, unresolved } = view.standing
    return {
      kind: 'channel',
      authorized: BigInt(authorized),
      charged: BigInt(charged),
      redeemed: BigInt(redeemed),
      ceiling: BigInt(state.balance),
      status: quarantine === null ? 'open' : 'quarantined',
      unresolved: unresolved === null ? 0 : 1,
      entries,
    }
  }
  const { charged, redeemed, limit, status } = view.standing
  return {
    kind: 'credit',
    authorized: BigInt(charged),
    charged: BigInt(charged),
    redeemed: BigInt(redeemed),
    ceiling: BigInt(limit) + BigInt(redeemed),
    status,
    unresolved: 0,
    entries,
  }
}

function entryOf({ seq, at, kind, amount, of, ...proof }: Entry): BookEntry {
  const { max, request, once, signature, evidence } = proof
  return {
    id: `${seq}`,
    at,
    kind,
    amount: BigInt(amount ?? 0),
    of: of == null ? null : `${of}`,
    proof: kind === 'charge' ? (once ?? `${max}:${request}`) : null,
    isSigned: (signature ?? evidence?.signature ?? '0x') !== '0x',
  }
}

function exactAccount({ totals }: ExactView, payments: Payment[]): BookAccount {
  const received = BigInt(totals.received)
  return {
    kind: 'exact',
    authorized: received,
    charged: received,
    redeemed: received,
    ceiling: null,
    status: 'open',
    unresolved: totals.inDoubt + totals.watched,
    entries: payments.map(({ id, at, status, amount, signature }) => ({
      id,
      at: at ?? 0,
      kind: status,
      amount: BigInt(amount),
      of: null,
      proof: status === 'settled' || status === 'undelivered' ? id : null,
      isSigned: (signature ?? '0x') !== '0x',
    })),
  }
}

type InvoiceView = {
  id: string
  number: number
  agent: string
  periods: string[]
  stage: string
  history: InvoiceEvent[]
} & Amounts<'charged' | 'carriedIn' | 'carriedOut' | 'net' | 'total' | 'paid' | 'owed'>

type InvoiceEvent = {
  kind: string
  document: { id?: string; reference?: string; amount?: string; stage?: string }
}

/** Reads each invoice from its credit line: the read model shows payments after the next run. */
async function readInvoices(stage: LabStage): Promise<Record<string, BookInvoice>> {
  const listed = await listAll<{ id: string }>(stage, '/invoices', 'invoices', 'before')
  const ids = listed.map(({ id }) => id).sort()
  return mapped(ids, async (id) => {
    const view = await find<InvoiceView>(stage, `/invoices/${id}`)
    return view && invoiceOf(view)
  })
}

function invoiceOf({
  number,
  agent,
  periods,
  stage,
  history,
  carriedOut,
  ...amounts
}: InvoiceView): BookInvoice {
  const sign: Record<string, bigint> = { payment: 1n, reversal: -1n, failure: 0n }
  return {
    number,
    agent,
    periods,
    stage,
    stages: history.flatMap(({ kind, document }) => (kind === 'stage' ? (document.stage ?? []) : [])),
    payments: history.flatMap(({ kind, document: { id = '', reference = id, amount = '0' } }) =>
      kind in sign ? [{ reference, amount: (sign[kind] ?? 0n) * BigInt(amount) }] : [],
    ),
    charged: BigInt(amounts.charged),
    carriedIn: BigInt(amounts.carriedIn),
    carried: BigInt(carriedOut),
    net: BigInt(amounts.net),
    total: BigInt(amounts.total),
    paid: BigInt(amounts.paid),
    owed: BigInt(amounts.owed),
  }
}

type RunView = {
  id: string
  kind: string
  status: string
  record: {
    claimed?: string
    swept?: string
    findings?: { list: { account: string; what: string }[] }
  }
}

async function readRuns(stage: LabStage): Promise<Pick<Books, 'runs' | 'findings'>> {
  // The API lists the newest runs, at most 500 of them.
  const { runs } = (await find<{ runs: RunView[] }>(stage, '/runs?limit=500')) ?? { runs: [] }
  const sorted = runs.sort((a, b) => (a.id < b.id ? -1 : 1))
  return {
    runs: Object.fromEntries(
      sorted.map(({ id, kind, status, record: { claimed, swept } }) => [
        id,
        { kind, status, claimed: BigInt(claimed ?? 0), swept: BigInt(swept ?? 0) },
      ]),
    ),
    findings: sorted.flatMap(({ id, record }) =>
      (record.findings?.list ?? []).map(({ account, what }) => ({ run: id, account, what })),
    ),
  }
}
