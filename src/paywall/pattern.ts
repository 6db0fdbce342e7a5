/** Path patterns of rules: literal text and `*`. */
import { canonicalize } from './path.ts'
import type { Span } from './rules.ts'

/** Whether a pattern covers a path in its `match` form. */
export type Pattern = (match: string) => boolean

/**
 * Compiles "/articles/*": `*` stands for any text, slashes and nothing included, and a last "/*" covers the folder itself
 * too. The literal text is read as paths are, so case, escapes and a trailing slash make no difference. Returns
 * undefined for an invalid pattern: one that does not start with "/", has a query, or is ambiguous.
 */
export function compilePattern(pattern: string): Pattern | undefined {
  const match = readPattern(pattern)
  if (match === undefined) return undefined
  const inside = glob(match)
  if (!match.endsWith('/*')) return inside
  const folder = glob(match.slice(0, -2) || '/')
  return (path) => inside(path) || folder(path)
}

/**
 * Compiles a pattern for a rule that lets pass. As {@link compilePattern}, but a pattern for file names such as "/*.css"
 * covers no file below a folder that is named like a file.
 *
 * Threat: servers run the script "/article.php" for "/article.php/x.css" and ignore the rest.
 */
export function compileFree(pattern: string): Pattern | undefined {
  const [covers, span] = [compilePattern(pattern), spanOf(pattern)]
  if (!covers || !span || !namesFiles(span)) return covers
  return (match) => covers(match) && !match.slice(span.head.length).split('/').slice(0, -1).some(isLikeFile)
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
  if (match === undefined) return undefined
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

function readPattern(pattern: string): string | undefined {
  if (!pattern.startsWith('/') || /[?#]/.test(pattern)) return undefined
  const path = canonicalize(pattern)
  return path.ok ? path.value.match : undefined
}

/**
 * Compiles literal text, in which a `*` stands for any other. Not a RegExp: several `.*` would backtrack in the power of their
 * number on a long path. This is linear in each part.
 */
export function glob(pattern: string): Pattern {
  const [head = '', ...rest] = pattern.split('*')
  const tail = rest.pop()
  if (tail === undefined) return (match) => match === head
  return (match) => {
    const end = match.length - tail.length
    if (end < head.length || !match.startsWith(head) || !match.endsWith(tail)) return false
    let at = head.length
    for (const part of rest) {
      const found = match.indexOf(part, at)
      if (found < 0 || found + part.length > end) return false
      at = found + part.length
    }
    return true
  }
}
