/** A month on credit: three crawlers get invoices. One pays on chain, one by card, one only after it is cut off. */

import { DAY_MS } from '../../platform/time.ts'
import { articlePaths } from '../../testing/stack/origin.ts'
import type { StackFacts } from '../../testing/stack/stack.ts'
import { formatUsd } from '../money.ts'
import { type SigningCrawler, signingCrawler } from '../pay/agent.ts'
import { payAtOnce } from '../pay/crawler.ts'
import {
  type ChainReader,
  type CreditClient,
  creditClient,
  type InvoiceView,
  type OperatorClient,
} from './clients.ts'
import type { Mailbox } from './mailbox.ts'
import { runNightly } from './nightly.ts'
import { bar, type CreditPosition, result, step } from './show.ts'

const PARALLEL = 32
const LIMIT_MICRO_USD = '5000000'
const POLL_MS = 50
const MAX_POLLS = 200

/** The rule of the demo: a crawler that sells copies pays more. */
export const MIRROR_RULE = { who: 'agent:MirrorBot', action: 'charge', price: '0.02' }

/** A crawler on credit, with the sum of its own receipts in micro-dollars. */
export type Debtor = { id: string; agent: SigningCrawler; pages: number; charged: bigint }

/** The three crawlers of the demo. */
export type Debtors = Record<'archive' | 'mirror' | 'idle', Debtor>

const CRAWLERS = {
  archive: { name: 'ArchiveBot', host: 'archive.example', pages: 200, rail: 'stablecoin', country: 'US' },
  mirror: { name: 'MirrorBot', host: 'mirror.example', pages: 40, rail: 'stripe', country: 'JP' },
  idle: { name: 'IdleBot', host: 'idle.example', pages: 35, rail: 'transfer', country: 'CH' },
} as const

const HOW = {
  stablecoin: 'pays on the chain',
  stripe: 'pays by card, through Stripe',
  transfer: 'pays by bank transfer',
}

/** The operator registers each crawler with a name, a public key, a limit and a buyer to invoice. */
export async function giveCredit(stack: StackFacts): Promise<Debtors> {
  const credit = creditClient(stack)
  step(
    'The operator gives three crawlers credit. They need no wallet, only a name, a key and a billing address.',
  )
  const enrol = async (which: keyof Debtors): Promise<Debtor> => {
    const { name, host, rail, country } = CRAWLERS[which]
    const agent = await signingCrawler(name, host)
    const id = `${which}-bot`
    const keys = { keys: [agent.publicKey] }
    const buyer = { name: `${name} Inc.`, country }
    const creditLimit = LIMIT_MICRO_USD
    await credit.enrol({ id, name, url: agent.url, keys, creditLimit, period: 'daily', rail, buyer })
    result(
      `  ${name} may owe up to $${formatUsd(BigInt(creditLimit))}, gets a bill every day and ${HOW[rail]}`,
    )
    return { id, agent, pages: 0, charged: 0n }
  }
  return { archive: await enrol('archive'), mirror: await enrol('mirror'), idle: await enrol('idle') }
}

/** The crawlers read and sign each request. The signature is the IOU. */
export async function readOnCredit(stack: StackFacts, debtors: Debtors): Promise<void> {
  step(
    'They read and sign every request. The signature is the IOU: it names the crawler, the page and the amount.',
    `ArchiveBot, ${CRAWLERS.archive.pages} pages, ${PARALLEL} in parallel:`,
  )
  const began = performance.now()
  await readPages(stack, debtors.archive, CRAWLERS.archive.pages, bar(CRAWLERS.archive.pages))
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  result(`all served in ${seconds} s, $${formatUsd(debtors.archive.charged)}`)
  await readPages(stack, debtors.mirror, CRAWLERS.mirror.pages)
  await readPages(stack, debtors.idle, CRAWLERS.idle.pages)
  for (const { id, pages, charged } of [debtors.mirror, debtors.idle]) {
    result(`${id}: ${pages} pages, $${formatUsd(charged)}`)
  }
}

async function readPages({ url }: StackFacts, debtor: Debtor, count: number, show = (_done: number) => {}) {
  const paths = articlePaths()
  let next = 0
  let done = 0
  const read = async () => {
    while (next < count) {
      const page = `${url}${paths[next++ % paths.length]}`
      const answer = await debtor.agent.read(page)
      if (!answer.served) throw new Error(`${debtor.id} did not get ${page}: ${answer.error}`)
      debtor.charged += answer.charged
      debtor.pages++
      show(++done)
    }
  }
  // The first request asks for the price of a page.
  await Promise.all(Array.from({ length: PARALLEL }, read))
}

/** The results of the month, for {@link creditFacts} to compare. Micro-dollars. */
export type CreditMonth = {
  /** At the time when the third crawler is cut off. */
  worst: CreditPositions
  end: CreditPositions
  receivedOnChain: bigint
  paidAtStripe: bigint
  /** The notices about the third crawler, in order. */
  stages: string[]
}

type CreditPositions = Record<string, CreditPosition>

type Scene = {
  stack: StackFacts
  debtors: Debtors
  operator: OperatorClient
  chain: ChainReader
  mailbox: Mailbox
  /** The first midnight, in Unix milliseconds. Its run issued the invoices. */
  midnight: number
}

/** Passes the four weeks after the first nightly run. */
export async function passCreditMonth(scene: Scene): Promise<CreditMonth> {
  const { stack, debtors, operator, mailbox, midnight } = scene
  const credit = creditClient(stack)
  const receivedOnChain = await payOnChain(scene, credit)
  const paidAtStripe = await payByCard(credit, debtors.mirror)
  const worst = await cutOff(scene, credit)
  await payAfterCutOff(scene, credit)
  await runNightly(stack, operator, midnight + 25 * DAY_MS)
  const late = await newest(credit, debtors.idle)
  await credit.markPaid(late.id, 'wire 0402-2')
  step(
    'IdleBot gets an invoice for those pages, with the fractions of a cent left from the first one. It pays in time.',
    `${late.id}: $${formatUsd(BigInt(late.total))}, paid; $${formatUsd(BigInt(late.carriedOut))} carried over`,
  )
  const stages = mailbox.notices.filter(({ agent }) => agent === debtors.idle.id).map(({ type }) => type)
  return { worst, end: await positions(credit, debtors), receivedOnChain, paidAtStripe, stages }
}

async function payOnChain({ stack, debtors, chain }: Scene, credit: CreditClient): Promise<bigint> {
  const { accounts, rpc, receiver } = stack
  const [, , payer] = accounts
  const invoice = await newest(credit, debtors.archive)
  if (!payer || !invoice.presented?.url) throw new Error(`${invoice.id} must have a URL to pay at`)
  const before = await chain.holds(receiver)
  const pay = payAtOnce(payer.privateKey, rpc)
  const { transaction } = await pay(invoice.presented.url)
  step(
    'ArchiveBot’s accountants pay on chain. The invoice is a page behind the paywall, so `@x402/fetch` can pay it.',
    `${invoice.id}: $${formatUsd(BigInt(invoice.total))}, 200 OK, transaction ${transaction.slice(0, 18)}…`,
  )
  return (await chain.holds(receiver)) - before
}

async function payByCard(credit: CreditClient, { id }: Debtor): Promise<bigint> {
  const invoice = await newest(credit, { id })
  if (!invoice.presented?.url) throw new Error(`${invoice.id} must have a URL at Stripe`)
  const paid = await fetch(invoice.presented.url, { method: 'POST' })
  if (!paid.ok) throw new Error(`Stripe returned ${paid.status} ${await paid.text()}`)
  const settled = await until(
    () => newest(credit, { id }),
    ({ stage }) => stage === 'settled',
  )
  step(
    'MirrorBot pays its invoice by card at Stripe (a local simulator with Stripe’s protocol).',
    `${settled.id}: $${formatUsd(BigInt(settled.total))}, paid. Stripe sent a webhook, and the Worker read the payment from Stripe’s API`,
  )
  return BigInt(settled.total) - BigInt(settled.owed)
}

/** Passes the days until the third crawler is cut off. Returns the positions at that time. */
async function cutOff(scene: Scene, credit: CreditClient): Promise<CreditPositions> {
  const { stack, debtors, operator, mailbox, midnight } = scene
  const { id, agent } = debtors.idle
  step('IdleBot does not pay. Days pass (the demo moves the clock), and signed webhooks notify the operator:')
  for (const days of [14, 17, 24]) {
    const known = mailbox.notices.length
    await runNightly(stack, operator, midnight + days * DAY_MS)
    const news = mailbox.notices.slice(known).filter((notice) => notice.agent === id)
    for (const { type, invoice, open } of news) {
      result(
        `  day ${days}: ${invoice} is ${type.slice(8).replace('_', ' ')}, $${formatUsd(BigInt(open))} unpaid`,
      )
    }
  }
  const worst = await positions(credit, debtors)
  const answer = await agent.read(`${stack.url}${stack.paths.charged}`)
  if (answer.served) throw new Error(`${id} must get a 402 after it is cut off`)
  const left = answer.offers.map(({ scheme, network }) => `${scheme} on ${network}`)
  if (left.length === 0 || left.some((offer) => offer.endsWith(':402')))
    throw new Error(`the 402 must offer wallets only, but offers: ${left}`)
  step(
    'IdleBot asks for another page. Its credit is suspended, but it could pay with a wallet.',
    `402 Payment Required (“${answer.error}”), offered: ${left.join(', ')}`,
  )
  return worst
}

async function payAfterCutOff({ stack, debtors }: Scene, credit: CreditClient): Promise<void> {
  const { idle } = debtors
  const { id } = await newest(credit, idle)
  const paid = await credit.markPaid(id, 'wire 0402-1')
  await readPages(stack, idle, 15)
  step(
    'IdleBot sends a bank transfer. The operator marks the invoice as paid, and the next request is served.',
    `${id}: $${formatUsd(BigInt(paid.total))}, paid; 15 more pages, 200 OK`,
  )
}

async function newest(credit: CreditClient, { id }: Pick<Debtor, 'id'>): Promise<InvoiceView> {
  const invoice = (await credit.invoices(id)).at(-1)
  if (!invoice) throw new Error(`${id} must have an invoice`)
  return invoice
}

async function positions(credit: CreditClient, debtors: Debtors): Promise<CreditPositions> {
  const all = Object.values(debtors).map(async ({ id }): Promise<[string, CreditPosition]> => {
    const [{ charged, redeemed }, invoices] = await Promise.all([credit.line(id), credit.invoices(id)])
    const late = invoices.filter(({ stage }) => stage === 'past_due' || stage === 'suspended')
    const sum = (amounts: string[]) => amounts.reduce((total, amount) => total + BigInt(amount), 0n)
    const position = {
      charged: BigInt(charged),
      invoiced: sum(invoices.map(({ net }) => net)),
      carried: BigInt(invoices.at(-1)?.carriedOut ?? 0),
      paid: BigInt(redeemed),
      pastDue: sum(late.map(({ owed }) => owed)),
    }
    return [id, position]
  })
  return Object.fromEntries(await Promise.all(all))
}

/** The sum over all crawlers. */
export function total(crawlers: CreditPositions): CreditPosition {
  const all = Object.values(crawlers)
  const sum = (name: keyof CreditPosition) => all.reduce((total, position) => total + position[name], 0n)
  return {
    charged: sum('charged'),
    invoiced: sum('invoiced'),
    carried: sum('carried'),
    paid: sum('paid'),
    pastDue: sum('pastDue'),
  }
}

/** Compares receipts, ledger, invoices and rails, which keep separate records. Returns each fact and whether it holds. */
export function creditFacts(debtors: Debtors, month: CreditMonth): [string, boolean][] {
  const { end, worst, receivedOnChain, paidAtStripe, stages } = month
  const all = Object.values(debtors)
  const ending = ({ id }: Debtor) => end[id]
  const { charged, invoiced, carried, paid, pastDue } = total(end)
  return [
    [
      'each credit line was charged the sum of its crawler’s receipts',
      all.every((one) => ending(one)?.charged === one.charged),
    ],
    ['invoices and amounts carried over add up to all charges', invoiced + carried === charged],
    [
      'the chain moved the total of the first invoice, and Stripe collected the second',
      receivedOnChain === ending(debtors.archive)?.paid && paidAtStripe === ending(debtors.mirror)?.paid,
    ],
    [
      'every invoice is paid, and none is past due',
      paid === invoiced && pastDue === 0n && total(worst).pastDue > 0n,
    ],
    ['the operator got a notice of every dunning step', stages.join(' ').startsWith(NOTICES)],
  ]
}

const NOTICES = ['due', 'past_due', 'suspended', 'settled'].map((stage) => `invoice.${stage}`).join(' ')

async function until<Value>(read: () => Promise<Value>, good: (value: Value) => boolean): Promise<Value> {
  for (let tries = 0; tries < MAX_POLLS; tries++) {
    const value = await read()
    if (good(value)) return value
    await new Promise((done) => setTimeout(done, POLL_MS))
  }
  throw new Error(`the expected state must come within ${MAX_POLLS * POLL_MS} ms`)
}
