/** Mutants: changes of the source that a run must notice. */

import type { Size } from './story.ts'

/**
 * One change: in `file`, the text `from` becomes `to`. `by`: the invariant that fails; null with the reason in `why`. `among`: the
 * payers who must be there to see it.
 */
export type Mutant = {
  id: string
  file: string
  from: string
  to: string
  by: string | null
  why?: string
  among?: Partial<Size>
}

/** Reads the mutant that the environment names as JSON; null without one. */
export function readMutant(text: string | undefined): Mutant | null {
  return text ? (JSON.parse(text) as Mutant) : null
}
