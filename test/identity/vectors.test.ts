import { describe, expect, it } from 'vitest'
import { importKey, readKey, readKeys, verifies } from '../../src/identity/jwk.ts'
import { learn } from '../../src/identity/key-cache.ts'
import { type AgentIdentity, keysOf, registryOf } from '../../src/identity/keys.ts'
import { readInputs } from '../../src/identity/signature.ts'
import { readAgentUrl } from '../../src/identity/signature-agent.ts'
import { signatureBase } from '../../src/identity/signature-base.ts'
import { nothing, verify } from '../../src/identity/verify.ts'
import { checkDigest } from '../../src/protocol/http/content-digest.ts'
import { bytesOf, readDictionary } from '../../src/protocol/http/structured-fields.ts'
import { accept } from '../../src/protocol/refusal.ts'
import rfc9421 from '../vectors/rfc9421.json' with { type: 'json' }
import webBotAuth from '../vectors/web-bot-auth.json' with { type: 'json' }
import negative from '../vectors/web-bot-auth-negative.json' with { type: 'json' }
import { NO_SECRETS } from './harness.ts'

type Sent = { method: string; url: string; headers: Record<string, string | undefined>; body?: string }

function messageOf({ method, url, headers }: Sent) {
  const written = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return { method, url, headers: new Headers(written) }
}

function bodyOf({ body }: Sent) {
  return body === undefined ? null : bytesOfText(body)
}

function bytesOfText(text: string) {
  return new Uint8Array(new TextEncoder().encode(text))
}

function keyOf(jwk: object) {
  const key = readKey(jwk, NO_SECRETS)
  if (typeof key === 'string') throw new Error(key)
  return key
}

function rfcKey(name: string) {
  return keyOf(rfc9421.keys[name as keyof typeof rfc9421.keys])
}

async function holds(keyName: string, base: string, signature: Uint8Array<ArrayBuffer>) {
  const key = rfcKey(keyName)
  const imported = await importKey(key)
  return imported !== null && verifies(imported, key.algorithm, signature, base)
}

/** Reads the only signature of a request, of any tag. */
function onlySignature(sent: Sent) {
  const { headers } = messageOf(sent)
  const [entry] = readInputs(headers.get('signature-input') ?? '') ?? []
  if (!entry) throw new Error('no signature')
  const [label, input] = entry
  const bytes = bytesOf(readDictionary(headers.get('signature') ?? '')?.get(label))
  return { input, bytes: bytes ?? new Uint8Array() }
}

describe('signatures of RFC 9421 appendix B', () => {
  it.each(rfc9421.requests)('§$section: verifies the signature of the request as $valid', async (vector) => {
    const { input, bytes } = onlySignature(vector.request)
    const base = signatureBase(messageOf(vector.request), input)
    if (typeof base !== 'string') throw new Error(base.flaw)
    if ('base' in vector) expect(base).toBe(vector.base?.join('\n'))
    expect(rfcKey(vector.key).algorithm).toBe(vector.algorithm)
    expect(await holds(vector.key, base, bytes)).toBe(vector.valid)
  })

  it('§B.2: the body matches its digest', async () => {
    const sent = rfc9421.requests.find(({ section }) => section === 'B.2.3')?.request as Sent
    expect(await checkDigest(sent.headers['Content-Digest'] ?? '', bodyOf(sent))).toBe('matches')
  })

  it('§B.2.4: verifies the ECDSA signature of the response over its base', async () => {
    const { key, base, signature } = rfc9421.response
    const bytes = Uint8Array.from(atob(signature), (character) => character.charCodeAt(0))
    expect(await holds(key, base.join('\n'), bytes)).toBe(true)
  })
})

describe('readKey of published keys', () => {
  it.each([
    ['test-key-ed25519', 'poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U'],
    ['test-key-rsa-pss', 'oD0HwocPBSfpNy5W3bpJeyFGY_IQ_YpqxSjQ3Yd-CLA'],
  ])('returns the thumbprint of %s that Web Bot Auth prints', (name, keyId) => {
    expect(rfcKey(name).keyId).toBe(keyId)
  })

  it('returns the thumbprint of the EC key that RFC 9449 prints', () => {
    const x = 'l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs'
    const y = '9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA'
    expect(keyOf({ kty: 'EC', crv: 'P-256', x, y }).keyId).toBe('0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I')
  })
})

const testKeys = Object.values(rfc9421.keys).map(keyOf)
/** Vectors have expired by now: no limit on the validity. */
const ageless = { longest: Number.POSITIVE_INFINITY, refused: NO_SECRETS }

function closed(agents: readonly AgentIdentity[]) {
  const findKey = keysOf(registryOf(agents), () => ({
    read: async () => learn(null, { outcome: 'failed', why: 'closed' }, 0),
  }))
  return { ...ageless, findKey }
}

describe('verify of the Web Bot Auth draft vectors', () => {
  it.each(webBotAuth.requests)('$name: returns verified', async ({ request, now, keyid, agent }) => {
    const terms = closed([{ id: 'signer', url: agent, keys: testKeys }])
    const verdict = await verify(messageOf(request), nothing, { ...terms, now: now * 1000 })
    expect(verdict).toMatchObject({ outcome: 'verified', agent: 'signer', url: agent, keyId: keyid })
  })

  it.each(webBotAuth.requests)(
    '$name: returns key_public_secret with the production settings [C8]',
    async (vector) => {
      const terms = closed([{ id: 'signer', url: vector.agent, keys: testKeys }])
      const { refused: _, ...production } = terms
      const verdict = await verify(messageOf(vector.request), nothing, {
        ...production,
        now: vector.now * 1000,
      })
      expect(verdict).toEqual({ outcome: 'invalid', reason: 'key_public_secret' })
    },
  )

  it.each(webBotAuth.agents)('reads Signature-Agent $name as $url', ({ header, url }) => {
    const [, text = '', type] = /^sig1="([^"]*)"(?:;type=(\w+))?$/.exec(header) ?? []
    expect(readAgentUrl(text, type)).toEqual({ url })
  })

  it('reads the printed directory, which matches its printed digest', async () => {
    const { body, digest } = webBotAuth.directory
    const keys = readKeys(JSON.parse(body), NO_SECRETS)?.keys ?? []
    expect(keys.map(({ keyId }) => keyId)).toEqual(['poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U'])
    expect(await checkDigest(digest, bytesOfText(body))).toBe('matches')
  })
})

/** Our reason for each of theirs. An empty @path looks like any other wrong base. */
const OURS: Record<string, string> = {
  'target-not-covered': 'target_not_covered',
  'missing-fields': 'parameter_missing',
  expired: 'expired',
  'clock-ahead': 'created_in_the_future',
  'bad-signature': 'signature_wrong',
  'canonicalization-mismatch': 'signature_wrong',
  'content-digest-mismatch': 'digest_differs',
  'missing-component': 'component_absent',
  'signature-input-unreadable': 'signature_input_unreadable',
  'signature-value-unreadable': 'signature_unreadable',
  'signature-agent-absent': 'agent_unknown',
  'signature-agent-ambiguous-member': 'agent_ambiguous',
  'signature-agent-member-missing': 'component_absent',
  'signature-agent-not-https': 'agent_not_https',
  'signature-agent-not-origin': 'agent_unknown',
  'signature-agent-unparsable': 'agent_unreadable',
  'duplicate-component': 'component_repeated',
}

describe('verify of the negative Web Bot Auth vectors', () => {
  it.each(negative)('$id: returns $expected for a signature that $title', async (vector) => {
    const terms = closed([{ id: 'signer', url: webBotAuth.directory.url, keys: testKeys }])
    const { request, now } = vector
    const verdict = await verify(messageOf(request), async () => accept(bodyOf(request)), {
      ...terms,
      now: now * 1000,
    })
    expect(verdict).toEqual({ outcome: vector.expected, reason: OURS[vector.reason] })
  })
})
