import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fileOf } from '../../src/console/download.ts'
import type { Ask } from '../../src/console/edge.ts'
import { arranged, MAX_HERE, queryOf, type ReadRows, sortedHere, withQuery } from '../../src/console/list.ts'

type Row = { name: string; owed: bigint | null; state: string }

const COLUMNS = [
  { title: 'Name', key: 'name', value: ({ name }: Row) => name },
  { title: 'Owed', key: 'owed', value: ({ owed }: Row) => owed },
  { title: 'State', key: 'state', value: ({ state }: Row) => state },
]
const FILTERS = [
  { name: 'text', label: 'Find' },
  { name: 'state', label: 'State', choices: [['open', 'Open']] as const },
]
const ROWS: Row[] = [
  { name: 'b', owed: 2n, state: 'open' },
  { name: 'a', owed: null, state: 'open' },
  { name: 'c', owed: 10n, state: 'closed' },
]

const names = (query: string) =>
  arranged(ROWS, COLUMNS, FILTERS, new URLSearchParams(query)).map(({ name }) => name)

describe('the query of a list', () => {
  it('is the URL without members that the list does not have', () => {
    const url = new URL('https://console.test/accounts?state=open&evil=1&text=&after=9')
    expect(String(queryOf(url, FILTERS, 'name'))).toBe('state=open&after=9&sort=name')
  })

  it('leads to the first page again when the order or a filter changes', () => {
    const query = new URLSearchParams('state=open&sort=name&after=50')
    expect(withQuery(query, { sort: '-owed' })).toBe('?state=open&sort=-owed')
    expect(withQuery(query, { after: '100' })).toBe('?state=open&sort=name&after=100')
  })
})

describe('rows that are sorted here', () => {
  it('are in the order of a column, and rows without a value come last in both directions', () => {
    expect(names('sort=owed')).toEqual(['b', 'c', 'a'])
    expect(names('sort=-owed')).toEqual(['c', 'b', 'a'])
    expect(names('sort=-name')).toEqual(['c', 'b', 'a'])
  })

  it('are those that a choice and a text leave', () => {
    expect(names('state=open')).toEqual(['b', 'a'])
    expect(names('text=CLO')).toEqual(['c'])
    expect(names('sort=name&state=open&text=b')).toEqual(['b'])
  })

  it('come page by page, each once and in order, whatever the size of a page', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.bigInt({ min: 0n, max: 50n })),
        fc.integer({ min: 1, max: 7 }),
        async (owed, limit) => {
          const rows = owed.map((amount, at) => ({ name: String(at), owed: amount, state: 'open' }))
          const read = sortedHere(COLUMNS, FILTERS, pagesOf(rows, 3))
          const found: bigint[] = []
          for (let after: string | null = '0'; after !== null; ) {
            const query = new URLSearchParams({ sort: 'owed', after, limit: String(limit) })
            const page = await read(UNASKED, query)
            if (!page.ok) throw new Error('must be read')
            found.push(...page.value.rows.map((row) => row.owed ?? 0n))
            after = page.value.next
          }
          expect(found).toEqual(owed.toSorted((a, b) => Number(a - b)))
        },
      ),
    )
  })

  it('say so where the list is longer than what is sorted', async () => {
    const rows = Array.from({ length: MAX_HERE + 1 }, (_, at) => ({
      name: String(at),
      owed: 1n,
      state: 'open',
    }))
    const page = await sortedHere(
      COLUMNS,
      FILTERS,
      pagesOf(rows, 500),
    )(UNASKED, new URLSearchParams('limit=9'))
    expect(page).toMatchObject({ ok: true, value: { isCut: true, next: '9' } })
  })
})

const UNASKED: Ask = () => Promise.reject(new Error('must not be asked'))

/** A list of the API, in pages of its own. */
function pagesOf(rows: readonly Row[], size: number): ReadRows<Row> {
  return async (_, query) => {
    const from = Number(query.get('after') ?? 0)
    const to = from + size
    return {
      ok: true,
      at: 0,
      value: { rows: rows.slice(from, to), next: to < rows.length ? String(to) : null },
    }
  }
}

describe('a list as a file', () => {
  const asked: unknown[] = []
  const ask: Ask = async (path, order) => {
    asked.push([path, order?.body])
    return { ok: true, value: {} as never, at: 0 }
  }
  const download = { list: '/accounts', columns: COLUMNS, query: new URLSearchParams('state=open&after=9') }
  const rows = [...ROWS, { name: '=HYPERLINK("x")', owed: 1_500_000n, state: 'open' }]

  it('has every row of every page, no cell that a spreadsheet runs, and its filters in the audit log', async () => {
    const answer = await fileOf(ask, { ...download, read: pagesOf(rows, 2), format: 'csv' })
    if (!(answer instanceof Response)) throw new Error('must be a file')
    expect(await answer.text()).toBe(
      'name,owed,state\r\nb,0.000002,open\r\na,,open\r\nc,0.000010,closed\r\n"\'=HYPERLINK(""x"")",1.500000,open\r\n',
    )
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="accounts.csv"')
    expect(asked).toEqual([['/export', '{"list":"/accounts","query":"?state=open"}']])
  })

  it('is NDJSON with amounts in micro-dollars', async () => {
    const answer = await fileOf(ask, { ...download, read: pagesOf(rows.slice(0, 2), 9), format: 'ndjson' })
    if (!(answer instanceof Response)) throw new Error('must be a file')
    expect(await answer.text()).toBe(
      '{"name":"b","owed":"2","state":"open"}\n{"name":"a","owed":null,"state":"open"}\n',
    )
  })

  it('breaks off where a later page cannot be read, and never looks complete', async () => {
    const problem = { title: 'x', detail: 'x', code: 'unavailable' }
    const read: ReadRows<Row> = async (_, query) =>
      query.has('after')
        ? { ok: false, status: 503, problem }
        : { ok: true, at: 0, value: { rows, next: '2' } }
    const answer = await fileOf(ask, { ...download, read, format: 'csv' })
    if (!(answer instanceof Response)) throw new Error('must be a file')
    await expect(answer.text()).rejects.toThrow()
  })

  it('is refused where the edge Worker refuses to export', async () => {
    const problem = { title: 'Not allowed', detail: 'x', code: 'forbidden' }
    const refusing: Ask = async () => ({ ok: false, status: 403, problem })
    expect(await fileOf(refusing, { ...download, read: pagesOf(rows, 2), format: 'csv' })).toEqual({
      ...{ ok: false, status: 403, problem },
    })
  })
})
