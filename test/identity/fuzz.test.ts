import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readKeys } from '../../src/identity/jwk.ts'
import type { Message } from '../../src/identity/signature-base.ts'
import { nothing, verify } from '../../src/identity/verify.ts'
import { foreignJson } from '../foreign.ts'
import { runs } from '../runs.ts'
import {
  AGENT_LINE,
  ALGORITHMS,
  HOST,
  judge,
  keysOfPinned,
  type Lines,
  NOW,
  newCrawler,
  pinned,
  proofOf,
  signed,
} from './harness.ts'

const crawler = await newCrawler()
const TEXT = '{"hello": "world"}'
const DIGEST = 'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:'
const URL = 'https://site.example/articles/1?page=2&lang=en'

/** Every component that a signature can cover. */
const LINES: Lines = [
  ['"@method"', 'POST'],
  ['"@target-uri"', URL],
  ['"@authority"', 'site.example'],
  ['"@path"', '/articles/1'],
  ['"@query"', '?page=2&lang=en'],
  ['"@query-param";name="page"', '2'],
  ['"content-digest"', DIGEST],
  ['"payment-signature"', 'eyJ4NDAyVmVyc2lvbiI6Mn0='],
  AGENT_LINE,
]

function signedWhole(signer = crawler): Promise<Message> {
  const headers = { 'Content-Digest': DIGEST, 'Payment-Signature': 'eyJ4NDAyVmVyc2lvbiI6Mn0=' }
  return signed(signer, { method: 'POST', url: URL, headers, lines: LINES, parameters: { nonce: 'n-1' } })
}

const body = new Uint8Array(new TextEncoder().encode(TEXT))

/** Replaces, inserts or removes one character. */
const edit = fc.record({
  place: fc.nat(),
  character: fc.oneof(fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 1 }), fc.constant('')),
  insert: fc.boolean(),
})

function edited(
  text: string,
  { place, character, insert }: { place: number; character: string; insert: boolean },
) {
  const at = place % text.length
  return text.slice(0, at) + character + text.slice(insert ? at : at + 1)
}

/** Returns null for values that `Headers` rejects. */
function withHeader({ method, url, headers }: Message, name: string, value: string): Message | null {
  const all = new Headers(headers)
  if (/[\0\r\n]/.test(value)) return null
  all.set(name, value)
  return { method, url, headers: all }
}

describe('verify of a changed request', () => {
  it.each(ALGORITHMS)('accepts an edited request only if no signed part changed: %s', async (algorithm) => {
    const signer = await newCrawler(algorithm)
    const message = await signedWhole(signer)
    const before = proofOf(await judge(signer, message, { body }))
    const part = fc.constantFrom(
      'url',
      'method',
      'signature-input',
      'signature',
      'signature-agent',
      'payment-signature',
      'content-digest',
    )
    await fc.assert(
      fc.asyncProperty(part, edit, async (name, change) => {
        const changed =
          name === 'url' || name === 'method'
            ? { ...message, [name]: edited(message[name], change) }
            : withHeader(message, name, edited(message.headers.get(name) ?? '', change))
        if (!changed) return
        const verdict = await judge(signer, changed, { body })
        if (verdict.outcome !== 'verified') return
        expect(verdict).toEqual({ ...before, label: verdict.label })
      }),
      { numRuns: runs(algorithm === 'ed25519' ? 300 : 50) },
    )
  })

  it('returns invalid when any bit of the signature is flipped', async () => {
    const message = await signedWhole()
    const field = message.headers.get('signature') ?? ''
    const bytes = Uint8Array.from(atob(field.slice('sig1=:'.length, -1)), (character) =>
      character.charCodeAt(0),
    )
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = bytes.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
      const changed = withHeader(message, 'signature', `sig1=:${btoa(String.fromCharCode(...flipped))}:`)
      if (!changed) throw new Error('no header')
      expect((await judge(crawler, changed, { body })).outcome).toBe('invalid')
    }
  })

  it.each(ALGORITHMS)('returns invalid when the signature has another length: %s', async (algorithm) => {
    const signer = await newCrawler(algorithm)
    const message = await signedWhole(signer)
    const field = message.headers.get('signature') ?? ''
    const bytes = Uint8Array.from(atob(field.slice('sig1=:'.length, -1)), (character) =>
      character.charCodeAt(0),
    )
    for (const length of [0, 1, bytes.length - 1, bytes.length + 1, 2 * bytes.length]) {
      const other = Array.from({ length }, (_, at) => bytes[at] ?? 0)
      const changed = withHeader(message, 'signature', `sig1=:${btoa(String.fromCharCode(...other))}:`)
      if (!changed) throw new Error('no header')
      expect((await judge(signer, changed, { body })).outcome).toBe('invalid')
    }
  })

  it('returns digest_differs when any byte of the body is changed [C12]', async () => {
    const message = await signedWhole()
    for (let at = 0; at < body.length; at++) {
      const swapped = body.map((byte, place) => (place === at ? byte ^ 1 : byte))
      const verdict = await judge(crawler, message, { body: swapped })
      expect(verdict).toEqual({ outcome: 'invalid', reason: 'digest_differs' })
    }
  })
})

/** Pieces of the three fields, in any order: closer to valid input than random text. */
const piece = fc.oneof(
  fc.constantFrom(
    'sig1',
    '=',
    '(',
    ')',
    '"',
    ':',
    ';',
    ',',
    ' ',
    '?1',
    '@',
    '%"',
    '\\',
    '-',
    '1e9',
    '=:AA==:',
  ),
  fc.constantFrom('"@authority"', '"@method"', '"signature-agent"', ';key="sig1"', '"@query-param";name="%"'),
  fc.constantFrom(';created=', `${NOW}`, ';expires=', ';keyid=', `"${crawler.key.keyId}"`, ';alg="ed25519"'),
  fc.constantFrom(
    ';tag="web-bot-auth"',
    ';nonce=',
    `"${HOST}"`,
    '__proto__',
    'constructor',
    '999999999999999.9',
  ),
  fc.string({ unit: 'binary-ascii', maxLength: 4 }),
)
const field = fc.array(piece, { maxLength: 24 }).map((pieces) => pieces.join('').replace(/[\0\r\n]/g, ' '))

describe('identity under fuzzed input', () => {
  it('returns a verdict for any signature fields and never throws', async () => {
    const terms = { findKey: keysOfPinned(pinned(crawler)), now: NOW * 1000, bareAgents: true }
    const urls = fc.oneof(fc.constant('https://site.example/'), fc.webUrl(), fc.string())
    await fc.assert(
      fc.asyncProperty(field, field, field, urls, fc.boolean(), async (input, value, agent, url, whole) => {
        const start = `sig1=("@authority" "signature-agent")`
        const headers = new Headers({
          'Signature-Input': whole
            ? `${start};tag="web-bot-auth";created=${NOW};expires=${NOW}${input}`
            : input,
          Signature: whole ? 'sig1=:AAAA:' : value,
          'Signature-Agent': agent,
          'Content-Digest': value,
        })
        const verdict = await verify({ method: 'GET', url, headers }, nothing, terms)
        expect(verdict.outcome).not.toBe('verified')
      }),
      { numRuns: runs(300) },
    )
  })

  /** This crawler's key with up to two members replaced. */
  const nearKey = fc
    .dictionary(
      fc.constantFrom('kty', 'crv', 'x', 'y', 'd', 'alg', 'use', 'key_ops', 'nbf', 'exp'),
      foreignJson(['keys', 'kty', 'x'], ['EC', 'EdDSA', 'sig', ['verify'], 1e300, -1]),
      { minKeys: 1, maxKeys: 2 },
    )
    .map((changes) => ({ ...crawler.jwk, ...changes }))

  it('reads at most 16 keys from any JSON and never throws [C5]', () => {
    const bodies = fc.oneof(
      foreignJson(['keys', 'kty', 'crv', 'x', 'alg'], Object.values(crawler.jwk)),
      fc.record({ keys: fc.array(nearKey) }),
      nearKey,
    )
    fc.assert(
      fc.property(bodies, (value) => {
        expect(readKeys(value)?.keys.length ?? 0).toBeLessThanOrEqual(16)
      }),
      { numRuns: runs(300) },
    )
  })

  it('keeps the good keys of a directory whatever stands beside them', () => {
    fc.assert(
      fc.property(fc.array(nearKey, { maxLength: 5 }), (others) => {
        const read = readKeys({ keys: [...others, crawler.jwk] })
        expect(read?.keys.map(({ keyId }) => keyId)).toContain(crawler.key.keyId)
      }),
      { numRuns: runs(300) },
    )
  })
})
