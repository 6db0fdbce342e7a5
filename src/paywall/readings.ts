/**
 * Every way in which servers read one path: parameters cut off, separators unescaped, slashes merged, compatibility forms folded,
 * an escaped `?` as the start of a query. A crawler pays for the dearest of them.
 */

/** One reading, in the form that rules see. */
export type Reading = { match: string; search: string }

/** A reading on its way: decoded, but for the escapes of `%`, `/`, `\`, `?` and `#`. */
type Draft = { text: string; search: string }

/** All readings, the first one as it stands; or why they cannot be decided. */
export type Readings = { ok: true; readings: readonly Reading[] } | { ok: false; detail: string }

/**
 * Readings of one path, in characters of all together. Beyond it a path is refused: a path that is not made to have many
 * readings has some twenty at most.
 */
const MAX_READ_CHARS = 16_384

const KEPT = /%(?=25|2F|5C|3F|23)/g
const ESCAPES = /(?:%[0-9A-F]{2})+/g
const DOT_SEGMENT = /\/\.{1,2}(?:\/|$)/
const DOUBLE_ESCAPE = /%25[0-9A-Fa-f]{2}/
const CONTROL = /\p{Cc}/u
/** Whether some server may read the text otherwise. Every other text has one reading. */
const VARIABLE = /[;?]|%2F|%3F|\/\/|[^ -~]/
/** Forms of UTF-8 that strict decoders refuse and lenient ones take: ASCII in two or more bytes, and halves of pairs. */
const OVERLONG = /%C[01]%[89AB]|%E0%8[01]%[89AB]|%F0%80%8[01]|%ED%[AB][0-9A-F]%[89AB]/

/** Steps that servers take, in any order. Each gives its argument back where there is nothing to do. */
const STEPS: readonly ((text: string) => string)[] = [
  cut,
  (text) => text.replaceAll('%2F', '/'),
  (text) => text.replace(/\/{2,}/g, '/'),
  fold,
]
/** Steps that only careless servers take. A path for which they matter is refused, unless all of its readings are free. */
const CARELESS: readonly ((text: string) => string)[] = [
  ...STEPS,
  (text) => text.replace(/\\|%5C/g, '/'),
  (text) => resolve(text),
  (text) => text.replace(/\p{Cc}.*$/su, ''),
  (text) => text.replace(/\p{Cc}/gu, ''),
  (text) =>
    decode(text.replaceAll('%25', '%').replace(/%u00(?=[0-9a-f]{2})/gi, '%'), 'utf-8').normalize('NFC'),
]

/** The readings of a path in normal form. Not ok for a path that is refused to crawlers. */
export function readingsOf(path: string, search: string): Readings {
  const isUtf8 = isWellFormed(path)
  if (!isUtf8 && OVERLONG.test(path)) return { ok: false, detail: 'malformed UTF-8' }
  const decodings: readonly Decoding[] = isUtf8 ? ['utf-8'] : ['utf-8', 'latin-1', 'dropped']
  return expand(decoded(path, decodings), search, STEPS, hazard)
}

/** Every reading that even a careless server has of any path; undefined if there are too many. */
export function carelessReadings(path: string, search: string): readonly Reading[] | undefined {
  const decodings: readonly Decoding[] = ['utf-8', 'latin-1', 'dropped', 'overlong']
  const result = expand(decoded(path, decodings), search, CARELESS, () => undefined)
  return result.ok ? result.readings : undefined
}

/** The reading of a path in normal form by a server that takes it as it stands. */
export function matchAsSent(path: string): string {
  return matchOf(decode(path, 'utf-8').normalize('NFC'))
}

function expand(
  first: readonly string[],
  search: string,
  steps: readonly ((text: string) => string)[],
  refuse: (text: string) => string | undefined,
): Readings {
  const drafts = new Map<string, Draft>()
  let chars = 0
  const add = (text: string, search: string) => {
    // Trap: a folded `?` in the text must not be taken for the start of the query.
    const key = `${text.length} ${text}${search}`
    if (drafts.has(key)) return
    chars += key.length
    drafts.set(key, { text, search })
  }
  for (const text of first) add(text, search)
  // A Map yields what is added while it is read.
  for (const { text, search } of drafts.values()) {
    const detail = chars > MAX_READ_CHARS ? 'too many readings' : refuse(text)
    if (detail) return { ok: false, detail }
    if (steps === STEPS && !VARIABLE.test(text)) continue
    for (const step of steps) add(step(text), search)
    const query = text.search(/\?|%3F/)
    if (query >= 0) add(text.slice(0, query), `?${text.slice(query).replace(/^(?:\?|%3F)/, '')}${search}`)
  }
  const readings = new Map<string, Reading>()
  for (const { text, search } of drafts.values()) {
    const reading = { match: matchOf(text), search }
    readings.set(`${reading.match}?${search}`, reading)
  }
  return { ok: true, readings: [...readings.values()] }
}

/** The path, decoded in each way: as it stands, and without the parameters that show before it is decoded. */
function decoded(path: string, decodings: readonly Decoding[]): string[] {
  const sent = path.includes(';') ? [path, cut(path)] : [path]
  return sent.flatMap((text) => decodings.map((decoding) => decode(text, decoding).normalize('NFC')))
}

function cut(text: string): string {
  return text.replace(/;[^/]*/g, '')
}

/** Why a reading is refused to crawlers; undefined if it is not. */
function hazard(text: string): string | undefined {
  // URL parsers take it for the name of a host.
  if (text.startsWith('//')) return 'empty first segment'
  if (DOT_SEGMENT.test(text)) return 'dot segment'
  if (/\\|%5C/.test(text)) return 'backslash'
  if (CONTROL.test(text)) return 'control character'
  if (DOUBLE_ESCAPE.test(text)) return 'escaped escape'
  // The folded form of a slash separates in no URL that people write.
  return separators(fold(text)) === separators(text) ? undefined : 'foreign separator'
}

function separators(text: string): number {
  return text.split(/[/\\]/).length
}

/** Unicode compatibility forms as the characters that they stand for: `％` for `%`, `ｐ` for `p`. */
function fold(text: string): string {
  const folded = text.normalize('NFKC')
  return folded === text ? text : folded.replace(/%(?!25|2F|5C|3F|23)/g, '%25')
}

function resolve(text: string): string {
  if (!DOT_SEGMENT.test(text)) return text
  const kept: string[] = []
  for (const segment of text.slice(1).split('/')) {
    if (segment === '..') kept.pop()
    else if (segment !== '.') kept.push(segment)
  }
  return `/${kept.join('/')}`
}

/** The form that rules see: lower case, without the slash at the end; `?`, `#` and `%` escaped. */
function matchOf(text: string): string {
  const escaped = text.replace(/[?#]/g, encodeURIComponent)
  // Trap: lower-casing can undo NFC.
  return escaped
    .normalize('NFC')
    .toLowerCase()
    .normalize('NFC')
    .replace(/([^/])\/$/, '$1')
}

function isWellFormed(path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch (cause) {
    if (cause instanceof URIError) return false
    throw cause
  }
}

/** How bytes that are not UTF-8 are read: one by one; with all others above ASCII one by one; not at all; by lenient rules. */
type Decoding = 'utf-8' | 'latin-1' | 'dropped' | 'overlong'

/** Decodes all escapes but those of `%`, `/`, `\`, `?` and `#`, which it writes in upper case. */
function decode(path: string, decoding: Decoding): string {
  const escaped = path.replace(/%[0-9a-f]{2}/gi, (digits) => digits.toUpperCase())
  return escaped.replace(KEPT, '%25').replace(ESCAPES, (run) => decodeBytes(run, decoding))
}

function decodeBytes(run: string, decoding: Decoding): string {
  const bytes = run
    .split('%')
    .slice(1)
    .map((digits) => Number.parseInt(digits, 16))
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] ?? 0
    const length = byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
    const char = byte < 0x80 ? String.fromCharCode(byte) : decodeChar(bytes.slice(at, at + length), decoding)
    text += char ?? strayByte(byte, decoding)
    at += char === undefined ? 1 : length
  }
  return text
}

/** One character above ASCII in UTF-8 (RFC 3629 §4). A lenient decoder looks at its shape alone, and reads `%C0%AF` as `/`. */
function decodeChar([first = 0, ...rest]: readonly number[], decoding: Decoding): string | undefined {
  const isWhole = rest.length === (first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3)
  if (decoding === 'latin-1' || first < 0xc0 || first > 0xf7 || !isWhole) return undefined
  if (rest.some((byte) => byte >> 6 !== 2)) return undefined
  const code = rest.reduce((sum, byte) => (sum << 6) | (byte & 0x3f), first & (0x3f >> rest.length))
  const isValid = code >= (LEAST[rest.length] ?? 0) && (code < 0xd800 || code > 0xdfff)
  if (code > 0x10ffff || !(isValid || decoding === 'overlong')) return undefined
  const char = String.fromCodePoint(code)
  return code < 0x80 ? char.replace(/[%/\\?#]/, encodeURIComponent) : char
}

/** The least character that is written with so many bytes after the first. */
const LEAST = [0, 0x80, 0x800, 0x10000]

/** Windows-1252 has characters where Latin-1 has controls, and browsers read Latin-1 so (WHATWG Encoding §9). */
const WINDOWS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ'

function strayByte(byte: number, decoding: Decoding): string {
  if (decoding === 'dropped') return ''
  return WINDOWS_1252[byte - 0x80] ?? String.fromCharCode(byte)
}
