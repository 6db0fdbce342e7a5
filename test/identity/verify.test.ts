import { describe, expect, it } from 'vitest'
import type { Message } from '../../src/identity/signature-base.ts'
import {
  AGENT_LINE,
  ALGORITHMS,
  HOST,
  judge,
  keysOfPinned,
  LINES,
  type Lines,
  NOW,
  newCrawler,
  pinned,
  proofOf,
  reasonOf,
  rewritten,
  signed,
  toBase64,
  type Wish,
} from './harness.ts'

const crawler = await newCrawler()

async function reason(wish: Wish, terms: Parameters<typeof judge>[2] = {}) {
  return reasonOf(await judge(crawler, await signed(crawler, wish), terms))
}

/** A request that carries the signatures of both messages. */
function joined(one: Message, other: Message): Message {
  const headers = new Headers(one.headers)
  for (const name of ['signature-input', 'signature']) headers.append(name, other.headers.get(name) ?? '')
  return { ...one, headers }
}

describe('verify', () => {
  it.each(ALGORITHMS)(
    'returns verified with %s, the agent, the key and the covered components',
    async (algorithm) => {
      const signer = await newCrawler(algorithm)
      const message = await signed(signer, { parameters: { nonce: 'n-1' } })
      const proof = proofOf(await judge(signer, message))
      expect(proof).toMatchObject({ agent: 'crawler', keyId: signer.key.keyId, label: 'sig1', algorithm })
      expect(proof).toMatchObject({ created: NOW, expires: NOW + 60, nonce: 'n-1' })
      expect(proof.covered).toEqual(LINES.map(([id]) => id))
    },
  )

  it('returns the signature and its base as evidence', async () => {
    const proof = proofOf(await judge(crawler, await signed(crawler)))
    expect(proof.base).toContain('"@authority": site.example\n')
    expect(toBase64(await crawler.sign(proof.base))).toBe(proof.signature)
  })

  it('returns unverified for a request without a signature', async () => {
    const message = { method: 'GET', url: 'https://site.example/', headers: new Headers() }
    expect(reasonOf(await judge(crawler, message))).toBe('unverified: unsigned')
  })

  it('returns unverified for a signature with another tag or none', async () => {
    expect(await reason({ parameters: { tag: 'x402-response' } })).toBe('unverified: unsigned')
    expect(await reason({ parameters: { tag: undefined } })).toBe('unverified: unsigned')
  })

  it('returns unverified for an agent that is not registered', async () => {
    const stranger = await newCrawler()
    const terms = { findKey: keysOfPinned(pinned(stranger, { url: 'https://other.example/' })) }
    expect(await reason({}, terms)).toBe('unverified: agent_unknown')
  })
})

describe('verify of signature parameters', () => {
  it.each([
    ['created', 'invalid: parameter_missing'],
    ['expires', 'invalid: parameter_missing'],
    ['keyid', 'invalid: parameter_missing'],
    ['alg', 'verified'],
  ])('without %s: returns %s [C1]', async (name, verdict) => {
    expect(await reason({ parameters: { [name]: undefined } })).toBe(verdict)
  })

  it.each([
    ['created', 'soon'],
    ['created', NOW + 0.5],
    ['created', -1],
    ['expires', 'never'],
    ['keyid', 'test-key-ed25519'],
    ['keyid', `${'A'.repeat(43)}=`],
    ['keyid', 7],
    ['nonce', 7],
    ['nonce', 'n'.repeat(257)],
    ['alg', 1],
  ])('returns parameter_malformed for %s %s [C1]', async (name, value) => {
    expect(await reason({ parameters: { [name]: value } })).toBe('invalid: parameter_malformed')
  })

  it.each(['hmac-sha256', 'rsa-v1_5-sha256', 'rsa-pss-sha512', 'ed25519 ', ''])(
    'returns algorithm_differs for alg %j, which is not the key’s [C1]',
    async (alg) => {
      expect(await reason({ parameters: { alg } })).toBe('invalid: algorithm_differs')
    },
  )

  it('requires @authority or @target-uri to be covered [C1]', async () => {
    const targetUri = ['"@target-uri"', 'https://site.example/'] as const
    expect(await reason({ lines: [AGENT_LINE] })).toBe('invalid: target_not_covered')
    expect(await reason({ lines: [['"@path"', '/'], AGENT_LINE] })).toBe('invalid: target_not_covered')
    expect(await reason({ lines: [targetUri, AGENT_LINE] })).toBe('verified')
  })

  it('requires the Signature-Agent to be covered [C1]', async () => {
    expect(await reason({ lines: LINES.slice(0, 1) })).toBe('invalid: agent_not_covered')
  })

  it('requires the payment header to be covered [C1]', async () => {
    const headers = { 'Payment-Signature': 'e30=' }
    const paid: Lines = [...LINES, ['"payment-signature"', 'e30=']]
    const keyed: Lines = [...LINES, ['"payment-signature";key="a"', 'e30=']]
    const covering = ['payment-signature']
    expect(await reason({ headers }, { covering })).toBe('invalid: component_not_covered')
    expect(await reason({ headers, lines: keyed }, { covering })).toBe('invalid: component_not_covered')
    expect(await reason({ headers, lines: paid }, { covering })).toBe('verified')
  })

  it('rejects a component covered twice [C1]', async () => {
    const lines: Lines = [...LINES, ['"@authority"', 'site.example']]
    expect(await reason({ lines })).toBe('invalid: component_repeated')
  })

  it.each([
    ['a label twice', (input: string, value: string) => [`${input}, ${input}`, value]],
    ['a signature twice', (input: string, value: string) => [input, `${value}, ${value}`]],
    ['a parameter twice', (input: string, value: string) => [`${input};created=${NOW}`, value]],
    ['a label without a signature', (input: string) => [input, 'sig2=:AAAA:']],
    ['a string as the signature', (input: string) => [input, 'sig1="AAAA"']],
    ['a string as the input', (_: string, value: string) => ['sig1="@authority"', value]],
    ['numbers for components', (_: string, value: string) => ['sig1=(1 2);tag="web-bot-auth"', value]],
    ['an input of 9 KB', (input: string, value: string) => [`${input};x="${'x'.repeat(9000)}"`, value]],
    [
      '33 components',
      (_: string, value: string) => [`sig1=(${'"a" '.repeat(33)});tag="web-bot-auth"`, value],
    ],
  ])('returns invalid for %s [C1]', async (_, change) => {
    const verdict = await judge(crawler, rewritten(await signed(crawler), change))
    expect(reasonOf(verdict)).toMatch(/^invalid: signature_(?:input_)?unreadable$/)
  })

  it('returns invalid for a Signature without Signature-Input, or the reverse [C1]', async () => {
    const message = await signed(crawler)
    for (const name of ['signature', 'signature-input']) {
      const headers = new Headers(message.headers)
      headers.delete(name)
      expect((await judge(crawler, { ...message, headers })).outcome).toBe('invalid')
    }
  })

  it('returns signature_wrong for a signature by another key than its keyid [C1]', async () => {
    const other = await newCrawler()
    const message = await signed({ ...other, key: crawler.key })
    expect(reasonOf(await judge(crawler, message))).toBe('invalid: signature_wrong')
  })
})

describe('verify of several signatures', () => {
  it('returns verified if any signature is valid, whatever stands before it [C1]', async () => {
    const other = await newCrawler()
    const bad = await signed(crawler, { label: 'bad', forge: (base) => `${base} ` })
    const foreign = await signed(other, { label: 'proxy', parameters: { tag: 'another-use' } })
    for (const companion of [bad, foreign]) {
      expect(proofOf(await judge(crawler, joined(companion, await signed(crawler)))).label).toBe('sig1')
    }
  })

  it('returns unverified if one signature is undecided and none is valid [C1]', async () => {
    const other = await newCrawler()
    const bad = await signed(crawler, { label: 'bad', forge: (base) => `${base} ` })
    const strange = { 'Signature-Agent': 'sig1="https://crawler.example", sig2="https://else.example"' }
    const lines: Lines = [
      ['"@authority"', 'site.example'],
      ['"signature-agent";key="sig2"', '"https://else.example"'],
    ]
    const unknown = await signed(other, { label: 'sig2', headers: strange, lines })
    expect(reasonOf(await judge(crawler, joined(unknown, bad)))).toBe('unverified: agent_unknown')
  })

  it('accepts a signature that covers another signature [C1]', async () => {
    const inner = await signed(crawler, { label: 'agent' })
    const value = (inner.headers.get('signature') ?? '').slice('agent='.length)
    const lines: Lines = [...LINES, ['"signature";key="agent"', value]]
    const outer = await signed(crawler, { lines })
    expect(proofOf(await judge(crawler, joined(outer, inner))).covered).toContain('"signature";key="agent"')
  })

  it('returns too_many_signatures for more than four [C1]', async () => {
    let message = await signed(crawler, { label: 'a' })
    for (const label of ['b', 'c', 'd', 'e']) message = joined(message, await signed(crawler, { label }))
    expect(reasonOf(await judge(crawler, message))).toBe('invalid: too_many_signatures')
  })
})

describe('verify of signature times', () => {
  it.each([
    ['just made', 0, 60, 'verified'],
    ['made by a clock 10 s ahead', 10, 60, 'verified'],
    ['made by a clock 11 s ahead', 11, 60, 'invalid: created_in_the_future'],
    ['in its last second', -60, 0, 'verified'],
    ['a second late', -60, -1, 'invalid: expired'],
    ['valid for 300 s', -5, 295, 'verified'],
    ['valid for 301 s', -5, 296, 'invalid: valid_too_long'],
    ['valid for a day', 0, 86_400, 'invalid: valid_too_long'],
    ['expired before it was made', 5, 4, 'invalid: expires_before_created'],
  ])('a signature %s (%d s to %d s from now) returns %s [C2]', async (_, created, expires, verdict) => {
    const parameters = { created: NOW + created, expires: NOW + expires }
    expect(await reason({ parameters })).toBe(verdict)
  })

  it('applies the longest validity that the site sets [C2]', async () => {
    const parameters = { expires: NOW + 61 }
    expect(await reason({ parameters }, { longest: 60 })).toBe('invalid: valid_too_long')
  })
})

describe('verify of key ownership', () => {
  it('returns key_unknown for the key of another agent [C4]', async () => {
    const other = await newCrawler()
    const findKey = keysOfPinned(
      pinned(crawler),
      pinned(other, { id: 'other', url: 'https://other.example/' }),
    )
    const message = await signed(other)
    const verdict = await judge(crawler, message, { findKey })
    expect(verdict).toEqual({ outcome: 'invalid', reason: 'key_unknown' })
  })

  it('accepts a key pinned without a URL, without a Signature-Agent [C4]', async () => {
    const findKey = keysOfPinned(pinned(crawler, { id: 'nameless', url: null }))
    const message = await signed(crawler, { lines: LINES.slice(0, 1) })
    message.headers.delete('signature-agent')
    expect(proofOf(await judge(crawler, message, { findKey }))).toMatchObject({
      agent: 'nameless',
      url: null,
    })
  })

  it('returns agent_unknown for a key pinned to a URL, without a Signature-Agent [C4]', async () => {
    const message = await signed(crawler, { lines: LINES.slice(0, 1) })
    message.headers.delete('signature-agent')
    expect(reasonOf(await judge(crawler, message))).toBe('unverified: agent_unknown')
  })
})

describe('verify of the authority', () => {
  it.each([
    ['https://site.example/', 'verified'],
    ['https://SITE.example/', 'verified'],
    ['https://site.example:443/', 'verified'],
    ['HTTPS://site.example/', 'verified'],
    ['https://site.example:8443/', 'invalid: signature_wrong'],
    ['https://site.example:80/', 'invalid: signature_wrong'],
    ['https://site.example./', 'invalid: signature_wrong'],
    ['https://evil.example/', 'invalid: signature_wrong'],
    ['https://site.example@evil.example/', 'invalid: component_unsupported'],
    ['https://site.example\\evil.example/', 'invalid: component_unsupported'],
    ['//site.example/', 'invalid: component_unsupported'],
    ['site.example', 'invalid: component_unsupported'],
  ])('a request to %s, signed for site.example, returns %s [C11]', async (url, verdict) => {
    expect(await reason({ url })).toBe(verdict)
  })

  it('reads the authority from the URL and ignores Host, X-Forwarded-Host and Forwarded [C11]', async () => {
    const headers = {
      Host: 'site.example',
      'X-Forwarded-Host': 'site.example',
      Forwarded: 'host=site.example',
    }
    expect(await reason({ url: 'https://evil.example/', headers })).toBe('invalid: signature_wrong')
  })
})

describe('verify of a site named as its own agent', () => {
  it('returns agent_unknown when the agent is the site itself [C5]', async () => {
    const lines: Lines = [['"@authority"', 'crawler.example'], AGENT_LINE]
    const findKey = keysOfPinned({ id: 'self', url: `${HOST}/keys`, keys: null })
    const headers = { 'Signature-Agent': `sig1="${HOST}/keys"` }
    const ownSite = [lines[0], ['"signature-agent";key="sig1"', `"${HOST}/keys"`]] as Lines
    const message = await signed(crawler, { url: `${HOST}/`, headers, lines: ownSite })
    expect(reasonOf(await judge(crawler, message, { findKey }))).toBe('unverified: agent_unknown')
  })
})
