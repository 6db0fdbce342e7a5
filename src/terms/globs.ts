/** Texts with `*`: whether one covers all of another, and whether two may cover the same text. */
import { glob, type Pattern } from '../paywall/pattern.ts'

/** A text in which each `*` stands for any text, compiled: documents compare all of theirs in pairs. */
export type Glob = { text: string; covers: Pattern; start: string; end: string; isExact: boolean }

/** Compiles a text. */
export function globOf(text: string): Glob {
  const [start = ''] = text.split('*', 1)
  return {
    text,
    covers: glob(text),
    start,
    end: text.slice(text.lastIndexOf('*') + 1),
    isExact: start === text,
  }
}

/** Whether `outer` covers all that `inner` covers. True is certain, false is not. */
export function coversAll(outer: Glob, inner: Glob): boolean {
  return outer.covers(inner.text)
}

/** Whether one text may be covered by both. False is certain, true is not: only beginnings and ends are compared. */
export function mayMeet(one: Glob, other: Glob): boolean {
  if (one.isExact) return other.covers(one.text)
  if (other.isExact) return one.covers(other.text)
  return (
    (one.start.startsWith(other.start) || other.start.startsWith(one.start)) &&
    (one.end.endsWith(other.end) || other.end.endsWith(one.end))
  )
}
