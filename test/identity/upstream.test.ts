import { component, createSignature } from 'http-message-sig'
import { describe, expect, it } from 'vitest'
import { generateNonce, signatureHeaders } from 'web-bot-auth'
import { signerFromJWK } from 'web-bot-auth/crypto'
import type { Message } from '../../src/identity/signature-base.ts'
import { isBound } from '../../src/identity/verify.ts'
import { AGENT_LINE, type Crawler, HOST, judge, NOW, newCrawler, parametersOf, reasonOf } from './harness.ts'

const created = new Date(NOW * 1000)
const expires = new Date((NOW + 60) * 1000)
const URL = 'https://site.example/articles/1?page=2'

/** Signs with the npm package `web-bot-auth`, which reads algorithms off the JWK. */
async function signWithWebBotAuth(crawler: Crawler, headers: Record<string, string>, covering?: string[]) {
  const alg = crawler.key.algorithm === 'rsa-pss-sha512' ? 'PS512' : undefined
  const signer = await signerFromJWK({ ...crawler.privateJwk, ...(alg && { alg }) })
  const request = new Request(URL, { headers })
  const components = covering as Parameters<typeof signatureHeaders>[2]['components']
  const made = await signatureHeaders(request, signer, {
    created,
    expires,
    ...(components && { components }),
    nonce: generateNonce(),
  })
  return withHeaders(request, made.Signature, made['Signature-Input'])
}

/** Signs with the npm package `http-message-sig`. Its signer signs any bytes. */
async function signWithHttpMessageSig(
  crawler: Crawler,
  headers: Record<string, string>,
  components: Parameters<typeof createSignature>[1]['components'],
  label = 'sig1',
) {
  const request = new Request(URL, { headers })
  const signer = {
    algorithm: crawler.key.algorithm,
    sign: (base: Uint8Array) => crawler.sign(new TextDecoder().decode(base)),
  }
  const made = await createSignature(request, {
    signer,
    components,
    label,
    parameters: parametersOf(crawler),
  })
  return withHeaders(request, made.signature, made.signatureInput)
}

function withHeaders({ method, url, headers }: Request, signature: string, input: string): Message {
  const all = new Headers(headers)
  all.set('signature', signature)
  all.set('signature-input', input)
  return { method, url, headers: all }
}

const DIALECTS = [
  ['a string', `"${HOST}"`, 'signature-agent'],
  ['a dictionary', `sig1="${HOST}"`, component('signature-agent', { key: 'sig1' })],
  ['a dictionary with types', `sig1="${HOST}";type=directory`, component('signature-agent', { key: 'sig1' })],
  ['a dictionary with another key', `g="${HOST}"`, component('signature-agent', { key: 'g' })],
] as const

describe('verify', () => {
  it.each(['ed25519', 'rsa-pss-sha512'] as const)(
    'accepts a request that web-bot-auth signed with %s, bound by its nonce',
    async (algorithm) => {
      const crawler = await newCrawler(algorithm)
      const verdict = await judge(
        crawler,
        await signWithWebBotAuth(crawler, { 'Signature-Agent': `"${HOST}"` }),
      )
      expect(verdict).toMatchObject({ outcome: 'verified', agent: 'crawler', algorithm, created: NOW })
      expect(verdict.outcome === 'verified' && isBound(verdict)).toBe(true)
    },
  )

  it.each(DIALECTS)(
    'accepts web-bot-auth covering Signature-Agent as a whole, sent as %s',
    async (_, header) => {
      const crawler = await newCrawler()
      const verdict = await judge(crawler, await signWithWebBotAuth(crawler, { 'Signature-Agent': header }))
      expect(reasonOf(verdict)).toBe('verified')
    },
  )

  it('accepts web-bot-auth covering a payment, and rejects the payment once changed', async () => {
    const crawler = await newCrawler()
    const headers = { 'Signature-Agent': `"${HOST}"`, 'Payment-Signature': 'e30=' }
    const message = await signWithWebBotAuth(crawler, headers, [
      '@authority',
      'signature-agent',
      'payment-signature',
    ])
    const covering = ['payment-signature']
    expect(reasonOf(await judge(crawler, message, { covering }))).toBe('verified')
    message.headers.set('payment-signature', 'e30')
    expect(reasonOf(await judge(crawler, message, { covering }))).toBe('invalid: signature_wrong')
  })

  it.each(DIALECTS)('accepts http-message-sig with Signature-Agent sent as %s', async (_, header, agent) => {
    const crawler = await newCrawler()
    const message = await signWithHttpMessageSig(crawler, { 'Signature-Agent': header }, [
      '@authority',
      agent,
    ])
    expect(reasonOf(await judge(crawler, message))).toBe('verified')
  })

  it.each(['ed25519', 'ecdsa-p256-sha256', 'rsa-pss-sha512'] as const)(
    'accepts http-message-sig with %s over all its components, bound to the request',
    async (algorithm) => {
      const crawler = await newCrawler(algorithm)
      const headers = { 'Signature-Agent': `sig1="${HOST}"`, 'X-Note': ' spaced  out ' }
      const derived = ['@method', '@target-uri', '@authority', '@scheme', '@path', '@query']
      const agent = component('signature-agent', { key: 'sig1' })
      const message = await signWithHttpMessageSig(crawler, headers, [...derived, 'x-note', agent])
      const verdict = await judge(crawler, message)
      expect(verdict).toMatchObject({ outcome: 'verified', nonce: null, url: expect.stringContaining(HOST) })
      expect(verdict.outcome === 'verified' && verdict.covered).toEqual(
        [...derived, 'x-note'].map((id) => `"${id}"`).concat(AGENT_LINE[0]),
      )
      expect(verdict.outcome === 'verified' && isBound(verdict)).toBe(true)
    },
  )
})
