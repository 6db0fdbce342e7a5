/** An answer of docs/faults.md taken away, and the test that must then fail. */

/** One change: in `file`, the text `from`, which stands there once, becomes `to`. */
export type Change = { file: string; from: string; to: string }

/**
 * One answer taken away. `row`: of docs/faults.md. `test`: a file of that row, as the table names it. `title`: a part of
 * the one title that must fail; without it, any test of that file that cites the row.
 */
export type Removal = Change & { row: string; test: string; title?: string }

/** The text after a change. Throws if `from` must be updated, since the source has moved on. */
export function changed(text: string, { file, from, to }: Change): string {
  const [before, after, ...more] = text.split(from)
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`${file} must contain this once: ${from}`)
  }
  return before + to + after
}

/** Matches the titles that cite a row, or that one which holds `title`. */
export function titlesOf({ row, title }: Removal): RegExp {
  if (title) return new RegExp(title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(String.raw`\[(?:[A-I]\d+, )*${row}[,\]]`)
}
