/** The shape of a kind of alert: a pure function from facts to conditions. */

import type { AlertCondition } from '../alert.ts'
import type { AlertFacts } from '../facts.ts'

/** A kind of alert. `name` is its stable code on the wire. */
export type AlertKind = {
  name: string
  /** All that holds now, or null if the facts could not be read: then the alerts of this kind stay as they are. */
  find(facts: AlertFacts): AlertCondition[] | null
}

/** The operator's API, as alerts link to it. */
export const API = '/_tab402/api'

/** The longest figure. A fault in it may be long. */
const MAX_FIGURE_CHARS = 300

/** Text of one line that fits into a figure. */
export function figureOf(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length <= MAX_FIGURE_CHARS ? line : `${line.slice(0, MAX_FIGURE_CHARS - 1)}…`
}

/** A time span for people: `40 s`, `17 min`, `26 h`. */
export function ageText(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  if (seconds < 120) return `${seconds} s`
  return seconds < 7200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`
}
