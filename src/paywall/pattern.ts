/** Path patterns of rules: literal text and `*`. */
import { canonicalize } from './path.ts'
import type { Span } from './rule-index.ts'

/** Whether a pattern covers a path in its `match` form. */
export type Pattern = (match: string) => boolean

/** Compiles a pattern for {@link covers}. Returns undefined for one that {@link readPattern} refuses. */
export function compilePattern(pattern: string): Pattern | undefined {
  const read = readPattern(pattern)
  return read === undefined ? undefined : (match) => covers(read, match)
}

/**
 * Whether a pattern, as {@link readPattern} returns it, covers a path: `*` stands for any text, slashes and nothing included,
 * and a last "/*" covers the folder itself too.
 */
export function covers(pattern: string, match: string): boolean {
  return (
    coversText(pattern, match) || (pattern.endsWith('/*') && coversText(pattern, match, pattern.length - 2))
  )
}

/**
 * As {@link covers}, for a rule that lets pass: a pattern for file names such as "/*.css" covers no file below a folder that
 * is named like a file.
 *
 * Threat: servers run the script "/article.php" for "/article.php/x.css" and ignore the rest.
 */
export function coversFree(pattern: string, match: string): boolean {
  if (!covers(pattern, match)) return false
  const { head, ...ends } = spanIn(pattern)
  return !namesFiles({ head, ...ends }) || !match.slice(head.length).split('/').slice(0, -1).some(isLikeFile)
}

/** Whether a pattern is one for file names in any folder below its literal head: "/*.css", "/assets/*.min.js". */
export function namesFiles({ tail, isExact }: Span): boolean {
  return !isExact && /^[^/]*\.[^/]+$/.test(tail)
}

function isLikeFile(segment: string): boolean {
  return /\.[a-z][a-z0-9]*$/.test(segment)
}

/** The literal ends of what a pattern covers; undefined for an invalid pattern. */
export function spanOf(pattern: string): Span | undefined {
  const match = readPattern(pattern)
  return match === undefined ? undefined : spanIn(match)
}

function spanIn(match: string): Span {
  const star = match.indexOf('*')
  if (star < 0) return { head: match, tail: match, isExact: true }
  const head = match.slice(0, star)
  const isFolder = star === match.length - 1 && head.endsWith('/')
  const tail = match.slice(match.lastIndexOf('*') + 1)
  return { head: isFolder ? head.slice(0, -1) : head, tail, isExact: false }
}

/**
 * Compiles a pattern whose `*` stays within one segment: "/sitemap*.xml" covers "/sitemap-1.xml", not "/sitemap/1.xml". A
 * segment `**` stands for any folders or none. It is read and refused as {@link compilePattern} does.
 *
 * Threat: some servers run the script "/article.php" for "/article.php/sitemap.xml". So `**` covers no folder that is named like a file.
 */
export function compileSegments(pattern: string): Pattern | undefined {
  const match = readPattern(pattern)
  if (match === undefined) return undefined
  const parts = match
    .slice(1)
    .split('/')
    .map((part) => (part === '**' ? null : glob(part)))
  const tail = match.slice(Math.max(match.lastIndexOf('*'), match.lastIndexOf('/')) + 1)
  return (path) => path.endsWith(tail) && coversAll(parts, path.slice(1).split('/'))
}

/** Matches segments against their patterns; null stands for any folders. Only the last null is ever tried again. */
function coversAll(parts: readonly (Pattern | null)[], segments: readonly string[]): boolean {
  let [part, segment, retryPart, retrySegment] = [0, 0, -1, -1]
  while (segment < segments.length) {
    const covers = parts[part]
    if (covers === null) [retryPart, retrySegment, part] = [part + 1, segment, part + 1]
    else if (covers?.(segments[segment] ?? '')) [part, segment] = [part + 1, segment + 1]
    else if (retryPart >= 0 && !isLikeFile(segments[retrySegment] ?? ''))
      [part, segment, retrySegment] = [retryPart, retrySegment + 1, retrySegment + 1]
    else return false
  }
  return part === parts.length
}

/**
 * Reads a pattern as paths are read, so that case, escapes and a trailing slash make no difference. Returns undefined for an
 * invalid one: one that does not start with "/", has a query, or is ambiguous.
 */
export function readPattern(pattern: string): string | undefined {
  if (!pattern.startsWith('/') || /[?#]/.test(pattern)) return undefined
  const path = canonicalize(pattern)
  return path.ok ? path.value.match : undefined
}

/** Compiles literal text, in which a `*` stands for any other. */
export function glob(pattern: string): Pattern {
  return (match) => coversText(pattern, match)
}

const STAR = 42

/**
 * Whether the first `end` characters of a pattern cover a text. Works on the pattern as it stands: a deployment has
 * 100,000 of them. Not a RegExp: several `.*` would backtrack in the power of their number on a long path. This is linear in
 * each part.
 */
function coversText(pattern: string, text: string, end = pattern.length): boolean {
  let head = 0
  while (head < end && pattern.charCodeAt(head) !== STAR) {
    if (text.charCodeAt(head) !== pattern.charCodeAt(head)) return false
    head++
  }
  if (head === end) return text.length === end
  const lastStar = pattern.lastIndexOf('*', end - 1)
  const tail = end - lastStar - 1
  const limit = text.length - tail
  if (limit < head) return false
  for (let at = 1; at <= tail; at++)
    if (text.charCodeAt(text.length - at) !== pattern.charCodeAt(end - at)) return false
  let found = head
  for (let star = head; star < lastStar; ) {
    const next = pattern.indexOf('*', star + 1)
    const part = pattern.slice(star + 1, next)
    const at = text.indexOf(part, found)
    if (at < 0 || at + part.length > limit) return false
    found = at + part.length
    star = next
  }
  return true
}
