/** One request of an access log, and the reasons for which a line holds none. Pure. */

/** A request as its log line states it. Absent facts are null, never a guess. */
export type LogRecord = {
  /** Unix milliseconds. */
  time: number | null
  method: string
  /** In lower case, without a port. */
  host: string | null
  /** As sent: escapes stay. */
  path: string
  /** Without its `?`; empty where there is none. */
  query: string
  status: number
  bytes: number | null
  /** Used while a line is judged, and never stored or printed. */
  ip: string | null
  /** Null: the client sent none. */
  ua: string | null
  /** Cloudflare's category of a verified bot. */
  category?: string
  /** Cloudflare's bot score, 1 to 99. */
  score?: number
  /** ISO 3166 in upper case, or `T1` for Tor. */
  country?: string
}

/** Each reason to skip a line, as the report words it. */
export const SKIPPED = {
  blank: 'blank lines',
  comment: 'comments and headings',
  malformed: 'lines that are not of the format',
  no_request_line: 'lines without an HTTP request',
  no_user_agent: 'lines without a column for the User-Agent',
  incomplete: 'lines without method, path or status',
  not_a_request: 'events that are not requests',
  subrequest: 'subrequests of a Worker, whose request has its own line',
  duplicate: 'further lines of one request',
  too_long: 'lines over 10 MB',
} as const

/** The word for a reason to skip a line. */
export type SkipReason = keyof typeof SKIPPED

/** A line that was read: its request, or why it holds none. */
export type LogEntry = LogRecord | SkipReason

/** The facts of a line as its format names them. `target` may be a path, a path with a query or a URL. */
export type LogFacts = {
  time?: unknown
  method?: unknown
  host?: unknown
  target?: unknown
  query?: unknown
  status?: unknown
  bytes?: unknown
  ip?: unknown
  /** `undefined`: the log lacks this column. Empty, `-` or null: the client sent none. */
  ua?: unknown
  category?: unknown
  score?: unknown
  country?: unknown
}

/** Reads the facts of a line as a record. Numbers may be texts; `-` and the empty text are absent. */
export function recordOf(facts: LogFacts): LogEntry {
  const method = columnText(facts.method)
  const target = columnText(facts.target)
  const status = columnNumber(facts.status)
  if (method === null || target === null || status === null || status < 100) return 'incomplete'
  if (facts.ua === undefined) return 'no_user_agent'
  const { host, path, query } = splitTarget(target)
  const category = columnText(facts.category)
  const score = columnNumber(facts.score)
  const country = columnText(facts.country)?.toUpperCase() ?? 'XX'
  return {
    time: timeOf(facts.time),
    method: method.toUpperCase(),
    host: hostOf(columnText(facts.host) ?? host),
    path,
    query: query || (columnText(facts.query)?.replace(/^\?/, '') ?? ''),
    status,
    bytes: columnNumber(facts.bytes),
    ip: columnText(facts.ip),
    ua: columnText(facts.ua),
    ...(category !== null && { category }),
    ...(score !== null && { score }),
    // XX: an address without a country.
    ...(/^(?!XX)[A-Z][A-Z1]$/.test(country) && { country }),
  }
}

/** Text of a column; null for an absent one. */
export function columnText(value: unknown): string | null {
  const text = typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
  return text === '' || text === '-' ? null : text
}

/** A whole number of a column, which may be text; null for any other value. */
export function columnNumber(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  return typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : null
}

/** Unix times below are seconds, then milliseconds, microseconds and nanoseconds: each is read so until the year 5000. */
const UNITS = [
  [1e11, 1000],
  [1e14, 1],
  [1e17, 1e-3],
  [1e20, 1e-6],
] as const

const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec'
const CLF = /^(\d\d)\/([A-Z][a-z][a-z])\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d):?(\d\d)$/
/** RFC 3339, also with a blank for `T`, without a zone (read as UTC), or with a zone without a colon. */
const ISO = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:[.,]\d+)?) ?(Z|UTC|[+-]\d\d:?\d\d)?$/i

/**
 * A time as Unix milliseconds: RFC 3339, the date of an access log, or Unix time in s, ms, µs or ns, also with a fraction.
 * Nanoseconds exceed 2⁵³; the double next to them is right to a microsecond. Null for anything else.
 */
export function timeOf(value: unknown): number | null {
  const text = columnText(value)?.trim()
  if (text === undefined) return null
  if (/^\d+(?:\.\d+)?(?:e\+?\d+)?$/i.test(text)) {
    const unix = Number(text)
    const [, factor] = UNITS.find(([below]) => unix < below) ?? []
    return factor === undefined ? null : Math.floor(unix * factor)
  }
  const clf = CLF.exec(text)
  if (clf) return clfTime(clf)
  const [, day, time = '', zone = 'Z'] = ISO.exec(text) ?? []
  if (day === undefined) return null
  const offset = /^(?:Z|UTC)$/i.test(zone) ? 'Z' : zone.replace(/^(.\d\d):?/, '$1:')
  const read = Date.parse(`${day}T${time.replace(',', '.')}${offset}`)
  return Number.isNaN(read) ? null : read
}

function clfTime(match: RegExpExecArray): number | null {
  const [, day, month = '', year, hours, minutes, seconds, sign, zoneHours, zoneMinutes] = match
  const index = MONTHS.indexOf(month)
  if (index < 0 || index % 3 !== 0) return null
  const local = Date.UTC(
    Number(year),
    index / 3,
    Number(day),
    Number(hours),
    Number(minutes),
    Number(seconds),
  )
  const offset = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000
  return sign === '-' ? local + offset : local - offset
}

/** The parts of a request target: a path with its query, or a whole URL as proxies get it. */
function splitTarget(target: string): { host: string | null; path: string; query: string } {
  const [whole = '', host = null] = /^https?:\/\/([^/?#]*)/i.exec(target) ?? []
  const rest = target.slice(whole.length)
  const hash = rest.indexOf('#')
  const sent = hash < 0 ? rest : rest.slice(0, hash)
  const at = sent.indexOf('?')
  const path = (at < 0 ? sent : sent.slice(0, at)) || '/'
  return { host, path, query: at < 0 ? '' : sent.slice(at + 1) }
}

function hostOf(text: string | null): string | null {
  return text === null ? null : text.replace(/^.*@/, '').replace(/:\d+$/, '').toLowerCase()
}
