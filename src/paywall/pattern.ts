/** Path patterns of rules: literal text and `*`. */
import { canonicalize } from './path.ts'

/** Whether a pattern covers a path in its `match` form. */
export type Pattern = (match: string) => boolean

/**
 * Compiles "/articles/*": `*` stands for any text, slashes and nothing included, and a last "/*" covers the folder itself
 * too. The literal text is read as paths are, so case, escapes and a trailing slash make no difference. Returns
 * undefined for an invalid pattern: one that does not start with "/", has a query, or is ambiguous.
 */
export function compilePattern(pattern: string): Pattern | undefined {
  if (!pattern.startsWith('/') || /[?#]/.test(pattern)) return undefined
  const path = canonicalize(pattern)
  if (!path.ok) return undefined
  const { match } = path.value
  const inside = glob(match)
  if (!match.endsWith('/*')) return inside
  const folder = glob(match.slice(0, -2) || '/')
  return (path) => inside(path) || folder(path)
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
