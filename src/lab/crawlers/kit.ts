/** The tools of one crawler, and its counters. */
import { decodePaymentRequiredHeader, decodePaymentResponseHeader } from '@x402/core/http'
import type { Hex } from '../../protocol/evm/hex.ts'
import type { CrawlerTally } from '../score.ts'
import { acceptedPrice, openClient } from './clients.ts'
import type { Kit, Page, Setup } from './crawler.ts'

const POLL_MS = 5

/** The wishes that only the lab can fulfil. */
type Wishes = Pick<Kit, 'advance' | 'evict'>

/** Makes the kit of a crawler, and its counters. */
export async function openKit(setup: Setup, wishes: Wishes): Promise<{ kit: Kit; tally(): CrawlerTally }> {
  const counted = new Counted(setup)
  const send = async (input: string | URL | Request, init?: RequestInit) => {
    const request = new Request(input, init)
    return counted.pass(request, await fetch(request).catch(() => Response.error()))
  }
  const client = await openClient(setup, send)
  const rpc = (method: string, params: unknown[] = []) => call(setup.rpcUrl, method, params)
  const kit: Kit = {
    ...setup,
    ...wishes,
    random: randomFrom(setup.seed),
    // Trap: `new URL` would read a path such as `//page` as a host.
    send: async (path, init) =>
      pageOf(path, await send(path.startsWith('http') ? path : `${setup.url}${path}`, init)),
    buy: async (path) => pageOf(path, await client.buy(path)),
    sign: (path) => client.sign(path),
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

/** Counts every answer of a crawler. */
class Counted {
  readonly tally: CrawlerTally
  readonly #prices = new Map<string, bigint>()
  /** Purchases that were delivered: a proof and the request that it opened. */
  readonly #delivered = new Set<string>()
  readonly #setup: Setup

  constructor(setup: Setup) {
    this.#setup = setup
    const account = setup.pays === 'credit' ? setup.name : null
    this.tally = { requests: 0, byStatus: {}, byReason: {}, bytes: 0, pages: 0, delivered: 0n, account }
  }

  /** Counts an answer, and returns it with its body read. */
  async pass(request: Request, response: Response): Promise<Response> {
    const { tally } = this
    const bytes = await response.arrayBuffer().catch(() => null)
    const status = bytes === null || response.type === 'error' ? 0 : response.status
    tally.requests++
    tally.byStatus[status] = (tally.byStatus[status] ?? 0) + 1
    tally.bytes += bytes?.byteLength ?? 0
    const { headers } = response
    const reason = reasonOf(status, headers, bytes)
    if (reason !== '') tally.byReason[reason] = (tally.byReason[reason] ?? 0) + 1
    this.#learn(request, headers)
    if (response.ok && request.method !== 'HEAD') this.#deliver(request)
    if (status === 0) return Response.error()
    return new Response(response.status === 204 || response.status === 304 ? null : bytes, {
      status: response.status,
      headers,
    })
  }

  /** The price of a path, and the account that a receipt names. */
  #learn({ url }: Request, headers: Headers): void {
    const required = headers.get('payment-required')
    const receipt = headers.get('payment-response')
    if (required) {
      const [offer] = decodePaymentRequiredHeader(required).accepts
      if (offer) this.#prices.set(url, BigInt(offer.amount))
    }
    if (receipt === null || this.#setup.pays === 'credit') return
    const { extra, network } = decodePaymentResponseHeader(receipt)
    const channel = (extra?.channelState as { channelId?: Hex } | undefined)?.channelId
    this.tally.account = channel ?? `${network}:${this.#setup.wallet.address}`
  }

  #deliver({ url, method, headers }: Request): void {
    const proof = headers.get('payment-signature')
    const iou = `${headers.get('signature') ?? ''} ${proof ?? ''}`
    const purchase = `${method} ${url} ${iou}`
    const price = (proof === null ? null : acceptedPrice(proof)) ?? this.#prices.get(url) ?? 0n
    if (price === 0n || this.#delivered.has(purchase)) return
    this.#delivered.add(purchase)
    this.tally.pages++
    this.tally.delivered += price
  }
}

function reasonOf(status: number, headers: Headers, bytes: ArrayBuffer | null): string {
  if (status < 400) return ''
  const required = headers.get('payment-required')
  if (required) return decodePaymentRequiredHeader(required).error ?? ''
  try {
    const { error } = JSON.parse(new TextDecoder().decode(bytes ?? new ArrayBuffer(0))) as { error?: unknown }
    return typeof error === 'string' ? error : ''
  } catch {
    return ''
  }
}

/** Reads an answer that was counted before. */
async function pageOf(path: string, response: Response): Promise<Page> {
  const { headers } = response
  const status = response.type === 'error' ? 0 : response.status
  const bytes = await response.arrayBuffer()
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
