/** One reading of a request's path: rules match it, payments are bound to it and the origin is asked for it. */
import { accept, type Result, refuse } from '../protocol/refusal.ts'
import { carelessReadings, matchAsSent, type Reading, readingsOf } from './readings.ts'

/** A request's path and query in one form, and every way in which servers read them. */
export type CanonicalPath = Reading & {
  /**
   * RFC 3986 §6.2.2 normal form (escapes in upper case, unreserved characters decoded, all else outside `pchar` escaped). Starts
   * with `/`; case and trailing slash are kept.
   */
  path: string
  /**
   * Matched by rules: decoded as UTF-8 or else as Latin-1, NFC, lower case, no trailing slash. Two resources of one origin may
   * share it, so it must never stand for a resource in a payment's fingerprint.
   */
  match: string
  /** The query with its `?`, or the empty string. */
  search: string
  /** The other readings that servers have of the path; absent where all agree. The dearest counts. */
  readings?: readonly Reading[]
}

/** A path and query as a client sent them, in the spelling of the URL standard. The origin receives them and payments are bound to them. */
export type Target = Pick<CanonicalPath, 'path' | 'search'>

/**
 * `strict`: all readings of a path count. `literal`: the origin takes every byte as it stands, so that only the one as sent
 * counts.
 */
export type PathStyle = 'strict' | 'literal'

/** The longest path with its query that is read, in characters: as sent, and in normal form, since escapes make it longer. */
const MAX_PATH_CHARS = 8192

/** The authority is read by the runtime; only what follows it is judged here. */
const AUTHORITY = /^https?:\/\/[^/\\?#]*/i
/** Paths that are their own normal form: whole segments of `pchar` without `%` and `;`, none of them `.` or `..`. */
const PLAIN = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9\-._~!$&'()*+,=:@]+)*\/?$/
/** A `%` that starts no escape. Trap: `%2%46` would become `%2F` once `%46` is decoded, after the checks. */
const MALFORMED = /%(?![0-9A-Fa-f]{2})/
/** An escape, or a run of characters that have to be escaped. */
const PIECE = /%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]+/g
const UNRESERVED = /^[A-Za-z0-9\-._~]$/
const DOT_SEGMENT = /\/\.{1,2}(?:\/|$)/
const CONTROL = /\p{Cc}/u
/** Characters that WHATWG URL leaves as they are in the query of an http URL. */
const PLAIN_SEARCH = /^\?[!$-&(-;=?-~]+$/

/**
 * Reads the path and query of `request.url` (or a path of its own, "/a?b"). Refuses as `ambiguous_path` a path whose readings
 * cannot be decided: with dot segments, a leading empty segment, backslashes, escapes of escapes, control characters,
 * malformed escapes or overlong UTF-8 in any of them. Idempotent: the result read again is the result.
 */
export function canonicalize(url: URL | string, style: PathStyle = 'strict'): Result<CanonicalPath> {
  const target = targetIn(url)
  if (target.length > MAX_PATH_CHARS) return tooLong(target.length)
  if (CONTROL.test(target)) return ambiguous('control character')
  const { raw, query } = split(target)
  const search = normalizeSearch(query)
  if (!raw.startsWith('/')) return ambiguous('no path')
  if (PLAIN.test(raw) && raw.length + search.length <= MAX_PATH_CHARS)
    return accept({ path: raw, match: strip(raw.toLowerCase()), search })
  const read = normalizePath(raw, search, style)
  if (!read.ok) return read
  const length = read.value.path.length + search.length
  return length > MAX_PATH_CHARS ? tooLong(length) : read
}

/**
 * Every reading of a path that {@link canonicalize} refuses, those of careless servers among them; undefined if they are too
 * many or too long to be listed.
 */
export function everyReading(url: string): readonly Reading[] | undefined {
  const target = targetIn(url)
  const { raw, query } = split(target)
  return target.length > MAX_PATH_CHARS || !raw.startsWith('/') ? undefined : carelessReadings(raw, query)
}

/** The path and query of `request.url` as sent, in the spelling of the URL standard; null if the path must be refused to everybody: it does not begin with a slash. */
export function targetOf(url: string): Target | null {
  const target = targetIn(url)
  const { raw, query } = split(target)
  if (PLAIN.test(raw) && (query === '' || PLAIN_SEARCH.test(query))) return { path: raw, search: query }
  const parsed = raw.startsWith('/') ? URL.parse(`http://target.invalid${raw}${query}`) : null
  return parsed && { path: parsed.pathname, search: parsed.search }
}

function targetIn(url: URL | string): string {
  return typeof url === 'string' ? url.replace(AUTHORITY, '') : url.pathname + url.search
}

function split(target: string): { raw: string; query: string } {
  const hash = target.indexOf('#')
  const sent = hash < 0 ? target : target.slice(0, hash)
  const at = sent.indexOf('?')
  return at < 0 ? { raw: sent || '/', query: '' } : { raw: sent.slice(0, at) || '/', query: sent.slice(at) }
}

const sitesSeen = new Map<string, string | null>()
/** As many hosts as an isolate keeps (`MAX_HOSTS_KEPT` in src/sites/memory.ts), and the operator's. Beyond it all are parsed again. */
const MAX_SITES = 1_024

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
 * @throws when the parts did not come from {@link canonicalize} or {@link targetOf}.
 */
export function originUrl(origin: URL, { path, search }: Target): URL {
  const url = new URL(origin)
  url.pathname = path
  url.search = search
  url.hash = ''
  if (url.origin !== origin.origin || url.pathname !== path || url.search !== search) {
    throw new Error('a path sent to the origin must be canonical')
  }
  return url
}

function normalizePath(raw: string, search: string, style: PathStyle): Result<CanonicalPath> {
  if (!raw.isWellFormed()) return ambiguous('lone surrogate')
  const isLiteral = style === 'literal'
  if (!isLiteral && MALFORMED.test(raw)) return ambiguous('malformed escape')
  const path = raw.replace(PIECE, normalizePiece)
  // Trap: URL parsers change these two before the origin sees them.
  if (DOT_SEGMENT.test(path)) return ambiguous('dot segment')
  if (isLiteral) {
    if (raw.includes('\\')) return ambiguous('backslash')
    const match = matchAsSent(path)
    return CONTROL.test(match) ? ambiguous('escaped control character') : accept({ path, match, search })
  }
  const read = readingsOf(path, search)
  if (!read.ok) return ambiguous(read.detail)
  const [main = { match: path, search }, ...readings] = read.readings
  return accept({ path, ...main, ...(readings.length > 0 && { readings }) })
}

function normalizePiece(piece: string): string {
  if (!piece.startsWith('%')) return encodeURIComponent(piece)
  const char = String.fromCharCode(Number.parseInt(piece.slice(1), 16))
  return UNRESERVED.test(char) ? char : piece.toUpperCase()
}

function normalizeSearch(search: string): string {
  if (search === '' || PLAIN_SEARCH.test(search)) return search
  const url = new URL('http://query.invalid/')
  url.search = search
  return url.search
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
