/** Crawlers with keys of every algorithm. Signatures are built line by line, without the code under test. */

import { type Algorithm, readKey, type VerificationKey } from '../../src/identity/jwk.ts'
import { type AgentIdentity, type FindKey, keysOf, registryOf } from '../../src/identity/keys.ts'
import type { Message } from '../../src/identity/signature-base.ts'
import { type Proof, type Verification, type VerifyOptions, verify } from '../../src/identity/verify.ts'
import { accept } from '../../src/protocol/refusal.ts'

/** A moment, in Unix seconds. */
export const NOW = 1_800_000_000
export const HOST = 'https://crawler.example'
export const DIRECTORY = `${HOST}/.well-known/http-message-signatures-directory`
export const NO_SECRETS: ReadonlySet<string> = new Set()

const PARAMETERS: Record<Algorithm, object> = {
  ed25519: { name: 'Ed25519' },
  'ecdsa-p256-sha256': { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  'rsa-pss-sha512': {
    name: 'RSA-PSS',
    hash: 'SHA-512',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
    saltLength: 64,
  },
}
export const ALGORITHMS = Object.keys(PARAMETERS) as Algorithm[]

export type Crawler = {
  key: VerificationKey
  /** The key as its owner would publish it. */
  jwk: JsonWebKey
  privateJwk: JsonWebKey
  sign(base: string): Promise<Uint8Array<ArrayBuffer>>
}

export async function newCrawler(algorithm: Algorithm = 'ed25519'): Promise<Crawler> {
  const parameters = PARAMETERS[algorithm] as SubtleCryptoGenerateKeyAlgorithm & SubtleCryptoSignAlgorithm
  const pair = (await crypto.subtle.generateKey(parameters, true, ['sign', 'verify'])) as CryptoKeyPair
  const { kty, crv, x, y, n, e } = (await crypto.subtle.exportKey('jwk', pair.publicKey)) as JsonWebKey
  const jwk = JSON.parse(JSON.stringify({ kty, crv, x, y, n, e })) as JsonWebKey
  const key = readKey(jwk)
  if (typeof key === 'string') throw new Error(key)
  const privateJwk = (await crypto.subtle.exportKey('jwk', pair.privateKey)) as JsonWebKey
  const sign = async (base: string) =>
    new Uint8Array(await crypto.subtle.sign(parameters, pair.privateKey, new TextEncoder().encode(base)))
  return { key, jwk, privateJwk, sign }
}

/** The signed lines: each covered component's identifier, and its value as the crawler sees it. */
export type Lines = readonly (readonly [id: string, value: string])[]

export type Wish = {
  method?: string
  url?: string
  headers?: Record<string, string>
  lines?: Lines
  label?: string
  /** Parameters in their order; undefined leaves one out. */
  parameters?: Record<string, string | number | undefined>
  /** Returns the text to sign in place of the request's own. */
  forge?: (base: string) => string
}

export const AGENT_LINE = ['"signature-agent";key="sig1"', `"${HOST}"`] as const
export const LINES: Lines = [['"@authority"', 'site.example'], AGENT_LINE]

/** The parameters of a good signature. */
export function parametersOf({ key }: Crawler): Record<string, string | number> {
  return { created: NOW, expires: NOW + 60, keyid: key.keyId, alg: key.algorithm, tag: 'web-bot-auth' }
}

export function serialize(lines: Lines, parameters: Wish['parameters'] = {}): string {
  const written = Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `;${name}=${typeof value === 'number' ? value : `"${value}"`}`)
  return `(${lines.map(([id]) => id).join(' ')})${written.join('')}`
}

/** A request to https://site.example/ signed by a crawler, changed as a test wishes. */
export async function signed(crawler: Crawler, wish: Wish = {}): Promise<Message> {
  const { method = 'GET', url = 'https://site.example/', lines = LINES, label = 'sig1' } = wish
  const input = serialize(lines, { ...parametersOf(crawler), ...wish.parameters })
  const base = `${lines.map(([id, value]) => `${id}: ${value}\n`).join('')}"@signature-params": ${input}`
  const signature = await crawler.sign(wish.forge ? wish.forge(base) : base)
  const headers = new Headers({ 'Signature-Agent': `sig1="${HOST}"`, ...wish.headers })
  headers.set('Signature-Input', `${label}=${input}`)
  headers.set('Signature', `${label}=:${toBase64(signature)}:`)
  return { method, url, headers }
}

export function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}

export function pinned(crawler: Crawler, rest: Partial<AgentIdentity> = {}): AgentIdentity {
  return { id: 'crawler', url: DIRECTORY, keys: [crawler.key], ...rest }
}

/** Finds keys of pinned agents, and throws if a directory is read. */
export function keysOfPinned(...agents: AgentIdentity[]): FindKey {
  return keysOf(registryOf(agents), () => {
    throw new Error('a directory was asked')
  })
}

/** Verifies a request at {@link NOW}, on a site where this crawler's key is pinned. */
export function judge(
  crawler: Crawler,
  message: Message,
  { body = null, ...terms }: Partial<VerifyOptions> & { body?: Uint8Array<ArrayBuffer> | null } = {},
): Promise<Verification> {
  return verify(message, async () => accept(body), {
    findKey: keysOfPinned(pinned(crawler)),
    now: NOW * 1000,
    ...terms,
  })
}

export function reasonOf(verdict: Verification): string {
  if (verdict.outcome === 'unread') return verdict.outcome
  return verdict.outcome === 'verified' ? 'verified' : `${verdict.outcome}: ${verdict.reason}`
}

export function proofOf(verdict: Verification): Proof {
  if (verdict.outcome !== 'verified') throw new Error(reasonOf(verdict))
  return verdict
}

/** The same request with its signature fields rewritten. */
export function rewritten(
  { method, url, headers }: Message,
  change: (input: string, signature: string) => string[],
) {
  const [input = '', signature = ''] = change(
    headers.get('signature-input') ?? '',
    headers.get('signature') ?? '',
  )
  const all = new Headers(headers)
  all.set('signature-input', input)
  all.set('signature', signature)
  return { method, url, headers: all }
}
