/** The demo's second half: three crawlers on credit. One pays its invoice on the chain, one by card, one only when it is cut off. */
import { articlePaths } from '../../testing/stack/origin.ts'
import type { StackFacts } from '../../testing/stack/stack.ts'
import { type Agent, newAgent } from '../pay/agent.ts'
import { type Crawler, payAtOnce } from '../pay/crawler.ts'
import { type ChainBook, type CreditBook, creditBook, type Invoice, type OperatorBook } from './books.ts'
import type { Mailbox } from './mailbox.ts'
import { DAY, passNight } from './night.ts'
import { bar, note, tell, usdc } from './show.ts'

const AT_ONCE = 32
const LIMIT = '5000000'

/** The terms of the demo: a crawler that sells copies pays more. */
export const MIRROR_RULE = { who: 'agent:MirrorBot', action: 'charge', price: '0.02' }

/** A crawler on credit, and what it was charged by its own receipts (micro-dollars). */
export type Debtor = { id: string; agent: Agent; pages: number; charged: bigint }
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

/** The operator gives credit through its API: a name, a public key, a limit, and who is invoiced and how. */
export async function giveCredit(stack: StackFacts): Promise<Debtors> {
  const book = creditBook(stack)
  tell(
    'The operator gives three crawlers credit: no wallet, but a name, a key, a limit and an address to bill.',
  )
  const enrol = async (which: keyof Debtors): Promise<Debtor> => {
    const { name, host, rail, country } = CRAWLERS[which]
    const agent = await newAgent(name, host)
    const id = `${which}-bot`
    const keys = { keys: [agent.publicKey] }
    const buyer = { name: `${name} Inc.`, country }
    await book.enrol({ id, name, url: agent.url, keys, creditLimit: LIMIT, period: 'daily', rail, buyer })
    note(`  ${name} may owe up to $${usdc(BigInt(LIMIT))}, is billed every day and ${HOW[rail]}`)
    return { id, agent, pages: 0, charged: 0n }
  }
  return { archive: await enrol('archive'), mirror: await enrol('mirror'), idle: await enrol('idle') }
}

/** They read all day, and sign each request: the signature is the IOU. */
export async function readOnCredit(stack: StackFacts, debtors: Debtors): Promise<void> {
  tell(
    'They read, and sign every request. The signature is the IOU: who, which page, for how much.',
    `ArchiveBot, ${CRAWLERS.archive.pages} pages, ${AT_ONCE} at once:`,
  )
  const began = performance.now()
  await readPages(stack, debtors.archive, CRAWLERS.archive.pages, bar(CRAWLERS.archive.pages))
  note(
    `all served in ${((performance.now() - began) / 1000).toFixed(1)} s, $${usdc(debtors.archive.charged)}`,
  )
  await readPages(stack, debtors.mirror, CRAWLERS.mirror.pages)
  await readPages(stack, debtors.idle, CRAWLERS.idle.pages)
  for (const { id, pages, charged } of [debtors.mirror, debtors.idle]) {
    note(`${id}: ${pages} pages, $${usdc(charged)}`)
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
      if (!answer.served) throw new Error(`${debtor.id} was not served ${page}: ${answer.error}`)
      debtor.charged += answer.charged
      debtor.pages++
      show(++done)
    }
  }
  // The first request asks what a page costs.
  await Promise.all(Array.from({ length: AT_ONCE }, read))
}

/** What the nights after have brought: to be compared. Micro-dollars. */
export type Outcome = {
  /** Past due when the third crawler was cut off. */
  worst: Standings
  end: Standings
  receivedOnChain: bigint
  paidAtStripe: bigint
  stages: string[]
}

export type Standing = { charged: bigint; invoiced: bigint; carried: bigint; paid: bigint; pastDue: bigint }
export type Standings = Record<string, Standing>

type Scene = {
  stack: StackFacts
  debtors: Debtors
  operator: OperatorBook
  chain: ChainBook
  mailbox: Mailbox
  /** The first night, when the invoices were written. */
  midnight: number
}

/** The days that follow the first night. */
export async function collect(scene: Scene): Promise<Outcome> {
  const { stack, debtors, operator, mailbox, midnight } = scene
  const book = creditBook(stack)
  const receivedOnChain = await payOnChain(scene, book)
  const paidAtStripe = await payByCard(book, debtors.mirror)
  const worst = await cutOff(scene, book)
  await comeBack(scene, book)
  await passNight(stack, operator, midnight + 25 * DAY)
  const late = await newest(book, debtors.idle)
  await book.markPaid(late.id, 'wire 0402-2')
  tell(
    'It is billed for those too, with what was too little for a transfer of whole cents before, and pays in time.',
    `${late.id}: $${usdc(BigInt(late.total))}, paid; $${usdc(BigInt(late.carriedOut))} carried over`,
  )
  const stages = mailbox.notices.filter(({ agent }) => agent === debtors.idle.id).map(({ type }) => type)
  return { worst, end: await standings(book, debtors), receivedOnChain, paidAtStripe, stages }
}

async function payOnChain({ stack, debtors, chain }: Scene, book: CreditBook): Promise<bigint> {
  const { accounts, rpc, receiver } = stack
  const [, , payer] = accounts
  const invoice = await newest(book, debtors.archive)
  if (!payer || !invoice.presented?.url) throw new Error(`${invoice.id} cannot be paid on the chain`)
  const before = await chain.holds(receiver)
  const pay: Crawler = payAtOnce(payer.privateKey, rpc)
  const { transaction } = await pay(invoice.presented.url)
  tell(
    'ArchiveBot’s bookkeeping has a wallet. The invoice is a URL behind our own paywall: `@x402/fetch` pays it like a page.',
    `${invoice.id}: $${usdc(BigInt(invoice.total))}, 200 OK, transaction ${transaction.slice(0, 18)}…`,
  )
  return (await chain.holds(receiver)) - before
}

async function payByCard(book: CreditBook, { id }: Debtor): Promise<bigint> {
  const invoice = await newest(book, { id })
  if (!invoice.presented?.url) throw new Error(`${invoice.id} is not at Stripe`)
  const paid = await fetch(invoice.presented.url, { method: 'POST' })
  if (!paid.ok) throw new Error(`Stripe says ${paid.status} ${await paid.text()}`)
  const settled = await until(
    () => newest(book, { id }),
    ({ stage }) => stage === 'settled',
  )
  tell(
    'MirrorBot’s invoice is at Stripe (a local one that speaks Stripe’s protocol). Somebody there takes out a card.',
    `${settled.id}: $${usdc(BigInt(settled.total))}, paid: Stripe’s webhook came, and the Worker read Stripe’s own books`,
  )
  return BigInt(settled.total) - BigInt(settled.owed)
}

/** Nights go by. Answers how everybody stands when the last crawler is cut off. */
async function cutOff(scene: Scene, book: CreditBook): Promise<Standings> {
  const { stack, debtors, operator, mailbox, midnight } = scene
  const { id, agent } = debtors.idle
  tell(
    'IdleBot does not pay. The days pass (the clock is moved), and the operator is told by signed webhook:',
  )
  for (const days of [14, 17, 24]) {
    const known = mailbox.notices.length
    await passNight(stack, operator, midnight + days * DAY)
    const news = mailbox.notices.slice(known).filter((notice) => notice.agent === id)
    for (const { type, invoice, open } of news) {
      note(
        `  ${days} days later: ${invoice} is ${type.slice(8).replace('_', ' ')}, $${usdc(BigInt(open))} is owed`,
      )
    }
  }
  const worst = await standings(book, debtors)
  const answer = await agent.read(`${stack.url}${stack.paths.charged}`)
  if (answer.served) throw new Error(`${id} is served although it was cut off`)
  const left = answer.offers.map(({ scheme, network }) => `${scheme} on ${network}`)
  if (left.length === 0 || left.some((offer) => offer.endsWith(':402'))) throw new Error(`offered: ${left}`)
  tell(
    'IdleBot asks for another page. It has no more credit; it may still pay with a wallet.',
    `402 Payment Required (“${answer.error}”), offered: ${left.join(', ')}`,
  )
  return worst
}

async function comeBack({ stack, debtors }: Scene, book: CreditBook): Promise<void> {
  const { idle } = debtors
  const { id } = await newest(book, idle)
  const paid = await book.markPaid(id, 'wire 0402-1')
  await readPages(stack, idle, 15)
  tell(
    'So it transfers the money. The operator marks the invoice as paid, and the very next request is served again.',
    `${id}: $${usdc(BigInt(paid.total))}, paid; 15 pages more, 200 OK`,
  )
}

async function newest(book: CreditBook, { id }: Pick<Debtor, 'id'>): Promise<Invoice> {
  const invoice = (await book.invoices(id)).at(-1)
  if (!invoice) throw new Error(`${id} has no invoice`)
  return invoice
}

async function standings(book: CreditBook, debtors: Debtors): Promise<Standings> {
  const all = Object.values(debtors).map(async ({ id }): Promise<[string, Standing]> => {
    const [{ charged, redeemed }, invoices] = await Promise.all([book.line(id), book.invoices(id)])
    const late = invoices.filter(({ stage }) => stage === 'past_due' || stage === 'suspended')
    const sum = (amounts: string[]) => amounts.reduce((total, amount) => total + BigInt(amount), 0n)
    const standing = {
      charged: BigInt(charged),
      invoiced: sum(invoices.map(({ net }) => net)),
      carried: BigInt(invoices.at(-1)?.carriedOut ?? 0),
      paid: BigInt(redeemed),
      pastDue: sum(late.map(({ owed }) => owed)),
    }
    return [id, standing]
  })
  return Object.fromEntries(await Promise.all(all))
}

/** What all of them come to. */
export function total(standings: Standings): Standing {
  const all = Object.values(standings)
  const sum = (name: keyof Standing) => all.reduce((total, standing) => total + standing[name], 0n)
  return {
    charged: sum('charged'),
    invoiced: sum('invoiced'),
    carried: sum('carried'),
    paid: sum('paid'),
    pastDue: sum('pastDue'),
  }
}

/** The receipts, the ledger, the invoices and the rails, each with its own books. */
export function creditFacts(debtors: Debtors, outcome: Outcome): [string, boolean][] {
  const { end, worst, receivedOnChain, paidAtStripe, stages } = outcome
  const all = Object.values(debtors)
  const of = ({ id }: Debtor) => end[id]
  const { charged, invoiced, carried, paid, pastDue } = total(end)
  return [
    [
      'the credit lines were charged what the crawlers’ receipts say',
      all.every((one) => of(one)?.charged === one.charged),
    ],
    ['the invoices and what they carried over make up every charge', invoiced + carried === charged],
    [
      'the chain moved what the first invoice asks, and Stripe collected the second',
      receivedOnChain === of(debtors.archive)?.paid && paidAtStripe === of(debtors.mirror)?.paid,
    ],
    [
      'all is paid, nothing is past due any more',
      paid === invoiced && pastDue === 0n && total(worst).pastDue > 0n,
    ],
    ['the operator was told of every step', stages.join(' ').startsWith(TOLD)],
  ]
}

const TOLD = ['due', 'past_due', 'suspended', 'settled'].map((stage) => `invoice.${stage}`).join(' ')

async function until<Value>(read: () => Promise<Value>, good: (value: Value) => boolean): Promise<Value> {
  for (let tries = 0; tries < 200; tries++) {
    const value = await read()
    if (good(value)) return value
    await new Promise((done) => setTimeout(done, 50))
  }
  throw new Error('it did not come to pass')
}
