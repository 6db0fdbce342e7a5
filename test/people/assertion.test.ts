/** The assertion of a passkey, against the library that others verify them with. */
import { verifyAuthenticationResponse } from '@simplewebauthn/server'
import { cose, isoCBOR } from '@simplewebauthn/server/helpers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Assertion, challengeIn, importPasskey, verifyAssertion } from '../../src/people/assertion.ts'
import { decodeBase64url, encodeBase64url } from '../../src/protocol/encoding/base64url.ts'
import { honest, KINDS, newAuthenticator, type Said } from './authenticator.ts'

const ORIGIN = 'https://console.example.com'
const CHALLENGE = encodeBase64url(crypto.getRandomValues(new Uint8Array(32)))

type Authenticator = Awaited<ReturnType<typeof newAuthenticator>>

const bytesOf = (text = '') => decodeBase64url(text) ?? new Uint8Array()

/** The public key as a registration holds it (RFC 9052 §7). */
function coseOf({ kty, x, y, n, e }: JsonWebKey): Uint8Array<ArrayBuffer> {
  const { kty: KTY, alg, crv, x: X, y: Y, n: N, e: E } = cose.COSEKEYS
  const parts: [number, number | Uint8Array][] =
    kty === 'EC'
      ? [
          [KTY, 2],
          [alg, -7],
          [crv, 1],
          [X, bytesOf(x)],
          [Y, bytesOf(y)],
        ]
      : kty === 'OKP'
        ? [
            [KTY, 1],
            [alg, -8],
            [crv, 6],
            [X, bytesOf(x)],
          ]
        : [
            [KTY, 3],
            [alg, -257],
            [N, bytesOf(n)],
            [E, bytesOf(e)],
          ]
  return isoCBOR.encode(new Map(parts))
}

/** Whether the library takes the assertion. */
async function library({ id, ...response }: Assertion, { key }: Authenticator, counter: number) {
  try {
    const { verified } = await verifyAuthenticationResponse({
      response: { id, rawId: id, response, type: 'public-key', clientExtensionResults: {} },
      expectedChallenge: CHALLENGE,
      expectedOrigin: ORIGIN,
      expectedRPID: new URL(ORIGIN).hostname,
      credential: { id, publicKey: coseOf(key), counter },
      requireUserVerification: true,
    })
    return verified
  } catch {
    return false
  }
}

const ours = async (assertion: Assertion, { key }: Authenticator, counter: number) =>
  verifyAssertion(assertion, { key, counter, origin: ORIGIN }, CHALLENGE)

describe('the assertion of a passkey', () => {
  it.each(Object.keys(KINDS) as (keyof typeof KINDS)[])(
    'is taken with a key of %s, by us as by the library',
    async (kind) => {
      const authenticator = await newAuthenticator(kind)
      const assertion = await authenticator.assert(honest(ORIGIN, CHALLENGE, 7))
      expect(await ours(assertion, authenticator, 6)).toEqual({ ok: true, counter: 7 })
      expect(await library(assertion, authenticator, 6)).toBe(true)
      expect(challengeIn(assertion)).toBe(CHALLENGE)
    },
  )

  it.each([
    ['another challenge', { challenge: encodeBase64url(new Uint8Array(32)) }, 'challenge'],
    ['another origin', { origin: 'https://console.example.com.evil.example' }, 'origin'],
    ['another port', { origin: `${ORIGIN}:8443` }, 'origin'],
    ['another relying party', { rpId: 'example.com' }, 'origin'],
    ['a frame of another site', { crossOrigin: true }, 'origin'],
    ['a registration', { type: 'webauthn.create' }, 'malformed'],
    ['no user present', { flags: 0x04 }, 'user'],
    ['no user verified', { flags: 0x01 }, 'user'],
    ['a backup that was never possible', { flags: 0x15 }, 'malformed'],
    ['a counter that stands still', { counter: 6 }, 'counter'],
    ['a counter that fell to zero', { counter: 0 }, 'counter'],
  ] as [string, Partial<Said>, string][])('is refused for %s', async (_, change, reason) => {
    const authenticator = await newAuthenticator()
    const assertion = await authenticator.assert({ ...honest(ORIGIN, CHALLENGE, 7), ...change })
    expect(await ours(assertion, authenticator, 6)).toEqual({ ok: false, reason })
  })

  it('is refused with the key of another authenticator', async () => {
    const [authenticator, other] = [await newAuthenticator(), await newAuthenticator()]
    const assertion = await other.assert(honest(ORIGIN, CHALLENGE))
    expect(await ours(assertion, authenticator, 0)).toEqual({ ok: false, reason: 'signature' })
  })

  it('is taken by us only where the library takes it, whatever bytes are changed', async () => {
    const authenticator = await newAuthenticator()
    const assertion = await authenticator.assert(honest(ORIGIN, CHALLENGE, 7))
    const member = fc.constantFrom('clientDataJSON', 'authenticatorData', 'signature')
    const change = fc.record({ member, at: fc.nat(200), byte: fc.nat(255), isCut: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(change, async ({ member, at, byte, isCut }) => {
        const name = member as 'signature'
        const bytes = bytesOf(assertion[name])
        const place = at % bytes.length
        const changed = isCut ? bytes.slice(0, place) : bytes.with(place, byte)
        const forged = { ...assertion, [name]: encodeBase64url(changed) }
        const { ok } = await ours(forged, authenticator, 6)
        if (ok) expect(await library(forged, authenticator, 6)).toBe(true)
        expect(ok).toBe(forged[name] === assertion[name])
      }),
      { numRuns: 150 },
    )
  })

  it('is refused where its signature has a second encoding', async () => {
    const authenticator = await newAuthenticator()
    const assertion = await authenticator.assert(honest(ORIGIN, CHALLENGE))
    const [, length = 0, ...rest] = bytesOf(assertion.signature)
    for (const bytes of [
      [0x30, 0x81, length, ...rest],
      [0x30, length, ...rest, 0],
      [0x30, length + 1, 0x02, (rest[1] ?? 0) + 1, 0, ...rest.slice(2)],
    ]) {
      const signature = encodeBase64url(new Uint8Array(bytes))
      expect(await ours({ ...assertion, signature }, authenticator, 0)).toMatchObject({ ok: false })
    }
  })

  it('is refused where its members are not what they must be', async () => {
    const authenticator = await newAuthenticator()
    const assertion = await authenticator.assert(honest(ORIGIN, CHALLENGE))
    for (const text of [
      '',
      '!',
      'AA',
      encodeBase64url(new Uint8Array(5_000)),
      encodeBase64url(new Uint8Array([0xff])),
    ])
      for (const name of ['clientDataJSON', 'authenticatorData', 'signature'])
        expect(await ours({ ...assertion, [name]: text }, authenticator, 0)).toMatchObject({ ok: false })
    expect(challengeIn({ clientDataJSON: 'AA' })).toBeUndefined()
  })
})

describe('the public key of a passkey', () => {
  it('is taken of P-256, Ed25519 and RSA of 2,048 bits, and of no other kind', async () => {
    for (const kind of Object.keys(KINDS) as (keyof typeof KINDS)[])
      expect(await importPasskey((await newAuthenticator(kind)).key)).not.toBeNull()
    const weak = { ...KINDS.RS256, modulusLength: 1024 }
    const p384 = { name: 'ECDSA', namedCurve: 'P-384' }
    for (const algorithm of [weak, p384]) {
      const pair = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair
      expect(
        await importPasskey((await crypto.subtle.exportKey('jwk', pair.publicKey)) as JsonWebKey),
      ).toBeNull()
    }
    const faulty: JsonWebKey[] = [
      { kty: 'oct', k: 'AAAA' },
      { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' },
    ]
    for (const key of faulty) expect(await importPasskey(key)).toBeNull()
  })
})
