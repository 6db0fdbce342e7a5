/** The site as the Worker builds it, over the real bindings, with counted calls; and crawlers that sign by hand. */
import { env } from 'cloudflare:test'
import type { Bindings } from '../../src/app/bindings.ts'
import { siteOf } from '../../src/app/site.ts'
import type { ChannelConfig } from '../../src/protocol/evm/channel.ts'
import { channelId } from '../../src/protocol/evm/eip712.ts'
import type { Address, Hex } from '../../src/protocol/evm/hex.ts'
import { encodeHeader } from '../../src/protocol/x402/header.ts'
import type { PaymentRequired, PaymentRequirements, SettleResponse } from '../../src/protocol/x402/types.ts'
import type { ChannelTerms } from '../../src/schemes/channel/terms.ts'
import { newPayer, type Payer } from '../chain/payer.ts'

export const CRAWLER = 'Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)'
export const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
export const PRICE = 1000n

/** Makes a call or fails it. The Worker receives the error it throws. */
export type Meddle = (name: string, call: () => Promise<unknown>) => Promise<unknown>

type Ask = Omit<RequestInit, 'headers'> & {
  headers?: Record<string, string>
  agent?: string
  payment?: string
  v1?: string
  cf?: object
}

/** The site with extra vars. `calls` lists its calls to bindings, such as `ACCOUNT.place` and `SITE.fetch`. */
export function startPaywall(vars: Record<string, unknown> = {}, meddle: Meddle = (_, call) => call()) {
  const calls: string[] = []
  const counted = (name: string, call: () => Promise<unknown>) => {
    calls.push(name)
    return meddle(name, call)
  }
  const bound = env as unknown as Record<string, object>
  const own: Record<string, unknown> = {
    ...bound,
    CHAIN_READS: undefined,
    CHANNEL_READS: undefined,
    AGENT_READS: undefined,
  }
  for (const name of ['ACCOUNT', 'AUTHORIZATIONS', 'RELAYER', 'LINES', 'AGENTS', 'DIRECTORIES', 'QUOTA'])
    own[name] = objects(name, bound[name] ?? {}, counted)
  own.SITE = methods('SITE', bound.SITE ?? {}, counted)
  own.BOOK = database(env.BOOK, calls)
  const site = siteOf({ ...own, ...vars } as unknown as Bindings)
  if (site instanceof Response) throw new Error('the site must be configured')

  async function ask(
    path: string,
    { agent = CRAWLER, payment, v1, headers, cf, ...init }: Ask = {},
  ): Promise<Response> {
    const sent = new Headers({ 'user-agent': agent, ...headers })
    if (payment !== undefined) sent.set('payment-signature', payment)
    if (v1 !== undefined) sent.set('x-payment', v1)
    const url = path.startsWith('http') ? path : `https://site.test${path}`
    return site instanceof Response
      ? site
      : site.gate(
          new Request(url, { ...init, headers: sent, redirect: 'manual', ...(cf && { cf }) }),
          site.origin,
        )
  }

  return {
    ask,
    calls,
    site,
    /** The offers of a page, the channel's first. */
    async offers(path = '/'): Promise<{ channel: PaymentRequirements; exact: PaymentRequirements }> {
      const { accepts } = requiredOf(await ask(path))
      const [channel, exact] = accepts
      if (!channel || !exact) throw new Error('the site must make two offers')
      return { channel, exact }
    },
  }
}

export type TestPaywall = ReturnType<typeof startPaywall>

type Counted = (name: string, call: () => Promise<unknown>) => Promise<unknown>

function objects(binding: string, namespace: object, counted: Counted): unknown {
  return new Proxy(namespace, {
    get: (target, key) =>
      key === 'getByName'
        ? (name: string) =>
            methods(binding, (target as { getByName(name: string): object }).getByName(name), counted)
        : Reflect.get(target, key),
  })
}

/** D1, whose statements are counted: all but those of traffic, which the isolate writes every ten seconds, whatever is asked. */
function database(book: D1Database, calls: string[]): unknown {
  return new Proxy(book, {
    get: (target, method) => {
      const callee = Reflect.get(target, method)
      return (...rest: unknown[]) => {
        if (!String(rest[0]).includes('INTO traffic')) calls.push(`BOOK.${String(method)}`)
        return Reflect.apply(callee, target, rest)
      }
    },
  })
}

/** A stub or service whose every method is counted. */
function methods(binding: string, target: object, counted: Counted): unknown {
  return new Proxy(target, {
    get: (_, method) => {
      if (typeof method === 'symbol') return Reflect.get(target, method)
      const callee = target as Record<string, (...rest: unknown[]) => Promise<unknown>>
      return (...rest: unknown[]) => counted(`${binding}.${method}`, async () => callee[method]?.(...rest))
    },
  })
}

export function requiredOf(response: Response): PaymentRequired {
  return JSON.parse(atob(response.headers.get('payment-required') ?? 'null')) as PaymentRequired
}

export function receiptOf(response: Response): SettleResponse {
  const header = response.headers.get('payment-response') ?? response.headers.get('x-payment-response')
  return JSON.parse(atob(header ?? 'null')) as SettleResponse
}

/** The `error` of a refusal, from its header or its body. */
export async function errorOf(response: Response): Promise<string | undefined> {
  const header = response.headers.get('payment-required')
  if (header) return requiredOf(response).error
  return ((await response.json()) as { error?: string }).error
}

export type Crawler = Awaited<ReturnType<typeof newCrawler>>

/** A crawler with USDC and a channel that is not open yet. */
export async function newCrawler(shop: TestPaywall, funds = 1_000_000n) {
  return crawlerOf(shop, await newPayer(funds))
}

/** A crawler of this payer with its own channel. */
export async function crawlerOf(shop: TestPaywall, payer: Payer) {
  const { channel, exact } = await shop.offers()
  const { receiverAuthorizer, withdrawDelay } = channel.extra as {
    receiverAuthorizer: Address
    withdrawDelay: number
  }
  const config: ChannelConfig = {
    ...payer.channelTo(channel.payTo as Address, receiverAuthorizer),
    withdrawDelay,
  }
  const escrow = shop.site.config.policy.networks[0].escrow
  const id = channelId(config, 84532, escrow)

  async function voucher(max: bigint) {
    const { signature } = await payer.owes(config, max)
    return { channelId: id, maxClaimableAmount: max.toString(), signature }
  }

  function sent(payload: object, accepted: PaymentRequirements): string {
    return encodeHeader({ x402Version: 2, payload, resource: { url: 'https://site.test/' }, accepted })
  }

  return {
    payer,
    config,
    id,
    sent,
    account: () => env.ACCOUNT.getByName(id),
    /** `PAYMENT-SIGNATURE` with a voucher over `max`. */
    async owes(max: bigint, accepted = channel): Promise<string> {
      return sent({ type: 'voucher', channelConfig: config, voucher: await voucher(max) }, accepted)
    },
    async deposits(
      amount: bigint,
      max: bigint,
      accepted = channel,
      rest: { validBefore?: bigint } = {},
    ): Promise<string> {
      const { validAfter, validBefore, salt, signature } = await payer.deposits(config, amount, rest)
      const erc3009Authorization = {
        validAfter: `${validAfter}`,
        validBefore: `${validBefore}`,
        salt,
        signature,
      }
      const deposit = { amount: amount.toString(), authorization: { erc3009Authorization } }
      return sent({ type: 'deposit', channelConfig: config, voucher: await voucher(max), deposit }, accepted)
    },
    async takesBack(max: bigint, amount?: bigint, accepted = channel): Promise<string> {
      const rest = amount === undefined ? {} : { amount: amount.toString() }
      return sent({ type: 'refund', channelConfig: config, voucher: await voucher(max), ...rest }, accepted)
    },
    /** `PAYMENT-SIGNATURE` of an `exact` transfer. */
    async pays(
      value = PRICE,
      rest: { validAfter?: bigint; validBefore?: bigint; to?: Address; nonce?: Hex } = {},
      accepted = exact,
    ) {
      const { from, to, signature, nonce, validAfter, validBefore } = await payer.pays(
        exact.payTo as Address,
        value,
        rest,
      )
      const times = { validAfter: `${validAfter}`, validBefore: `${validBefore}` }
      return sent({ signature, authorization: { from, to, value: `${value}`, ...times, nonce } }, accepted)
    },
  }
}

/** A crawler with an open channel and one page bought. */
export async function newRegular(shop: TestPaywall, deposit = 100_000n): Promise<Crawler> {
  const crawler = await newCrawler(shop)
  const opened = await shop.ask('/opening', { payment: await crawler.deposits(deposit, PRICE) })
  if (opened.status !== 200)
    throw new Error(`the channel must open: ${opened.status} ${await errorOf(opened)}`)
  shop.calls.length = 0
  return crawler
}

/** The channel terms that the site passes to the scheme. */
export function termsOf({ site }: TestPaywall): ChannelTerms {
  const { policy, relayer, ...config } = site.config
  const [on] = config.networks
  if (!on) throw new Error('the site must have a network')
  const { network, gas } = on
  const { receiver } = policy
  return { ...config, ...gas, network, receiver, receiverAuthorizer: relayer?.address ?? '0x' }
}

/** A payment header with the value at a path replaced; `undefined` removes the key. */
export function altered(header: string, path: string, value: unknown): string {
  const payment = JSON.parse(atob(header)) as Record<string, unknown>
  const steps = path.split('.')
  const last = steps.pop() ?? ''
  const parent = steps.reduce((at, step) => at[step] as Record<string, unknown>, payment)
  parent[last] = value
  return encodeHeader(payment)
}

/** The value at a path of a payment header. */
export function valueAt(header: string, path: string): unknown {
  const payment: unknown = JSON.parse(atob(header))
  return path.split('.').reduce((at, step) => (at as Record<string, unknown>)[step], payment)
}

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

/** Other encodings of one signature that some libraries accept as the same. */
export function twins(signature: string): Record<string, string> {
  const [r, s, v] = [signature.slice(2, 66), signature.slice(66, 130), signature.slice(130)]
  const high = (ORDER - BigInt(`0x${s}`)).toString(16).padStart(64, '0')
  const flipped = v === '1b' ? '1c' : '1b'
  const parity = v === '1b' ? '00' : '01'
  const compact =
    v === '1b' ? s : ((BigInt(`0x${s}`) | (1n << 255n)).toString(16).padStart(64, '0') as string)
  return {
    'its high-s twin': `0x${r}${high}${flipped}`,
    'v of 0 or 1': `0x${r}${s}${parity}`,
    'the other v': `0x${r}${s}${flipped}`,
    '64 bytes': `0x${r}${s}`,
    'EIP-2098, 64 bytes': `0x${r}${compact}`,
    '66 bytes': `0x${r}${s}${v}00`,
    'r and s swapped': `0x${s}${r}${v}`,
    zeros: `0x${'0'.repeat(128)}${v}`,
    'an ERC-6492 wrapping': `0x${'00'.repeat(12)}${'ca'.repeat(20)}${r}${s}${v}${'6492'.repeat(16)}`,
    nothing: '0x',
  }
}
