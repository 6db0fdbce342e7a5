/** A site's price changes while crawlers read: none may be refused, and none may pay what it was not offered. */
import { type IncomingHttpHeaders, request } from 'node:http'
import { encodeHeader } from '../src/protocol/x402/header.ts'
import { CHANNEL, type PaymentRequired } from '../src/protocol/x402/types.ts'
import type { HostEntry } from '../src/sites/entry.ts'
import { CRAWLER, PATH } from './ask.ts'
import { startRegistry, versionOf } from './many-sites.ts'
import { type Channel, channelFor, type Offered, voucherOver } from './payments.ts'
import type { BenchWorker } from './runtime.ts'
import { deposit, payerOf, type Stage } from './stage.ts'

export const CLIENTS = 16
const HOST = 'news.example'
const [BEFORE, AFTER] = ['0.001', '0.003']
const DEPOSIT = 40_000_000n
/** An isolate reads a copy of a host anew within 60 seconds. */
const AHEAD_MS = 62_000
const READ_ON_MS = 5_000
/** Between two pages of a client. */
const PAUSE_MS = 25
/** A client pays so many pages by one offer, so that offers of the former version are paid after the change. */
const PAGES_OF_OFFER = 5

/**
 * Pages: `before` and `after` were paid at each price, `honoured` at the former price after the change; `refused` were not
 * served; `charged` were charged another amount than the offer that was paid.
 */
export type PriceChange = {
  paid: number
  before: number
  after: number
  honoured: number
  refused: number
  charged: number
}

type Tally = Omit<PriceChange, 'paid'>

export async function changePrice(stage: Stage): Promise<PriceChange> {
  const first = versionOf(stage, HOST, { PRICE: BEFORE })
  const worker = await startRegistry(stage, new Map([[HOST, first]]))
  try {
    const { offered } = await askOffer(worker)
    const channels = Array.from({ length: CLIENTS }, (_, lane) =>
      channelFor(offered.offer, payerOf(stage, 0), 1_000 + lane),
    )
    for (const channel of channels) await deposit(stage, offered, channel, DEPOSIT)
    const effectiveAt = Date.now() + AHEAD_MS
    await worker.publish(HOST, nextOf(first, effectiveAt))
    const tally: Tally = { before: 0, after: 0, honoured: 0, refused: 0, charged: 0 }
    await Promise.all(channels.map((channel) => read(worker, channel, effectiveAt, tally)))
    return { ...tally, paid: tally.before + tally.after }
  } finally {
    await worker.stop()
  }
}

function nextOf(first: HostEntry, effectiveAt: number): HostEntry {
  const { sequence, ...previous } = first
  const { document } = previous
  if (!document) throw new Error('the first version must have a document')
  const changed = { ...document, terms: { ...document.terms, PRICE: AFTER } }
  return { ...previous, document: changed, version: 2, effectiveAt, previous, sequence: sequence + 1 }
}

/** One client: it asks for an offer, pays some pages by it, and asks again. */
async function read(worker: BenchWorker, channel: Channel, effectiveAt: number, tally: Tally) {
  let spent = 0n
  while (Date.now() < effectiveAt + READ_ON_MS) {
    const { offered } = await askOffer(worker)
    const { amount } = offered.offer
    for (let page = 0; page < PAGES_OF_OFFER; page++) {
      const isLate = Date.now() > effectiveAt
      const { status, charged } = await pay(worker, offered, channel, spent + BigInt(amount))
      if (status !== 200) tally.refused++
      else {
        spent += BigInt(charged)
        if (charged !== amount) tally.charged++
        if (charged === ATOMIC.before) tally.before++
        if (charged === ATOMIC.after) tally.after++
        if (isLate && charged === ATOMIC.before) tally.honoured++
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }
}

const ATOMIC = { before: '1000', after: '3000' }

async function askOffer(worker: BenchWorker): Promise<{ offered: Offered }> {
  const { status, headers } = await ask(worker, {})
  const required = decoded(headers['payment-required']) as PaymentRequired | null
  const offer = required?.accepts.find(({ scheme }) => scheme === CHANNEL)
  if (status !== 402 || !required || !offer) throw new Error(`an unpaid page answered ${status}`)
  return { offered: { required, offer } }
}

/** Pays a page by a voucher. `charged`: the amount of the receipt. */
async function pay(worker: BenchWorker, { required, offer }: Offered, channel: Channel, max: bigint) {
  const payload = {
    type: 'voucher',
    channelConfig: channel.config,
    voucher: voucherOver(offer, channel, max),
  }
  const payment = { x402Version: 2, payload, resource: required.resource, accepted: offer }
  const { status, headers } = await ask(worker, { 'payment-signature': encodeHeader(payment) })
  const receipt = decoded(headers['payment-response']) as { extra?: { chargedAmount?: string } } | null
  return { status, charged: receipt?.extra?.chargedAmount ?? '0' }
}

function decoded(header: string | string[] | undefined): unknown {
  return typeof header === 'string' ? JSON.parse(atob(header)) : null
}

type Answer = { status: number; headers: IncomingHttpHeaders }

/** Asks the site's host at the Worker's address. `fetch` sends no other host. */
function ask({ url }: BenchWorker, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(PATH, url), { headers: { ...CRAWLER, host: HOST, ...headers } }, (answer) =>
      answer.resume().on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers })),
    )
    sent.on('error', reject).end()
  })
}
