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
 * Compiles a pattern whose `*` stays within one segment: "/sitemap*.xml" covers "/sitemap-1.xml", not "/sitemap/1.xml". It
 * is read and refused as {@link compilePattern} does.
 */
export function compileSegments(pattern: string): Pattern | undefined {
  const match = readPattern(pattern)
  if (match === undefined) return undefined
  const [covers, slashes] = [glob(match), slashesIn(match)]
  // Every slash of the pattern takes one of the path: with equal numbers, none lies under a `*`.
  return (path) => covers(path) && slashesIn(path) === slashes
}

function readPattern(pattern: string): string | undefined {
  if (!pattern.startsWith('/') || /[?#]/.test(pattern)) return undefined
  const path = canonicalize(pattern)
  return path.ok ? path.value.match : undefined
}

function slashesIn(path: string): number {
  return path.split('/').length
}

/** Not a RegExp: several `.*` would backtrack in the power of their number on a long path. This is linear in each part. */
function glob(pattern: string): Pattern {
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
