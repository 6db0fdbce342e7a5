/** Texts with `*`: whether one covers all of another, and whether two may cover the same text. */
import { glob } from '../paywall/pattern.ts'

/** Whether `outer` covers all that `inner` covers. True is certain, false is not. */
export function contains(outer: string, inner: string): boolean {
  return glob(outer)(inner)
}

/** Whether one text may be covered by both. False is certain, true is not: only beginnings and ends are compared. */
export function mayMeet(one: string, other: string): boolean {
  if (!one.includes('*')) return glob(other)(one)
  if (!other.includes('*')) return glob(one)(other)
  const [start, otherStart] = [one.slice(0, one.indexOf('*')), other.slice(0, other.indexOf('*'))]
  const [end, otherEnd] = [one.slice(one.lastIndexOf('*') + 1), other.slice(other.lastIndexOf('*') + 1)]
  return (
    (start.startsWith(otherStart) || otherStart.startsWith(start)) &&
    (end.endsWith(otherEnd) || otherEnd.endsWith(end))
  )
}
