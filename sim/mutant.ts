/** Mutants: changes of the source that a run must notice. */
import type { Size } from './story.ts'

/** One change of the source: in `file`, the text `from`, which stands there once, becomes `to`. */
export type Change = { file: string; from: string; to: string }

/** A change that a run must notice. `by`: the invariant that fails; null with the reason in `why`. `among`: the payers who must be there to see it. */
export type Mutant = Change & {
  id: string
  by: string | null
  why?: string
  among?: Partial<Size>
}

/** The text after a change. @throws unless `from` stands there once: the source has moved on */
export function changed(text: string, { file, from, to }: Change): string {
  const [before, after, ...more] = text.split(from)
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`${file} must contain this once: ${from}`)
  return before + to + after
}

/** Reads the mutant that the environment names as JSON; null without one. */
export function readMutant(text: string | undefined): Mutant | null {
  return text ? (JSON.parse(text) as Mutant) : null
}
