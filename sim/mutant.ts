/** Mutants: changes of the source that a run must notice. */

/** One change: in `file`, the text `from` becomes `to`. `by`: the invariant that must fail; null with the reason in `why`. */
export type Mutant = { id: string; file: string; from: string; to: string; by: string | null; why?: string }

/** Reads the mutant that the environment names as JSON; null without one. */
export function readMutant(text: string | undefined): Mutant | null {
  return text ? (JSON.parse(text) as Mutant) : null
}
