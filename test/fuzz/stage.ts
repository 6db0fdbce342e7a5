/** The Worker of this repository in plain Node, on a local chain, with payers whose payments are good. */

import { createHash } from 'node:crypto'
import { decodePaymentRequiredHeader, encodePaymentSignatureHeader } from '@x402/core/http'
import type { Bindings } from '../../src/app/bindings.ts'
import { readKeys } from '../../src/identity/jwk.ts'
import { readAgentUrl } from '../../src/identity/signature-agent.ts'
import { REGISTRY } from '../../src/ledger/credit/agent.ts'
import { GAS_VARS, startChain } from '../../src/testing/chain/chain.ts'
import { billingVars } from '../../src/testing/stack/billing.ts'
import * as worker from '../../src/worker.ts'
import { webBot } from '../journeys/bots.ts'
import { channelFetch, exactFetch } from '../upstream.ts'
import { openDatabase } from './database.ts'
import type { Input, Seeds } from './inputs.ts'
import { namespaceOf } from './objects.ts'

/** The host of the site. */
export const SITE = 'https://site.example'
/** Text on each page of the origin. */
export const CANARY = 'only for those who paid'
const TOKEN = 'a-token-that-only-the-fuzzer-knows'
/** A User-Agent that pays. */
const CRAWLER = 'GPTBot/1.0'
const MOST_AGAIN = 10

/** Starts the Worker. Its objects, its read model and its origin are in this process. */
export async function openStage() {
  const chain = await startChain({ accounts: 6 })
  const [relayer, receiver, onTab, atOnce] = chain.accounts
  if (!relayer || !receiver || !onTab || !atOnce) throw new Error('the local chain has too few accounts')
  const database = openDatabase()
  const namespaces = Object.fromEntries(
    Object.entries(CLASSES).map(([binding, of]) => [binding, namespaceOf(of, () => env)]),
  )
  const env = {
    ...namespaces,
    BOOK: database,
    SETTLEMENT: {},
    ORIGIN: 'binding:SITE',
    SITE: { fetch: answerOfOrigin },
    RECEIVER: receiver.address,
    NETWORK: 'eip155:84532',
    PRESET: 'publisher',
    PRICE: '0.001',
    RULES: JSON.stringify(RULES),
    RPC_URL: chain.rpcUrl,
    RELAYER_KEY: relayer.privateKey,
    OPERATOR_TOKEN_SHA256: createHash('sha256').update(TOKEN).digest('hex'),
    ...GAS_VARS,
    ...billingVars({ publicUrl: SITE, operatorKey: await newOperatorKey(), stripeUrl: '' }),
    STRIPE_API: undefined,
    STRIPE_SECRET_KEY: undefined,
    STRIPE_WEBHOOK_SECRET: undefined,
  } as unknown as Bindings
  const answer = async (request: Request): Promise<Response> =>
    (await worker.default.fetch(request as never, env)) as unknown as Response
  const agent = await registerAgent(env)
  const { fetch: tab, sent } = recorder(answer)
  const payAtOnce = exactFetch(tab, atOnce, chain.rpcUrl)
  const newTab = () => channelFetch(tab, onTab, chain.rpcUrl).fetch
  let payOnTab = newTab()
  // An input can be a good request for a refund, which is not the client's own: only a new client reads the channel anew.
  const buyOnTab = (path: string) =>
    buy(payOnTab, path).catch(() => {
      payOnTab = newTab()
      return buy(payOnTab, path)
    })
  // Blocks behind the clock would be those of a node that stands still.
  const keepUp = async () => {
    const { timestamp } = (await chain.rpc('eth_getBlockByNumber', ['latest', false])) as {
      timestamp: string
    }
    const next = Math.max(Number(timestamp) + 1, Math.floor(Date.now() / 1000))
    await chain.rpc('evm_setNextBlockTimestamp', [next])
    await chain.rpc('evm_mine')
  }
  /** Buys a page in each way. The requests are good for the next minute. */
  const seeds = async (): Promise<Seeds> => {
    sent.length = 0
    await keepUp()
    await buy(payAtOnce, '/at-once')
    for (const page of ['/first', '/second']) await buyOnTab(page)
    const accepted = await creditOffer(answer, '/on-credit')
    const { amount, asset } = accepted
    const commitment = encodePaymentSignatureHeader({
      x402Version: 2,
      accepted,
      payload: { amount, asset },
    })
    const onCredit = await agent.sign(`${SITE}/on-credit`, commitment)
    const byPrice = await agent.sign(`${SITE}/by-price`, undefined, { 'crawler-exact-price': 'USD 0.001' })
    const inV1 = asV1(sent[0]?.headers['payment-signature'] ?? '')
    return { onChain: [...sent], onCredit, byPrice, inV1, site: SITE, token: TOKEN }
  }
  return { answer, seeds, stop: () => chain.stop() }
}

/** Rules of every kind that reads a header. */
const RULES = [
  { path: '/free/*', action: 'allow' },
  { path: '/dear/*', action: 'charge', price: '0.60' },
  { path: '/list', action: 'allow', query: ['page'] },
  { path: '/closed/*', action: 'block' },
]

const CLASSES = {
  ACCOUNT: worker.Account,
  AUTHORIZATIONS: worker.Authorizations,
  RELAYER: worker.Relayer,
  LINES: worker.CreditLine,
  AGENTS: worker.Agents,
  DIRECTORIES: worker.Directory,
  NUMBERS: worker.Numbers,
  AUDIT: worker.Audit,
  PEOPLE: worker.People,
  QUOTA: worker.Quota,
}

/** An origin that answers conditions and ranges, and lets caches keep its pages. */
async function answerOfOrigin({ headers: asked }: Request): Promise<Response> {
  const headers = { 'content-type': 'text/plain', 'cache-control': 'public, max-age=600', etag: '"a"' }
  if (asked.get('if-none-match')?.includes('"a"')) return new Response(null, { status: 304, headers })
  if (asked.has('range')) return new Response(CANARY, { status: 206, headers })
  return new Response(CANARY, { headers })
}

async function newOperatorKey(): Promise<string> {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair
  const { kty, crv, x, d } = (await crypto.subtle.exportKey('jwk', pair.privateKey)) as JsonWebKey
  return JSON.stringify({ kty, crv, x, d })
}

/** Registers a crawler for credit, with a pinned key. */
async function registerAgent(env: Bindings) {
  const bot = await webBot('ledger.crawler.example')
  const keys = readKeys({ keys: [bot.publicKey] })?.keys
  const [key] = keys ?? []
  const named = readAgentUrl(bot.url)
  if (!key || !env.AGENTS || !('url' in named)) throw new Error('the key and the URL must be readable')
  const registered = await env.AGENTS.getByName(REGISTRY).create(
    {
      id: 'ledger',
      name: 'Ledger',
      url: named.url,
      keys: [{ keyId: key.keyId, jwk: bot.publicKey as never }],
      terms: {
        limit: 5_000_000n,
        probation: 5_000_000n,
        period: 'daily',
        rail: 'transfer',
        tier: null,
        buyer: { name: 'Ledger Inc.', country: 'US' } as never,
      },
    },
    'fuzz',
  )
  if (registered.outcome !== 'registered') throw new Error(`the agent was refused: ${registered.reason}`)
  return bot
}

/** A `fetch` of the Worker that keeps the requests that pay. */
function recorder(answer: (request: Request) => Promise<Response>) {
  const sent: Input[] = []
  const record = async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(input, init)
    const headers = Object.fromEntries(request.headers)
    if (headers['payment-signature'] !== undefined) sent.push({ url: request.url, headers })
    return answer(request)
  }
  return { sent, fetch: record as typeof fetch }
}

/** The chain of a busy machine may be late: a client that gets 503 asks again. */
async function buy(pay: typeof fetch, path: string): Promise<void> {
  let response = await pay(SITE + path, { headers: { 'user-agent': CRAWLER } })
  for (let again = 0; response.status === 503 && again < MOST_AGAIN; again++)
    response = await pay(SITE + path, { headers: { 'user-agent': CRAWLER } })
  if (!response.ok) throw new Error(`${path} was not served: ${response.status} ${await response.text()}`)
}

/** The x402 v1 form of a payment by `exact`. */
function asV1(payment: string): string {
  const { payload } = JSON.parse(atob(payment)) as { payload: unknown }
  return btoa(JSON.stringify({ x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload }))
}

/** The offer of credit that the 402 of a page makes. */
async function creditOffer(answer: (request: Request) => Promise<Response>, path: string) {
  const refusal = await answer(new Request(SITE + path, { headers: { 'user-agent': CRAWLER } }))
  const { accepts } = decodePaymentRequiredHeader(refusal.headers.get('payment-required') ?? '')
  const found = accepts.find(({ network }) => !network.startsWith('eip155:'))
  if (!found) throw new Error('the site must offer credit')
  return found
}
