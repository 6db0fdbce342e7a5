/** Reads the books of a lab: objects, read model, chain, card processor, invoices and runs. */
import type { Address, Hex } from '../protocol/evm/hex.ts'
import type { BookInvoice, Books } from './books.ts'
import { channelOn, holds, sentTo, supply, usedFor } from './chain-view.ts'
import type { Crawler } from './crawlers/crawler.ts'
import { find, listAll } from './operator.ts'
import { readAccount } from './read-account.ts'
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
  const receivers = [...new Set([stage.receiver, ...stage.receivers])]
  const owners = [
    ...new Set([...receivers, stage.relayer.address, ...crawlers.map(({ address }) => address)]),
  ]
  const [sent, used] = await Promise.all([sentTo(chain, receivers), usedFor(chain, receivers)])
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
      swept: sent.get(chain.escrow.toLowerCase()) ?? 0n,
      sent: Object.fromEntries(payers.map((id) => [id, sent.get(walletOf(id)) ?? 0n])),
      used: Object.fromEntries(payers.map((id) => [id, used.get(walletOf(id)) ?? []])),
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

/** The wallet of an account by `exact`: the end of its id. */
function walletOf(account: string): string {
  return account.split(':').at(-1) ?? ''
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
