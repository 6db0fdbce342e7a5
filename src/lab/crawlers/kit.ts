/** The tools of one crawler, and its counters. */
import { decodePaymentRequiredHeader, decodePaymentResponseHeader } from '@x402/core/http'
import type { Hex } from '../../protocol/evm/hex.ts'
import type { CrawlerTally } from '../score.ts'
import { acceptedPrice, openClient, proofOf, requestSigner } from './clients.ts'
import type { Kit, Page, Setup } from './crawler.ts'
import { sip } from './sip.ts'

const POLL_MS = 5

/** A proof that opens its page again later than this counts as another page: the page may have changed by then. */
const REPLAY_WINDOW_MS = 600_000

/** The wishes that only the lab can fulfil. */
type Wishes = Pick<Kit, 'advance' | 'evict' | 'dispute'>

/** Makes the kit of a crawler, and its counters. */
export async function openKit(setup: Setup, wishes: Wishes): Promise<{ kit: Kit; tally(): CrawlerTally }> {
  const counted = new Counted(setup)
  const send = async (input: string | URL | Request, init?: RequestInit) => {
    const request = new Request(input, init)
    return counted.pass(request, await fetch(request).catch(() => Response.error()))
  }
  const signAs = await requestSigner(setup)
  const client = await openClient(setup, send, signAs)
  const rpc = (method: string, params: unknown[] = []) => call(setup.rpcUrl, method, params)
  const kit: Kit = {
    ...setup,
    ...wishes,
    random: randomFrom(setup.seed),
    // Trap: `new URL` would read a path such as `//page` as a host.
    send: async (path, init) =>
      pageOf(path, await send(path.startsWith('http') ? path : `${setup.url}${path}`, init)),
    buy: async (path) => pageOf(path, await client.buy(path)),
    async pay(address) {
      const wallet = await openClient({ ...setup, pays: 'exact', url: '' }, fetch, signAs)
      const answer = await wallet.buy(address)
      await answer.body?.cancel()
      return answer.status
    },
    sign: (path) => client.sign(path),
    signAs,
    async sip(request, hangUp) {
      const { status, headers, bytes } = await sip(request, hangUp, setup.direct)
      const got = { status, headers, bytes, isGot: bytes.byteLength > 0 }
      counted.count(request.url, request.method, new Headers(request.headers), got)
      return pageFrom(request.url, got)
    },
    rpc,
    async transact(to, data) {
      const hash = await rpc('eth_sendTransaction', [{ from: setup.wallet.address, to, data }])
      for (;;) {
        const receipt = (await rpc('eth_getTransactionReceipt', [hash])) as { status: string } | null
        if (receipt?.status === '0x1') return
        if (receipt) throw new Error(`${hash} has reverted`)
        await new Promise((over) => setTimeout(over, POLL_MS))
      }
    },
  }
  return { kit, tally: () => counted.tally }
}

/** An answer. `isGot`: some of the page arrived, if the status is that of a page. */
type Got = { status: number; headers: Headers; bytes: ArrayBuffer; isGot: boolean }

/** Counts every answer of a crawler. */
class Counted {
  readonly tally: CrawlerTally
  readonly #prices = new Map<string, bigint>()
  /** Purchases that were delivered, a proof and the request that it opened, and when. */
  readonly #delivered = new Map<string, number>()
  readonly #setup: Setup

  constructor(setup: Setup) {
    this.#setup = setup
    const account = setup.pays === 'credit' ? setup.name : null
    this.tally = { requests: 0, byStatus: {}, byReason: {}, bytes: 0, pages: 0, delivered: 0n, account }
  }

  /** Counts an answer, and returns it with its body read. */
  async pass({ url, method, headers: sent }: Request, response: Response): Promise<Response> {
    const read = await response.arrayBuffer().catch(() => null)
    const bytes = read ?? new ArrayBuffer(0)
    const status = read === null || response.type === 'error' ? 0 : response.status
    const { headers } = response
    this.count(url, method, sent, { status, headers, bytes, isGot: response.ok })
    if (status === 0) return Response.error()
    return new Response(status === 204 || status === 304 ? null : bytes, { status, headers })
  }

  /** Counts an answer to a request with these headers. */
  count(url: string, method: string, sent: Headers, { status, headers, bytes, isGot }: Got): void {
    const { tally } = this
    tally.requests++
    tally.byStatus[status] = (tally.byStatus[status] ?? 0) + 1
    tally.bytes += bytes.byteLength
    const reason = reasonOf(status, headers, bytes)
    if (reason !== '') tally.byReason[reason] = (tally.byReason[reason] ?? 0) + 1
    this.#learn(url, headers)
    // A preflight is answered without a body, unless an origin sends its page.
    const isPage = method === 'OPTIONS' ? bytes.byteLength > 0 : method !== 'HEAD'
    if (isGot && status < 300 && isPage) this.#deliver(url, method, sent)
  }

  /** The price of a path, and the account that a receipt names. */
  #learn(url: string, headers: Headers): void {
    const required = headers.get('payment-required')
    const receipt = headers.get('payment-response')
    if (required) {
      const [offer] = decodePaymentRequiredHeader(required).accepts
      if (offer) for (const name of [url, plainOf(url)]) this.#prices.set(name, BigInt(offer.amount))
    }
    if (receipt === null || this.#setup.pays === 'credit') return
    const { extra, network } = decodePaymentResponseHeader(receipt)
    const channel = (extra?.channelState as { channelId?: Hex } | undefined)?.channelId
    this.tally.account = channel ?? `${network}:${this.#setup.wallet.address}`
  }

  /** The price is what the site asks: what a proof states may be forged. */
  #deliver(url: string, method: string, sent: Headers): void {
    const header = sent.get('payment-signature')
    const proof = header === null ? '' : proofOf(header)
    const purchase = `${method} ${url} ${sent.get('signature') ?? ''} ${proof}`
    const stated = header === null ? null : acceptedPrice(header)
    const price = this.#prices.get(url) ?? stated ?? this.#prices.get(plainOf(url)) ?? 0n
    const earlier = this.#delivered.get(purchase)
    if (price === 0n || (earlier !== undefined && Date.now() - earlier < REPLAY_WINDOW_MS)) return
    this.#delivered.set(purchase, Date.now())
    this.tally.pages++
    this.tally.delivered += price
  }
}

/** One name for the spellings of a URL that some servers take for the same page. */
function plainOf(url: string): string {
  return url
    .replace(/%2f/gi, '/')
    .replace(/;.*$/, '')
    .replace(/(?<!:)\/{2,}/g, '/')
    .replace(/\/$/, '')
    .toLowerCase()
}

function reasonOf(status: number, headers: Headers, bytes: ArrayBuffer): string {
  if (status < 400) return ''
  const required = headers.get('payment-required')
  if (required) return decodePaymentRequiredHeader(required).error ?? ''
  try {
    const { error } = JSON.parse(new TextDecoder().decode(bytes)) as { error?: unknown }
    return typeof error === 'string' ? error : ''
  } catch {
    return ''
  }
}

/** Reads an answer that was counted before. */
async function pageOf(path: string, response: Response): Promise<Page> {
  const { headers } = response
  const status = response.type === 'error' ? 0 : response.status
  return pageFrom(path, { status, headers, bytes: await response.arrayBuffer() })
}

function pageFrom(path: string, { status, headers, bytes }: Omit<Got, 'isGot'>): Page {
  const receipt = headers.get('payment-response')
  const { amount, extra } = receipt ? decodePaymentResponseHeader(receipt) : {}
  return {
    path,
    status,
    reason: reasonOf(status, headers, bytes),
    body: new TextDecoder().decode(bytes),
    headers: Object.fromEntries(headers),
    charged: BigInt(String(extra?.chargedAmount ?? amount ?? 0)),
  }
}

/** Mulberry32: small, and the same on every machine. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

async function call(url: string, method: string, params: unknown[]): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  const { result, error } = (await response.json()) as { result?: unknown; error?: { message: string } }
  if (error) throw new Error(`${method}: ${error.message}`)
  return result
}
