/** The query of a list: its order, its cursor and its filters. */
import type { Context } from 'hono'
import type { ListOrder, PageQuery } from '../ledger/page-sql.ts'
import { invalid, pageLimit } from './response.ts'

/** The longest cursor and text of a filter. The rest is cut off: no list has longer names. */
const MAX_TEXT_CHARS = 300

/** The page that a query asks for, or the 400 response. `otherwise`: the order without `sort`. A `-` before a name turns it round. */
export function pageOfQuery(
  c: Context,
  orders: Readonly<Record<string, string>>,
  otherwise: ListOrder,
): PageQuery | Response {
  const order = orderOf(c.req.query('sort'), orders, otherwise)
  if (order === null)
    return invalid([
      {
        path: 'sort',
        message: 'must be a column of this list, with “-” before it to turn it round',
        expected: ['id', ...Object.keys(orders)].join(', '),
      },
    ])
  return { order, after: filterText(c, 'after') ?? null, limit: pageLimit(c) }
}

function orderOf(
  sort: string | undefined,
  orders: Readonly<Record<string, string>>,
  otherwise: ListOrder,
): ListOrder | null {
  if (sort === undefined) return otherwise
  const [, sign, name = ''] = /^(-?)(.*)$/.exec(sort) ?? []
  const by = name === 'id' ? null : name
  return by === null || Object.hasOwn(orders, by) ? { by, isDown: sign === '-' } : null
}

/** The word of a filter: undefined without it, and the 400 response for another word. */
export function wordOf<Word extends string>(
  c: Context,
  path: string,
  words: readonly Word[],
): Word | undefined | Response {
  const asked = c.req.query(path)
  if (asked === undefined) return undefined
  const word = words.find((known) => known === asked)
  return word ?? invalid([{ path, message: 'must be a known word', expected: words.join(', ') }])
}

/** The text of a filter or a cursor; undefined without it. */
export function filterText(c: Context, path: string): string | undefined {
  return c.req.query(path)?.slice(0, MAX_TEXT_CHARS) || undefined
}
