/** Agents of every algorithm, signed by the npm package `http-message-sig`; and clients with wallets, which ignore credit. */
import { env } from 'cloudflare:test'
import { component, createSignature } from 'http-message-sig'
import { describe, expect, it } from 'vitest'
import type { Algorithm } from '../../../src/identity/jwk.ts'
import { randomHex } from '../../chain/harness.ts'
import { chainHere } from '../../chain/here.ts'
import { newPayer } from '../../chain/payer.ts'
import { ALGORITHMS, newCrawler, toBase64 } from '../../identity/harness.ts'
import { termsOf } from '../../ledger/credit/harness.ts'
import { channelFetch, exactFetch } from '../../upstream.ts'
import { errorOf, PRICE, receiptOf } from '../harness.ts'
import { commitment, creditOffer, openCreditShop } from './harness.ts'

const { rpcUrl } = chainHere()
const shop = openCreditShop()

/** Registers an agent with this algorithm and signs its request for a page. */
async function signedWith(algorithm: Algorithm, covered: string[], path = '/a') {
  const crawler = await newCrawler(algorithm)
  const id = `agent-${randomHex(8).slice(2)}`
  const host = `https://${id}.example`
  const keys = [{ keyId: crawler.key.keyId, jwk: { ...crawler.key.jwk } }]
  const draft = {
    id,
    name: id,
    url: `${host}/jwks.json`,
    keys,
    terms: termsOf({ limit: 9000n, probation: 9000n }),
  }
  await env.AGENTS.getByName('agents').create(draft, 'test')
  const headers: Record<string, string> = {
    'signature-agent': `sig1="${host}/jwks.json"`,
    'payment-signature': commitment(await creditOffer(shop)),
  }
  const created = Math.floor(Date.now() / 1000)
  const made = await createSignature(new Request(`https://site.test${path}`, { headers }), {
    signer: { algorithm, sign: (base: Uint8Array) => crawler.sign(new TextDecoder().decode(base)) },
    components: [...covered, component('signature-agent', { key: 'sig1' }), 'payment-signature'] as never[],
    label: 'sig1',
    parameters: {
      created,
      expires: created + 60,
      keyid: crawler.key.keyId,
      alg: algorithm,
      tag: 'web-bot-auth',
    },
  })
  const signatures = { signature: made.signature, 'signature-input': made.signatureInput }
  return { id, request: { headers: { ...headers, ...signatures } } }
}

const charged = async (id: string) => (await env.LINES.getByName(id).standing())?.charged

describe('http-message-sig signer', () => {
  it.each(ALGORITHMS)('pays on credit with %s', async (algorithm) => {
    const { id, request } = await signedWith(algorithm, ['@method', '@target-uri'])
    const response = await shop.ask('/a', request)
    expect([response.status, receiptOf(response).payer]).toEqual([200, `${id}.example`])
    expect(await charged(id)).toBe(PRICE)
  })

  it('is charged once for an ECDSA signature and its twin [C3]', async () => {
    const { id, request } = await signedWith('ecdsa-p256-sha256', ['@authority'])
    expect((await shop.ask('/a', request)).status).toBe(200)
    const [, encoded = ''] = /:(.*):/.exec(request.headers.signature ?? '') ?? []
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0))
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
    const half = (from: number) => bytes.slice(from, from + 32)
    const s = half(32).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
    const twin = (order - s).toString(16).padStart(64, '0')
    bytes.set(
      Uint8Array.from(twin.match(/../g) ?? [], (pair) => Number(`0x${pair}`)),
      32,
    )
    const headers = { ...request.headers, signature: `sig1=:${toBase64(bytes)}:` }
    expect((await shop.ask('/a', { headers })).status).toBe(200)
    expect(await errorOf(await shop.ask('/b', { headers }))).toBe('tab_replayed')
    expect(await charged(id)).toBe(PRICE)
  })
})

describe('Client with a wallet', () => {
  const fetch = (async (input, init) => {
    const request = new Request(input as RequestInfo, init)
    request.headers.set('user-agent', 'crawler/1.0')
    return shop.site.gate(request, shop.site.origin)
  }) as typeof globalThis.fetch

  it.each([
    ['exact', exactFetch],
    ['a channel', (...rest: Parameters<typeof exactFetch>) => channelFetch(...rest).fetch],
  ])('pays by %s on a site that also offers credit', async (_, paying) => {
    const { key } = await newPayer(10_000_000n)
    const response = await paying(fetch, { privateKey: key }, rpcUrl)('https://site.test/a')
    expect([response.status, receiptOf(response).success]).toEqual([200, true])
    expect(receiptOf(response).transaction).not.toBe('')
  })
})
