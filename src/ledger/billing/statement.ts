/** What a period comes to: entries of a journal, folded into a statement's lines and its root. Pure. */
import { MerkleRoot, merklePath } from '../../protocol/encoding/merkle.ts'
import { leafOf, type StatedEntry } from '../../protocol/statement.ts'
import { InvariantFault } from '../totals.ts'
import type { EntryProof, Statement, StatementLine } from './types.ts'

/** Folds the entries of one period, in order and without gaps. Holds the lines, never the entries. */
export class Closing {
  readonly #lines = new Map<string, StatementLine>()
  readonly #tree = new MerkleRoot()
  readonly #first: number
  #last: number
  #total = 0n

  /** @param first the sequence number that the first entry must have */
  constructor(first: number) {
    this.#first = first
    this.#last = first - 1
  }

  /** @throws InvariantFault for an entry out of order, or a charge of no site */
  add(entry: StatedEntry): void {
    if (entry.seq !== this.#last + 1) {
      throw new InvariantFault(`entry ${entry.seq} cannot follow entry ${this.#last}`)
    }
    this.#last = entry.seq
    this.#tree.add(leafOf(entry))
    if (entry.kind !== 'charge' && entry.kind !== 'release') return
    const line = this.#lineOf(entry)
    const amount = entry.kind === 'charge' ? entry.amount : -entry.amount
    if (entry.kind === 'charge') line.charges++
    else line.releases++
    line.amount += amount
    this.#total += amount
  }

  end(): Pick<Statement, 'first' | 'last' | 'lines' | 'total' | 'root'> {
    const lines = [...this.#lines.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line)
    const root = this.#tree.root()
    return { first: this.#first, last: this.#last, lines, total: this.#total, root }
  }

  #lineOf({ seq, at, site, rule }: StatedEntry): StatementLine {
    if (site === null || rule === null) throw new InvariantFault(`entry ${seq} names no site or no rule`)
    const day = new Date(at).toISOString().slice(0, 10)
    const key = JSON.stringify([day, site, rule])
    const line = this.#lines.get(key) ?? { site, rule, day, charges: 0, releases: 0, amount: 0n }
    this.#lines.set(key, line)
    return line
  }
}

/** Proves that `entry` is one of `leaves`, the leaves of the statement that begins with entry `first`. */
export function prove(
  { period, first }: Pick<Statement, 'period' | 'first'>,
  leaves: readonly Uint8Array[],
  entry: StatedEntry,
): EntryProof {
  const index = entry.seq - first
  return { period: period.id, entry, index, size: leaves.length, path: merklePath(leaves, index) }
}
