/** A crawler on credit that outlives the restarts of a site. */

import type { Signed } from '../journeys/bots.ts'
import type { CreditCustomer, CreditSite } from '../journeys/credit-site.ts'
import { operate, send } from '../journeys/credit-site.ts'
import type { Crawler } from './load.ts'

/** A signature is valid for a minute. One that is older is given up, whatever became of it. */
const MAX_AGE_MS = 50_000

/** A crawler on credit. `answered`: the commitments with a receipt, and the amount of each in micro-dollars. */
export type CreditCrawler = Crawler & {
  customer: CreditCustomer
  answered: Map<string, bigint>
  sent: Set<string>
}

type Pending = { order: Signed; at: number }
type CreditEntry = { seq: number; kind: string; amount: string; iou: string | null }

/** Sends each order again until it has a receipt, so that one order is one charge. */
export function onCredit(customer: CreditCustomer): CreditCrawler {
  const pending: Pending[] = []
  const answered = new Map<string, bigint>()
  const sent = new Set<string>()
  let page = 0
  const next = async (): Promise<Pending> => {
    const waiting = pending.pop()
    if (waiting && Date.now() - waiting.at < MAX_AGE_MS) return waiting
    return { order: await customer.order(`/odd/${customer.id}/${++page}`), at: Date.now() }
  }
  const buy = async () => {
    const one = await next()
    sent.add(one.order.iou)
    const answer = await send(one.order).catch((fault: unknown) => {
      pending.push(one)
      throw fault
    })
    if (answer.status === 503) pending.push(one)
    if (answer.status !== 200) throw new Error(`not served on credit: ${answer.status} ${answer.error}`)
    answered.set(answer.commitment, answer.charged)
  }
  return { customer, answered, sent, buy }
}

/** The faults in the journal of a credit line: each commitment is charged at most once, each receipt is there. */
export async function creditFaults(
  site: Pick<CreditSite, 'facts'>,
  { customer, answered, sent }: CreditCrawler,
): Promise<string[]> {
  const faults: string[] = []
  const charges = new Map<string, bigint>()
  let total = 0n
  for (const { seq, kind, amount, iou } of await creditJournal(site, customer.id)) {
    if (kind === 'release') total -= BigInt(amount)
    if (kind !== 'charge' || iou === null) continue
    if (charges.has(iou)) faults.push(`entry ${seq} charges a commitment again`)
    charges.set(iou, BigInt(amount))
    total += BigInt(amount)
  }
  for (const [iou, amount] of answered) if (charges.get(iou) !== amount) faults.push(`receipt ${iou} is lost`)
  if (charges.size > sent.size) faults.push(`${charges.size} charges for ${sent.size} orders`)
  const { charged } = await customer.balance()
  if (BigInt(charged) !== total) faults.push(`charged ${charged}, entries ${total}`)
  return faults
}

async function creditJournal(site: Pick<CreditSite, 'facts'>, id: string): Promise<CreditEntry[]> {
  const journal: CreditEntry[] = []
  for (;;) {
    const after = journal.at(-1)?.seq ?? 0
    const { status, body } = await operate<{ entries: CreditEntry[] }>(
      site,
      `/accounts/${id}?after=${after}&limit=500`,
    )
    if (status === 404) return journal
    journal.push(...body.entries)
    if (body.entries.length < 500) return journal
  }
}

/** Pays each open invoice of a crawler by transfer. */
export async function payInvoices(
  site: Pick<CreditSite, 'facts'>,
  { customer }: CreditCrawler,
): Promise<void> {
  for (const { id, stage } of await customer.invoices()) {
    if (stage === 'settled') continue
    const { status } = await operate(site, `/invoices/${id}/payments`, { reference: `wire ${id}` })
    if (status !== 200) throw new Error(`invoice ${id} was not paid: ${status}`)
  }
}

/** The faults between the charges of a credit line and its invoices: each charge is on one invoice, or carried over. */
export async function invoiceFaults({ customer }: CreditCrawler): Promise<string[]> {
  const invoices = await customer.invoices()
  const numbers = new Set(invoices.map(({ id }) => id))
  const faults = numbers.size < invoices.length ? ['two invoices have one number'] : []
  const billed = invoices.reduce((sum, { net }) => sum + BigInt(net), 0n)
  const carried = BigInt(invoices.at(-1)?.carriedOut ?? 0)
  const { charged } = await customer.balance()
  if (billed + carried !== BigInt(charged))
    faults.push(`charged ${charged}, invoiced ${billed}, carried ${carried}`)
  return faults
}
