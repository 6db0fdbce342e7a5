/**
 * The clock of the Worker in the lab. Trap: it must be the first import of the bundle, because modules may keep `Date.now` when
 * they load. The Worker and its objects share one isolate, so one offset moves them all.
 */
import { shiftDate } from '../shifted-date.ts'

let offsetMs = 0
let isSet = false

shiftDate((realNow) => realNow() + offsetMs)

/** How far the Worker’s clock is ahead of the real one. */
export function clockOffset(): number {
  return offsetMs
}

/** Whether the clock was set since the isolate has started. */
export function isClockSet(): boolean {
  return isSet
}

/** Sets how far the Worker’s clock is ahead of the real one, in milliseconds. */
export function setClock(ms: number): void {
  offsetMs = ms
  isSet = true
}
