/** The cases of the load: a Worker and its traffic. Each case has a runtime and a ledger of its own. */
import { answerOf, CRAWLER, PATH } from './ask.ts'
import { CASES, type CaseName, type Open } from './case.ts'
import { openCredit } from './credit.ts'
import { Load } from './load.ts'
import { askOffer, type Channel, channelFor, type Offered, payments } from './payments.ts'
import type { Traffic } from './requests.ts'
import { type BenchWorker, startWorker, type WorkerOptions } from './runtime.ts'
import { fundChannel, NETWORK, PRICE, payerOf, type Stage, writeLines } from './stage.ts'
import { NODE_URL, UNCHARGED, UNVERIFIED } from './variants.ts'

/** The paywall's offer, a channel for it, and headers with the channel's first vouchers. */
export type Field = { offered: Offered; channel: Channel; first: string[] }

export type Case = { name: CaseName; worker: BenchWorker; load: Load }

export const CONNECTIONS = 32
const PAYWALL = 'bench/workers/paywall.ts'
const WORKER = 'src/worker.ts'

/** Starts all cases into `cases`, in their order, each with its account opened by a first payment. `count`: payments for one case. */
export async function startCases(stage: Stage, count: number, cases: Case[]): Promise<Field> {
  const { vars, origin } = stage
  const self = { ...vars, ORIGIN: 'self' }
  const proxy = { ...vars, ORIGIN: origin }
  const open = async (name: CaseName, options: WorkerOptions, traffic: Partial<Traffic>) => {
    const worker = await startWorker(options)
    cases.push({ name, worker, load: new Load(trafficTo(worker, traffic)) })
    return worker
  }
  const unpaid = await open('unpaid', { main: WORKER, vars: proxy }, { status: 402 })
  const target = new URL(PATH, unpaid.url)
  const refused = await answerOf(await fetch(target, { headers: CRAWLER }))
  const offered = await askOffer(target)
  const { channel, headers, file } = await fundChannel(stage, offered, count)
  const first = headers[0] ?? ''
  const charged = { payments: file, skip: 1 }
  const voucher = await open('voucher', { main: PAYWALL, vars: self }, charged)
  const paid = await pay(voucher, first)
  const commit = await open('commit', { main: PAYWALL, vars: self, plugins: [UNVERIFIED] }, charged)
  const unverified = await open('unverified', { main: WORKER, vars: proxy, plugins: [UNVERIFIED] }, charged)
  const proxied = await open('proxied', { main: WORKER, vars: proxy }, charged)
  for (const worker of [commit, unverified, proxied]) await pay(worker, first)
  const floor = { main: 'bench/workers/floor.ts', objects: {} }
  await open('bare', { ...floor, vars: { ANSWER: refused } }, { status: 402 })
  const empties = { payments: file, repeat: true }
  await open('call', { ...floor, objects: { EMPTY: 'Empty' }, vars: { ANSWER: paid } }, empties)
  const uncharged = { main: 'bench/workers/empty.ts', vars: self, plugins: [UNVERIFIED, UNCHARGED] }
  await open('empty', { ...uncharged, objects: { ACCOUNT: 'Empty' } }, empties)
  await open('least', { ...uncharged, objects: { ACCOUNT: 'Least' } }, empties)
  await openUpstream(stage, count, open)
  await openTerms(proxy, open)
  await openCredit(stage, open)
  const order = Object.keys(CASES)
  cases.sort((one, other) => order.indexOf(one.name) - order.indexOf(other.name))
  return { offered, channel, first: headers.slice(0, 200) }
}

/** A page of an old article: rules of all kinds are tried, and the last one sets the price. */
const OLD = '/2020/01/01/story'
const TERMS = {
  DATES: { pattern: '/{yyyy}/{mm}/{dd}/', zone: 'Europe/Berlin' },
  CONTRACTS: { ClaudeBot: { price: '0.0005', until: '2099-12-31' } },
  RULES: [
    { action: 'block', age: { under: '6h' } },
    { action: 'charge', path: '/shop/*', price: 'origin', min: '0.001', max: '0.05' },
    { action: 'charge', path: '/ceiling/*', schemes: ['channel'], final: 'origin' },
    { action: 'charge', age: { under: '30d' }, price: '0.01', recrawl: '24h' },
    {
      action: 'charge',
      age: { over: '30d' },
      free: { pages: 10, per: 'day' },
      recrawl: '24h',
      pass: { price: '1', lasts: '24h', path: '/2020/*' },
    },
  ],
}

async function openTerms(proxy: Record<string, string>, open: Open): Promise<void> {
  const terms = Object.entries(TERMS).map(([name, term]) => [name, JSON.stringify(term)])
  const vars = { ...proxy, ...Object.fromEntries(terms) }
  const traffic = { path: OLD, status: 402 }
  const unpaid = await open('termsUnpaid', { main: WORKER, vars }, traffic)
  const answer = await answerOf(await fetch(new URL(OLD, unpaid.url), { headers: CRAWLER }))
  const floor = { main: 'bench/workers/floor.ts', objects: {}, vars: { ANSWER: answer } }
  await open('termsBare', floor, traffic)
}

/** The peer serves one request of a channel at a time, so it gets one channel for each connection. */
async function openUpstream(stage: Stage, count: number, open: Open): Promise<void> {
  const vars = { RECEIVER: stage.receiver.address, AUTHORIZER: stage.relayer.address, NETWORK, PRICE }
  const options = { main: 'bench/workers/upstream.ts', vars, objects: {}, plugins: [NODE_URL], nodejs: true }
  const unpaid = await open('upstream402', options, { status: 402 })
  const offered = await askOffer(new URL(PATH, unpaid.url))
  const channels = Array.from({ length: CONNECTIONS }, (_, lane) =>
    channelFor(offered.offer, payerOf(stage, 1), lane),
  )
  const each = Math.ceil(count / CONNECTIONS / 4)
  const lines = channels.flatMap((channel) => payments(offered, channel, each))
  const file = await writeLines(stage, 'upstream', lines)
  const peer = await open('upstream', options, { payments: file, lanes: 'own' })
  const body = JSON.stringify(channels.map((channel) => stored(offered, channel)))
  const seeded = await fetch(new URL('/channels', peer.url), { method: 'POST', body })
  if (!seeded.ok) throw new Error(`storing channels in the peer failed with ${seeded.status}`)
}

/** A channel with escrow and no payment yet, as the upstream server stores it. */
function stored({ offer }: Offered, { id, config }: Channel) {
  return {
    channelId: id,
    channelConfig: config,
    chargedCumulativeAmount: '0',
    signedMaxClaimable: '0',
    signature: '0x',
    balance: (BigInt(offer.amount) * 1_000_000n).toString(),
    totalClaimed: '0',
    withdrawRequestedAt: 0,
    refundNonce: 0,
    lastRequestTimestamp: 0,
  }
}

export function trafficTo({ url }: BenchWorker, traffic: Partial<Traffic>): Traffic {
  const { hostname: host, port } = url
  const defaults = {
    path: PATH,
    lanes: 'shared',
    repeat: !(traffic.payments || traffic.signed),
    status: 200,
  } as const
  return { host, port: Number(port), connections: CONNECTIONS, ...defaults, ...traffic }
}

async function pay({ url }: BenchWorker, payment: string): Promise<string> {
  const headers = { ...CRAWLER, 'payment-signature': payment }
  const response = await fetch(new URL(PATH, url), { headers })
  if (response.status !== 200) throw new Error(`the first payment failed with ${response.status}`)
  return answerOf(response)
}
