import { describe, expect, it } from 'vitest'
import { importKey, readKey, readKeys } from '../../src/identity/jwk.ts'
import { PUBLIC_SECRETS, SMALL_ORDER } from '../../src/identity/known-secrets.ts'
import { fromHex, type Hex } from '../../src/protocol/evm/hex.ts'
import rfc9421 from '../vectors/rfc9421.json' with { type: 'json' }
import { ALGORITHMS, NO_SECRETS, newCrawler, toBase64 } from './harness.ts'

const { jwk, key, privateJwk } = await newCrawler()
const ec = await newCrawler('ecdsa-p256-sha256')
const rsa = await newCrawler('rsa-pss-sha512')

function toBase64url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

describe('readKey', () => {
  it.each(ALGORITHMS)('reads a published key of %s and drops its other members', async (algorithm) => {
    const crawler = await newCrawler(algorithm)
    const read = readKey({ ...crawler.jwk, kid: 'any', use: 'sig', key_ops: ['verify'], x5c: ['junk'] })
    expect(read).toEqual(crawler.key)
    expect(await importKey(crawler.key)).toBeInstanceOf(CryptoKey)
  })

  it('names a key by its thumbprint and ignores its kid', () => {
    expect(readKey({ ...jwk, kid: ec.key.keyId })).toMatchObject({ keyId: key.keyId })
  })

  it.each([
    [jwk, 'EdDSA'],
    [jwk, 'Ed25519'],
    [jwk, 'ed25519'],
    [ec.jwk, 'ES256'],
    [rsa.jwk, 'PS512'],
    [rsa.jwk, 'rsa-pss-sha512'],
  ])('reads a key that states its algorithm: %#', (published, alg) => {
    expect(readKey({ ...published, alg })).toMatchObject({ jwk: published })
  })

  it.each([
    [jwk, { alg: 'ES256' }],
    [ec.jwk, { alg: 'EdDSA' }],
    [rsa.jwk, { alg: 'RS256' }],
    [rsa.jwk, { alg: 'PS256' }],
    [jwk, { alg: 'HS256' }],
    [jwk, { use: 'enc' }],
    [jwk, { key_ops: ['sign'] }],
    [jwk, { key_ops: 'verify' }],
    [jwk, { alg: { toString: 1 } }],
    [jwk, { alg: ['EdDSA'] }],
    [jwk, { alg: 5 }],
  ])('rejects a key for another use: %# [C1]', (published, other) => {
    expect(readKey({ ...published, ...other })).toBe('key_of_another_use')
  })

  it('reads nbf and exp in seconds, and in milliseconds as some directories write them', () => {
    expect(readKey({ ...jwk, nbf: 1_743_465_600, exp: 1_843_465_600 })).toMatchObject({
      notBefore: 1_743_465_600,
      expires: 1_843_465_600,
    })
    expect(readKey({ ...jwk, nbf: 1_743_465_600_000 })).toMatchObject({ notBefore: 1_743_465_600 })
    expect(readKey({ ...jwk, nbf: '2025-04-01' })).toBe('not_a_key')
    expect(readKey({ ...jwk, exp: -1 })).toBe('not_a_key')
  })
})

describe('readKey of a key that proves nothing', () => {
  it.each(Object.entries(rfc9421.keys))('rejects %s of RFC 9421 as public_secret [C8]', (_, published) => {
    expect(readKey(published)).toBe('public_secret')
    expect(readKeys({ keys: [published] })).toEqual({ keys: [], faults: ['public_secret'] })
  })

  it.each([
    ['RFC 8037', { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }],
    [
      'RFC 7515',
      {
        kty: 'EC',
        crv: 'P-256',
        x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
        y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
      },
    ],
    [
      'RFC 9500',
      {
        kty: 'EC',
        crv: 'P-256',
        x: 'QiVI-I-3gv-17KN0RFLHKh5Vj71vc75eSOkyMsxFxbE',
        y: 'bEzRDEy41bihcTnpSILImSVymTQl9BQZq36QpCpJQnI',
      },
    ],
  ])('rejects the example key of %s as public_secret [C8]', (_, published) => {
    expect(readKey(published)).toBe('public_secret')
  })

  it.each([new Uint8Array(32), new Uint8Array(32).fill(0x42), new Uint8Array(32).map((_, at) => at)])(
    'rejects a key made from a guessable seed: %# [C8]',
    async (seed) => {
      const prefix = fromHex('0x302e020100300506032b657004220420')
      const pkcs8 = new Uint8Array([...prefix, ...seed])
      const guessed = await crypto.subtle.importKey('pkcs8', pkcs8, { name: 'Ed25519' }, true, ['sign'])
      const { d: _, ...published } = (await crypto.subtle.exportKey('jwk', guessed)) as JsonWebKey
      expect(readKey({ kty: published.kty, crv: published.crv, x: published.x })).toBe('public_secret')
    },
  )

  it('rejects every other spelling of a public secret [C8]', () => {
    const x = 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs'
    for (const spelling of [`${x.slice(0, -1)}t`, `${x}=`, ` ${x}`, x.replace('_', '/')]) {
      expect(readKey({ kty: 'OKP', crv: 'Ed25519', x: spelling })).toBe('not_a_key')
    }
    expect(readKey({ kty: 'OKP', crv: 'Ed25519', x })).toBe('public_secret')
  })

  it('rejects a key published with its private half [C8]', () => {
    expect(readKey(privateJwk)).toBe('private_key')
    expect(readKey(rsa.privateJwk)).toBe('private_key')
  })

  it.each([...SMALL_ORDER])('rejects the Ed25519 point of small order %s, with either sign [C8]', (hex) => {
    const point = fromHex(`0x${hex}` as Hex)
    for (const sign of [0, 0x80]) {
      const bytes = point.slice()
      bytes[31] = (bytes[31] ?? 0) | sign
      expect(readKey({ kty: 'OKP', crv: 'Ed25519', x: toBase64url(bytes) })).toBe('weak_key')
    }
  })

  it('guards against a forgery: the identity point verifies any text without a secret [C8]', async () => {
    const identity = new Uint8Array(32)
    identity[0] = 1
    const forged = new Uint8Array(64)
    forged.set(identity)
    const weak = await crypto.subtle.importKey('raw', identity, { name: 'Ed25519' }, false, ['verify'])
    const owed = new TextEncoder().encode('I owe you a million')
    expect(await crypto.subtle.verify({ name: 'Ed25519' }, weak, forged, owed)).toBe(true)
  })

  it('rejects RSA keys that are too small, too large or have an unusual exponent [C8]', () => {
    const n = (bytes: number) => toBase64url(new Uint8Array(bytes).fill(0xff))
    expect(readKey({ kty: 'RSA', n: n(128), e: 'AQAB' })).toBe('weak_key')
    expect(readKey({ kty: 'RSA', n: n(1024), e: 'AQAB' })).toBe('weak_key')
    expect(readKey({ ...rsa.jwk, e: 'AQ' })).toBe('weak_key')
    expect(readKey({ ...rsa.jwk, e: 'AAEAAQ' })).toBe('weak_key')
    expect(readKey({ kty: 'RSA', n: toBase64url(new Uint8Array(257).fill(0xff, 1)), e: 'AQAB' })).toBe(
      'not_a_key',
    )
  })

  it('compares with a list that holds thumbprints only [C8]', () => {
    for (const thumbprint of PUBLIC_SECRETS) expect(thumbprint).toMatch(/^[A-Za-z0-9_-]{43}$/)
  })
})

describe('readKey of other values', () => {
  it.each([
    [null, 'not_a_key'],
    ['key', 'not_a_key'],
    [[jwk], 'not_a_key'],
    [{}, 'unsupported_key'],
    [{ kty: 'oct', k: 'c2VjcmV0' }, 'unsupported_key'],
    [{ kty: 'OKP', crv: 'X25519', x: jwk.x }, 'unsupported_key'],
    [{ kty: 'EC', crv: 'P-384', x: jwk.x, y: jwk.x }, 'unsupported_key'],
    [{ kty: 'OKP', crv: 'Ed25519' }, 'not_a_key'],
    [{ kty: 'OKP', crv: 'Ed25519', x: 'AAAA' }, 'not_a_key'],
    [{ kty: 'EC', crv: 'P-256', x: jwk.x }, 'not_a_key'],
    [{ kty: 'RSA', e: 'AQAB' }, 'not_a_key'],
  ])('rejects %j as %s', (value, fault) => {
    expect(readKey(value)).toBe(fault)
  })

  it('reads a point off its curve, which importKey then rejects', async () => {
    const read = readKey({ ...ec.jwk, y: ec.jwk.x })
    expect(typeof read === 'string' ? read : await importKey(read)).toBeNull()
  })
})

describe('readKeys', () => {
  it('reads one bare JWK', () => {
    expect(readKeys(jwk)).toEqual({ keys: [key], faults: [] })
  })

  it('returns the valid keys and a fault for each other one', () => {
    const keys = [{ kty: 'oct', k: 'AA' }, jwk, null, { ...ec.jwk, use: 'enc' }]
    expect(readKeys({ keys })).toEqual({
      keys: [key],
      faults: ['unsupported_key', 'not_a_key', 'key_of_another_use'],
    })
  })

  it('returns at most 16 of a thousand keys [C5]', () => {
    expect(readKeys({ keys: new Array(1000).fill(jwk) })?.keys).toHaveLength(16)
  })

  it.each([null, [], [jwk], 'keys', 7, {}, { keys: {} }, { keys: 'all' }])('returns null for %j', (value) => {
    expect(readKeys(value)).toBeNull()
  })

  it('reads an empty set', () => {
    expect(readKeys({ keys: [] }, NO_SECRETS)).toEqual({ keys: [], faults: [] })
  })
})
