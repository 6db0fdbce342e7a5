/** One page of a list as SQL: rows behind a place, in one of the list's orders. Pure. */

/** An order: by a whole number and then by id, or by id alone (`by` is null). */
export type ListOrder = { by: string | null; isDown: boolean }

/** A page. `after` is the place of the last row before it, as {@link placeOf} states it; null for the first page. */
export type PageQuery = { order: ListOrder; after: string | null; limit: number }

/** A condition with one `?` for its value; null does not narrow the list. */
export type ListCondition = readonly [sql: string, value: string | number] | null

/** The column of a row that holds its number in the order. */
const PLACE = 'place'

type Value = string | number

/**
 * The query of a page. `orders` has the SQL of each number that a list can be sorted by, and `id` the column that names a row.
 * @throws RangeError for an order that the list does not have
 */
export function pageSql(
  { from, id, orders }: { from: string; id: string; orders: Readonly<Record<string, string>> },
  conditions: readonly ListCondition[],
  { order: { by, isDown }, after, limit }: PageQuery,
): { query: string; values: Value[] } {
  const number = by === null ? null : orders[by]
  if (number === undefined) throw new RangeError(`the order ${by} must be one of ${from}`)
  const [less, direction] = isDown ? ['<', 'DESC'] : ['>', 'ASC']
  const values: Value[] = []
  const where: string[] = []
  for (const condition of conditions) {
    if (condition === null) continue
    where.push(condition[0])
    values.push(condition[1])
  }
  if (after !== null && number === null) {
    where.push(`${id} ${less} ?`)
    values.push(after)
  }
  if (after !== null && number !== null) {
    const [place, last] = split(after)
    where.push(`(${number}, ${id}) ${less} (cast(? AS INTEGER), ?)`)
    values.push(place, last)
  }
  const columns = number === null ? '*' : `*, cast(${number} AS TEXT) AS ${PLACE}`
  const order = [...(number === null ? [] : [`${number} ${direction}`]), `${id} ${direction}`].join(', ')
  const query = [
    `SELECT ${columns} FROM ${from}`,
    ...(where.length > 0 ? [`WHERE ${where.join(' AND ')}`] : []),
    `ORDER BY ${order} LIMIT ?`,
  ].join(' ')
  return { query, values: [...values, limit] }
}

/** The place of a row in the order of its page: the cursor of the page behind it. */
export function placeOf(row: Readonly<Record<string, unknown>>, id: string): string {
  return row[PLACE] === undefined ? String(row[id]) : `${row[PLACE]} ${row[id]}`
}

/** A cursor of another order is the beginning of this one. */
function split(after: string): [number: string, id: string] {
  const [, number = '', id = ''] = /^(-?\d+) (.*)$/s.exec(after) ?? []
  return [number, id]
}

/** A page of a journal, from either end: it takes the number of the entry before the page, and how many. 0 is the end itself. */
export function entriesSql(isNewestFirst: boolean): string {
  return isNewestFirst
    ? 'SELECT * FROM entry WHERE seq < coalesce(nullif(?, 0), 9e15) ORDER BY seq DESC LIMIT ?'
    : 'SELECT * FROM entry WHERE seq > ? ORDER BY seq LIMIT ?'
}
