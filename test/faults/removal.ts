/** An answer of docs/faults.md taken away, and the test that must then fail. */
import type { Change } from '../../sim/mutant.ts'

/**
 * One answer taken away. `row`: of docs/faults.md. `test`: a file of that row, as the table names it. `title`: a part of
 * the one title that must fail; without it, any test of that file that cites the row.
 */
export type Removal = Change & { row: string; test: string; title?: string }

/** Matches the titles that cite a row, or that one which holds `title`. */
export function titlesOf({ row, title }: Removal): RegExp {
  if (title) return new RegExp(title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(String.raw`\[(?:[A-I]\d+, )*${row}[,\]]`)
}
