/** One reading of a request's path: rules match it, payments are bound to it and the origin is asked for it. */
import { accept, type Result, refuse } from '../protocol/refusal.ts'

/** A request's path and query in the one reading that all of the Worker uses. */
export type CanonicalPath = {
  /**
   * Sent to the origin and bound into payments: RFC 3986 §6.2.2 normal form (escapes in upper case,
   * unreserved characters decoded, all else outside `pchar` escaped). Starts with `/`; case and trailing slash are kept.
   */
  path: string
  /**
   * Matched by rules: decoded, NFC, lower case, no trailing slash. Two resources of one origin may share it, so it must
   * never stand for a resource in a payment's fingerprint.
   */
  match: string
  /** The query with its `?`, or the empty string. Rules do not see it. */
  search: string
}

/** The longest path with its query that is read, in characters: as sent, and in normal form, since escapes make it longer. */
const MAX_PATH_CHARS = 8192

/** The authority is read by the runtime; only what follows it is judged here. */
const AUTHORITY = /^https?:\/\/[^/\\?#]*/i
/** Paths that are their own normal form: whole segments of `pchar` without `%` and `;`, none of them `.` or `..`. */
const PLAIN = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9\-._~!$&'()*+,=:@]+)*\/?$/
/** A `%` that starts no escape. Trap: `%2%46` would become `%2F` once `%46` is decoded, after the checks. */
const MALFORMED = /%(?![0-9A-Fa-f]{2})/
/** An escape, or a run of characters that have to be escaped. */
const PIECE = /%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~!$&'()*+,=:@/%]+/g
const UNRESERVED = /^[A-Za-z0-9\-._~]$/
/** Servers disagree whether an escaped separator separates, and `;` starts parameters that some of them cut off. */
const SEPARATOR = /[\\;]|%(?:2f|5c|3b)/i
const DOT_SEGMENT = /\/\.{1,2}(?:\/|$)/
const CONTROL = /\p{Cc}/u
/** Characters that WHATWG URL leaves as they are in the query of an http URL. */
const PLAIN_SEARCH = /^\?[!$-&(-;=?-~]+$/

/**
 * Reads the path and query of `request.url` (or a path of its own, "/a?b"). Refuses every
 * path that two servers could read differently as `ambiguous_path`: dot segments, empty segments, backslashes, `;`, escaped separators, escapes of
 * escapes, control characters, malformed escapes and invalid UTF-8. Idempotent: the result read again is the result.
 */
export function canonicalize(url: URL | string): Result<CanonicalPath> {
  const target = typeof url === 'string' ? url.replace(AUTHORITY, '') : url.pathname + url.search
  if (target.length > MAX_PATH_CHARS) return tooLong(target.length)
  if (CONTROL.test(target)) return ambiguous('control character')
  const hash = target.indexOf('#')
  const sent = hash < 0 ? target : target.slice(0, hash)
  const query = sent.indexOf('?')
  const raw = (query < 0 ? sent : sent.slice(0, query)) || '/'
  const search = query < 0 ? '' : normalizeSearch(sent.slice(query))
  if (!raw.startsWith('/')) return ambiguous('no path')
  if (PLAIN.test(raw) && raw.length + search.length <= MAX_PATH_CHARS)
    return accept({ path: raw, match: strip(raw.toLowerCase()), search })
  const read = normalizePath(raw, search)
  if (!read.ok) return read
  const length = read.value.path.length + search.length
  return length > MAX_PATH_CHARS ? tooLong(length) : read
}

const sitesSeen = new Map<string, string | null>()
const MAX_SITES = 256

/**
 * Scheme and host of `request.url` as WHATWG URL has them, parsed once for each host. Null if the
 * `Host` header is invalid: Cloudflare's edge rejects such requests, a bare runtime does not.
 */
export function siteOrigin(url: string): string | null {
  const [authority = ''] = AUTHORITY.exec(url) ?? []
  const known = sitesSeen.get(authority)
  if (known !== undefined) return known
  const site = URL.parse(url)?.origin ?? null
  if (sitesSeen.size >= MAX_SITES) sitesSeen.clear()
  sitesSeen.set(authority, site)
  return site
}

/**
 * The URL to fetch from the origin. Built from parts, since resolving a path against a base lets `//evil` choose the host.
 * @throws when the parts did not come from {@link canonicalize}.
 */
export function originUrl(origin: URL, { path, search }: CanonicalPath): URL {
  const url = new URL(origin)
  url.pathname = path
  url.search = search
  url.hash = ''
  if (url.origin !== origin.origin || url.pathname !== path || url.search !== search) {
    throw new Error('a path sent to the origin must be canonical')
  }
  return url
}

function normalizePath(raw: string, search: string): Result<CanonicalPath> {
  if (MALFORMED.test(raw)) return ambiguous('malformed escape')
  if (SEPARATOR.test(raw)) return ambiguous('escaped or foreign separator')
  if (raw.includes('//')) return ambiguous('empty segment')
  if (!raw.isWellFormed()) return ambiguous('lone surrogate')
  const path = raw.replace(PIECE, normalizePiece)
  if (DOT_SEGMENT.test(path)) return ambiguous('dot segment')
  const decoded = decode(path)
  if (decoded === undefined) return ambiguous('invalid UTF-8')
  if (/%[0-9A-Fa-f]{2}/.test(decoded)) return ambiguous('escaped escape')
  if (CONTROL.test(decoded)) return ambiguous('escaped control character')
  // Trap: `?`, `#` and `%` stay escaped, else "/a%3Fb" and "/a?b" would be one path to the rules.
  const visible = decoded.replace(/[%?#]/g, encodeURIComponent)
  // Trap: lower-casing can undo NFC, and NFC turns U+037E into ";".
  const match = strip(visible.normalize('NFC').toLowerCase().normalize('NFC'))
  return match.includes(';') ? ambiguous('foreign separator') : accept({ path, match, search })
}

function normalizePiece(piece: string): string {
  if (!piece.startsWith('%')) return encodeURIComponent(piece)
  const char = String.fromCharCode(Number.parseInt(piece.slice(1), 16))
  return UNRESERVED.test(char) ? char : piece.toUpperCase()
}

function normalizeSearch(search: string): string {
  if (PLAIN_SEARCH.test(search)) return search
  const url = new URL('http://query.invalid/')
  url.search = search
  return url.search
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch (cause) {
    if (cause instanceof URIError) return undefined
    throw cause
  }
}

function strip(match: string): string {
  return match.length > 1 && match.endsWith('/') ? match.slice(0, -1) : match
}

function tooLong(length: number): Result<CanonicalPath> {
  return refuse('url_too_long', { detail: `${length} characters` })
}

function ambiguous(detail: string): Result<CanonicalPath> {
  return refuse('ambiguous_path', { detail })
}
