/** Where rules stand in their list, found by the ends of a path and by the client. */

/** The literal text at both ends of a pattern; `isExact` where there is no `*` between them. */
export type Span = { head: string; tail: string; isExact: boolean }

/**
 * Bounds within which a rule may cover a request, by which rules are found without being tried. Outside of them it covers
 * nothing; an absent bound excludes nothing.
 */
export type Scope = {
  /** Keys of a client; each client that the rule covers has one of them. */
  askers?: readonly string[] | undefined
  span?: Span | undefined
}

/** Longer ends of patterns are cut, so that a decision takes few look-ups whatever the patterns are. */
const MAX_HEAD_CHARS = 48
const MAX_TAIL_CHARS = 16
/** The key of all clients: that of rules without such a bound. */
const ANYONE = ''
const NO_SPAN: Span = { head: '', tail: '', isExact: false }

/** A row of the table: a key, and where its positions start and end. Its end is 0 where the row is empty. */
const ROW = 3

/**
 * An index of rules. A rule's key is a hash of the lengths and the text of its pattern's ends, and of one of its clients. Rules
 * with equal hashes share a row, so each position that is found must still be tried.
 *
 * Trade-off: three arrays of numbers in the place of maps. A decision reads a few of their lines; a thousand sites in turn
 * would wait for memory if it followed a reference for each rule.
 */
export class RuleIndex {
  /** The lengths that ends of patterns have, each pair once: {@link shapeOf}. */
  readonly #shapes: Int32Array
  readonly #table: Int32Array
  /** The positions of each key in turn, ascending. */
  readonly #positions: Int32Array

  constructor(scopes: readonly Scope[]) {
    const shapes = new Set<number>()
    const places = new Map<number, number[]>()
    for (const [at, { span = NO_SPAN, askers = [ANYONE] }] of scopes.entries()) {
      const shape = shapeOf(span)
      shapes.add(shape)
      hashHeads(span.head)
      hashTails(span.tail)
      for (const key of new Set(askers.map((asker) => keyOf(shape, hashOf(asker))))) {
        const known = places.get(key)
        if (known) known.push(at)
        else places.set(key, [at])
      }
    }
    this.#shapes = Int32Array.from(shapes)
    this.#positions = Int32Array.from([...places.values()].flat())
    this.#table = tableOf(places)
  }

  /**
   * The first position, among those at which a request with this path and one of these keys of a client may be covered, for which
   * `covers` holds with `asked`; `undefined` without one.
   */
  first<Asked>(
    path: string,
    askers: readonly string[],
    covers: (at: number, asked: Asked) => boolean,
    asked: Asked,
  ): number | undefined {
    hashHeads(path)
    hashTails(path)
    const clients = askers.map(hashOf)
    let best: number | undefined
    for (const shape of this.#shapes) {
      if (!fits(shape, path)) continue
      best = this.#firstBelow(best, keyOf(shape, hashOf(ANYONE)), covers, asked)
      for (const client of clients) best = this.#firstBelow(best, keyOf(shape, client), covers, asked)
    }
    return best
  }

  #firstBelow<Asked>(
    best: number | undefined,
    key: number,
    covers: (at: number, asked: Asked) => boolean,
    asked: Asked,
  ): number | undefined {
    const row = rowOf(this.#table, key)
    const end = this.#table[row + 2] ?? 0
    for (let place = this.#table[row + 1] ?? 0; place < end; place++) {
      const at = this.#positions[place] ?? 0
      if (best !== undefined && at >= best) return best
      if (covers(at, asked)) return at
    }
    return best
  }
}

/** At most four of five rows are in use, so that a look-up ends soon. */
function tableOf(places: ReadonlyMap<number, readonly number[]>): Int32Array {
  const rows = 2 ** Math.ceil(Math.log2(1.25 * places.size + 1))
  const table = new Int32Array(ROW * rows)
  let start = 0
  for (const [key, { length }] of places) {
    const row = rowOf(table, key)
    table.set([key, start, start + length], row)
    start += length
  }
  return table
}

/** Where the row of a key begins, or the empty row in its place. */
function rowOf(table: Int32Array, key: number): number {
  const last = table.length / ROW - 1
  let row = (key ^ (key >>> 15)) & last
  while (table[ROW * row] !== key && table[ROW * row + 2] !== 0) row = (row + 1) & last
  return ROW * row
}

const EXACT = 1 << 12

/** The lengths of both ends, or of the whole path. */
function shapeOf({ head, tail, isExact }: Span): number {
  const [heads, tails] = [Math.min(head.length, MAX_HEAD_CHARS), Math.min(tail.length, MAX_TAIL_CHARS)]
  return isExact ? EXACT + head.length : heads | (tails << 6)
}

function fits(shape: number, path: string): boolean {
  return shape >= EXACT
    ? shape - EXACT === path.length
    : (shape & 63) <= path.length && shape >> 6 <= path.length
}

/** Hashes of the ends of one path, by their lengths. Filled before {@link keyOf} is called; nothing is awaited in between. */
const heads = new Int32Array(MAX_HEAD_CHARS + 1)
const tails = new Int32Array(MAX_TAIL_CHARS + 1)

/** The key of rules of a shape for the path that was hashed and a client. */
function keyOf(shape: number, client: number): number {
  const isExact = shape >= EXACT
  const head = isExact ? Math.min(shape - EXACT, MAX_HEAD_CHARS) : shape & 63
  const tail = isExact ? Math.min(shape - EXACT, MAX_TAIL_CHARS) : shape >> 6
  const ends = Math.imul(heads[head] ?? 0, 0x9e3779b1) ^ Math.imul(tails[tail] ?? 0, 0x85ebca6b)
  return Math.imul(ends ^ client ^ shape, 0xc2b2ae35)
}

function hashOf(client: string): number {
  let hash = 0
  for (let at = 0; at < client.length; at++) hash = (Math.imul(hash, 33) + client.charCodeAt(at)) | 0
  return hash
}

function hashHeads(path: string): void {
  const most = Math.min(path.length, MAX_HEAD_CHARS)
  for (let at = 0, hash = 0; at < most; ) {
    hash = (Math.imul(hash, 31) + path.charCodeAt(at)) | 0
    heads[++at] = hash
  }
}

function hashTails(path: string): void {
  const most = Math.min(path.length, MAX_TAIL_CHARS)
  for (let at = 0, hash = 0; at < most; ) {
    hash = (Math.imul(hash, 31) + path.charCodeAt(path.length - 1 - at)) | 0
    tails[++at] = hash
  }
}
