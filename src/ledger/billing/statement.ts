/** Builds statements from journal entries: line items and the Merkle root. Pure. */
import { MerkleRoot, merklePath } from '../../protocol/encoding/merkle.ts'
import { entryIn, leafOf, type StatedEntry, type StatementForm } from '../../protocol/statement.ts'
import { InvariantFault } from '../totals.ts'
import type { EntryProof, Statement, StatementLine } from './types.ts'

/**
 * Builds the statement of one period. Add its entries in order and without gaps. Stores the line items only.
 */
export class StatementBuilder {
  readonly #lines = new Map<string, StatementLine>()
  readonly #tree = new MerkleRoot()
  readonly #first: number
  readonly #form: StatementForm
  #last: number
  #total = 0n

  /** @param first the sequence number that the first entry must have */
  constructor(first: number, form: StatementForm) {
    this.#first = first
    this.#form = form
    this.#last = first - 1
  }

  /**
   * Adds the next entry.
   * @throws InvariantFault for one out of order, or for a charge without a site and rule
   */
  add(entry: StatedEntry): void {
    if (entry.seq !== this.#last + 1) {
      throw new InvariantFault('entries must be consecutive')
    }
    this.#last = entry.seq
    this.#tree.add(leafOf(entryIn(this.#form, entry)))
    if (entry.kind !== 'charge' && entry.kind !== 'release' && entry.kind !== 'lower') return
    const line = this.#lineOf(entry)
    const amount = entry.kind === 'charge' ? entry.amount : -entry.amount
    if (entry.kind === 'charge') line.charges++
    // A lowered charge is still a page.
    if (entry.kind === 'release') line.releases++
    line.amount += amount
    this.#total += amount
  }

  /** Returns the finished statement's totals, its line items sorted by their names. */
  end(): Pick<Statement, 'form' | 'first' | 'last' | 'lines' | 'total' | 'root'> {
    const lines = [...this.#lines.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line)
    const root = this.#tree.root()
    return { form: this.#form, first: this.#first, last: this.#last, lines, total: this.#total, root }
  }

  #lineOf({ at, site, rule, policy = null, who = null }: StatedEntry): StatementLine {
    if (site === null || rule === null)
      throw new InvariantFault('a charge or release must have a site and a rule')
    const day = new Date(at).toISOString().slice(0, 10)
    const sold = this.#form === 1 ? { site, rule } : { site, rule, policy, who }
    const key = JSON.stringify([day, ...Object.values(sold)])
    const line = this.#lines.get(key) ?? { ...sold, day, charges: 0, releases: 0, amount: 0n }
    this.#lines.set(key, line)
    return line
  }
}

/**
 * Returns the proof that `entry` is one of `leaves`, the leaves of the statement that begins with entry
 * `first`.
 */
export function prove(
  { period, first }: Pick<Statement, 'period' | 'first'>,
  leaves: readonly Uint8Array[],
  entry: StatedEntry,
): EntryProof {
  const index = entry.seq - first
  return { period: period.id, entry, index, size: leaves.length, path: merklePath(leaves, index) }
}
