/** A site that offers credit, and agents that sign with the npm package `web-bot-auth`. */
import { env } from 'cloudflare:test'
import { generateNonce, signatureHeaders } from 'web-bot-auth'
import { signerFromJWK } from 'web-bot-auth/crypto'
import type { CreditTerms } from '../../../src/ledger/credit/terms.ts'
import { encodeHeader } from '../../../src/protocol/x402/header.ts'
import type { PaymentRequirements } from '../../../src/protocol/x402/types.ts'
import { randomHex } from '../../chain/harness.ts'
import { newCrawler } from '../../identity/harness.ts'
import { termsOf } from '../../ledger/credit/harness.ts'
import { type Meddle, requiredOf, startPaywall, type TestPaywall } from '../harness.ts'

export const NETWORK = 'tab402:402'
export const REGISTRATION = 'https://site.test/credit'

export function openCreditShop(vars: Record<string, unknown> = {}, meddle?: Meddle) {
  const SCHEMES = ['channel', 'exact', 'credit']
  return startPaywall({ SCHEMES, REGISTRATION_URL: REGISTRATION, ...vars }, meddle)
}

/** The offer on credit, as an agent reads it out of a 402. */
export async function creditOffer(shop: TestPaywall, path = '/a'): Promise<PaymentRequirements> {
  const offer = requiredOf(await shop.ask(path)).accepts.find(({ network }) => network.endsWith(':402'))
  if (!offer) throw new Error('the site must offer credit')
  return offer
}

/** `PAYMENT-SIGNATURE` of a commitment. */
export function commitment(accepted: Partial<PaymentRequirements>): string {
  const { amount, asset } = accepted
  return encodeHeader({ x402Version: 2, payload: { amount, asset }, accepted })
}

export type Signing = {
  method?: string
  body?: string
  /** Covered, beside the default ones. */
  covers?: readonly string[]
  headers?: Record<string, string>
  nonce?: string | null
  /** Seconds from now. */
  created?: number
  lasts?: number
  /** The URL in the signature, if it differs from the URL of the request. */
  url?: string
}

export type Agent = Awaited<ReturnType<typeof newAgent>>

/** An agent in the registry, its key pinned unless `published`. `origin` is that of its URL. */
export async function newAgent(
  terms: Partial<CreditTerms> = {},
  { named = true, published = false, origin }: { named?: boolean; published?: boolean; origin?: string } = {},
) {
  const { key, jwk, privateJwk } = await newCrawler()
  const id = `agent-${randomHex(8).slice(2)}`
  const host = origin ?? `https://${id}.example`
  const { kty = '', crv = '', x = '' } = jwk
  const draft = {
    id,
    name: 'Example',
    url: named ? `${host}/.well-known/http-message-signatures-directory` : null,
    keys: published ? null : [{ keyId: key.keyId, jwk: { kty, crv, x } }],
    terms: termsOf({ limit: 1_000_000n, probation: 1_000_000n, ...terms }),
  }
  const made = await env.AGENTS.getByName('agents').create(draft, 'test')
  if (made.outcome !== 'registered') throw new Error(made.reason)
  const signer = await signerFromJWK(privateJwk)

  /** Returns a request signed over `covers`. */
  async function sign(path: string, signing: Signing = {}) {
    const { method = 'GET', covers = [], nonce = generateNonce(), created = 0, lasts = 60 } = signing
    const agent = named ? { 'Signature-Agent': `"${host}"` } : {}
    const headers: Record<string, string> = { ...agent, ...signing.headers }
    const request = new Request(signing.url ?? `https://site.test${path}`, { method, headers })
    const from = Math.floor(Date.now() / 1000) + created
    const components = ['@authority', ...(headers['Signature-Agent'] ? ['signature-agent'] : []), ...covers]
    const made = await signatureHeaders(request, signer, {
      created: new Date(from * 1000),
      expires: new Date((from + lasts) * 1000),
      components: components as never[],
      ...(nonce !== null && { nonce }),
    })
    const signatures = { Signature: made.Signature, 'Signature-Input': made['Signature-Input'] }
    return {
      method,
      headers: { ...headers, ...signatures },
      ...(signing.body !== undefined && { body: signing.body }),
    }
  }

  return {
    id,
    host,
    key,
    sign,
    line: () => env.LINES.getByName(id),
    /** A request that commits to an offer. */
    commit: (path: string, offer: Partial<PaymentRequirements>, signing: Signing = {}) =>
      sign(path, {
        ...signing,
        headers: { 'Payment-Signature': commitment(offer), ...signing.headers },
        covers: ['payment-signature', ...(signing.covers ?? ['@method', '@target-uri'])],
      }),
    /** A request that names a price with Pay Per Crawl headers. */
    crawl: (
      path: string,
      name: 'crawler-exact-price' | 'crawler-max-price',
      price: string,
      signing: Signing = {},
    ) =>
      sign(path, {
        ...signing,
        headers: { [name]: price, ...signing.headers },
        covers: [name, ...(signing.covers ?? [])],
      }),
    async standing() {
      const standing = await env.LINES.getByName(id).standing()
      if (!standing) throw new Error('line must be open')
      return standing
    },
  }
}
