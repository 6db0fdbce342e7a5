/** Reads `Signature-Agent`, the asserted signer, in its three dialects. Unproven until the signature is verified. */
import {
  type InnerList,
  type Item,
  isInnerList,
  readDictionary,
  readItem,
} from '../protocol/http/structured-fields.ts'
import type { Signature } from './signature.ts'
import { type Flawed, flawed } from './verdict.ts'

const FIELD = 'signature-agent'
const LARGEST_FIELD = 2048
/** The path of a directory when an agent names only its host. */
export const WELL_KNOWN = '/.well-known/http-message-signatures-directory'

/** The member types in the individual drafts of 2026. The working group's draft does not define any. */
const TYPES: ReadonlySet<unknown> = new Set(['directory', 'jwks_uri', 'cimd'])

/** Names that resolve to nothing public (RFC 6761, RFC 6762, RFC 8375, and what private networks use). */
const PRIVATE = /(?:^|\.)(?:localhost|local|internal|intranet|lan|home|corp|private|arpa|onion)$/
const HOST = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/
const MALFORMED_ESCAPE = /%(?![0-9a-fA-F]{2})/
const BARE_HOST = /^(?:[a-z0-9-]+\.)+[a-z]{2,}$/

/** The URL of an agent for registration, comparison and fetching, or why it cannot be one. */
export type AgentUrl = { url: string } | { fault: 'not_a_url' | 'not_https' | 'not_public' }

/**
 * Reads an agent's URL: of its keys, or of its host, whose keys are at the well-known path. The result
 * is normalised (RFC 3986 §6.2.2) and without query, so that equal agents are equal strings; reading it again returns it
 * unchanged. Rejects as `not_a_url` also malformed escapes and more than 2,048 characters. Rejects as `not_public`: IP
 * addresses, ports, credentials, private names, and names in punycode, which may look like another.
 */
export function readAgentUrl(text: string, type?: string): AgentUrl {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || text.length > LARGEST_FIELD) return { fault: 'not_a_url' }
  if (url.protocol !== 'https:') return { fault: 'not_https' }
  const { hostname, port, username, password } = url
  // The parser writes every IPv4 address in dotted form. Its last label is a number, which HOST rejects.
  const open = HOST.test(hostname) && !PRIVATE.test(hostname) && !/(?:^|\.)xn--/.test(hostname)
  if (!open || port || username || password) return { fault: 'not_public' }
  // Threat: an escape that is completed by unescaping its neighbour (`%2%46`) would be another URL at each reading.
  if (MALFORMED_ESCAPE.test(url.pathname)) return { fault: 'not_a_url' }
  const path = url.pathname === '/' && type !== 'jwks_uri' ? WELL_KNOWN : normalizeEscapes(url.pathname)
  const canonical = `https://${hostname}${path}`
  // Escaping makes some texts longer.
  return canonical.length > LARGEST_FIELD ? { fault: 'not_a_url' } : { url: canonical }
}

/**
 * The agent that a signature asserts; null without one, or if it could not be registered. `bare` also reads the unquoted
 * host in the x402 document's example (`Signature-Agent: mycrawler.com`), which is not a valid structured field.
 */
export function claimedAgent(headers: Headers, signature: Signature, bare = false): string | null | Flawed {
  const field = headers.get(FIELD)
  if (field === null) return null
  const covered = signature.components.filter(({ name }) => name === FIELD)
  if (covered.length === 0) return flawed('agent_not_covered')
  if (field.length > LARGEST_FIELD) return flawed('agent_unreadable')
  const keys = covered.map(({ parameters }) => parameters.get('key') ?? null)
  if (bare && BARE_HOST.test(field)) return wholeField(keys) ? urlOf(`https://${field}`) : notCovered()
  if (field.startsWith('"')) return wholeField(keys) ? memberUrl(readItem(field)) : notCovered()
  const dictionary = readDictionary(field)
  if (!dictionary) return flawed('agent_unreadable')
  const key = memberOf(keys, [...dictionary.keys()], signature.label)
  if (key === null) return flawed('agent_ambiguous')
  const member = dictionary.get(key)
  return member ? memberUrl(member) : flawed('component_absent')
}

function notCovered(): Flawed {
  return flawed('agent_not_covered')
}

function wholeField(keys: readonly unknown[]): boolean {
  return keys.includes(null)
}

/**
 * Finds the member of this signature. A signer may also cover members of others (§Multiple Signatures): its own has its
 * label, or is the only one that it covers.
 */
function memberOf(keys: readonly unknown[], members: readonly string[], label: string): string | null {
  const covered = wholeField(keys) ? members : keys.filter((key) => typeof key === 'string')
  if (covered.includes(label)) return label
  return covered.length === 1 && covered[0] !== undefined ? covered[0] : null
}

function memberUrl(member: Item | InnerList | null): string | null | Flawed {
  if (!member || isInnerList(member) || typeof member[0] !== 'string') return flawed('agent_unreadable')
  const [text, parameters] = member
  if (parameters.size === 0) return urlOf(text)
  const type = String(parameters.get('type'))
  // The draft requires ignoring members with other parameters, so nothing is asserted then.
  return parameters.size === 1 && TYPES.has(type) ? urlOf(text, type) : null
}

function urlOf(text: string, type?: string): string | null | Flawed {
  const read = readAgentUrl(text, type)
  if ('url' in read) return read.url
  if (read.fault === 'not_public') return null
  return flawed(read.fault === 'not_https' ? 'agent_not_https' : 'agent_unreadable')
}

/** Normalises escapes: upper case, and unreserved characters unescaped. */
function normalizeEscapes(path: string): string {
  return path.replace(/%[0-9a-fA-F]{2}/g, (escaped) => {
    const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
    return /[A-Za-z0-9._~-]/.test(character) ? character : escaped.toUpperCase()
  })
}
