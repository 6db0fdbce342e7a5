/** A list: its filters, its table with an order, its pages, and the same rows as a file. The URL is its state. */
import type { Context } from 'hono'
import type { Child } from 'hono/jsx'
import { may, type Principal, type Right } from '../../people/principal.ts'
import type { Problem } from '../answers.ts'
import { FILE_FORMATS, type FileFormat, fileOf } from '../download.ts'
import type { Reply } from '../edge.ts'
import { type Filter, MAX_HERE, PAGE_ROWS, queryOf, type ReadRows, type RowPage, withQuery } from '../list.ts'
import { type ConsoleEnv, type Desk, type PageHandler, show, trouble, urlOf } from '../shell.tsx'
import type { FigureSource } from './badges.tsx'
import { grouped } from './figures.tsx'
import { Head, PageSection } from './page.tsx'
import { type Column, type Empty, More, Nothing, Table } from './table.tsx'

/** A page that is one list. */
export type ListSpec<Row> = {
  title: string
  /** The title of the list itself, such as `All accounts`. */
  heading: string
  caption: string
  note?: Child
  sources: readonly FigureSource[]
  columns: readonly [Column<Row>, ...Column<Row>[]]
  filters: readonly Filter[]
  /** The order without `sort` in the URL. */
  sort: string
  read: ReadRows<Row>
  /** Stands in place of a list that has no row at all. */
  empty: Empty
  idOf?: (row: Row) => string
  /** The form that adds a row, for those with its right: a button in the head, and the next step of an empty list. */
  add?: { right: Right; href: string; title: string; first: string }
  /** More buttons in the head of the page. */
  acts?: (desk: Desk) => Child
  /** What stands below the list. */
  below?: Child
  /** In place of a list that this deployment does not have (404): words, or a page. */
  absent?: Child | PageHandler
}

/** The page of a list, and its files: `?format=csv` and `?format=ndjson`. */
export function listPage<Row>(spec: ListSpec<Row>): PageHandler {
  return async (c) => {
    const { title, absent, below } = spec
    const url = urlOf(c)
    const query = queryOf(url, spec.filters, spec.sort)
    const format = FILE_FORMATS.find((known) => known === url.searchParams.get('format'))
    if (format) return file(c, spec, query, format)
    const asked = await spec.read(c.get('desk').ask, limited(query))
    if (!asked.ok && asked.status === 404 && typeof absent === 'function') return absent(c)
    if (!asked.ok && asked.status === 404 && absent)
      return show(
        c,
        title,
        <>
          <Head title={title} />
          <section>{absent}</section>
        </>,
      )
    if (!asked.ok) return trouble(c, title, asked)
    const { who } = c.get('desk')
    const add = spec.add && may(who, spec.add.right) ? spec.add : null
    const empty = add ? { ...spec.empty, next: <a href={add.href}>{add.first}</a> } : spec.empty
    return show(
      c,
      title,
      <>
        <Head title={title} asOf={asked.at} sources={spec.sources}>
          {add && (
            <a class="btn go" href={add.href}>
              {add.title}
            </a>
          )}
          {spec.acts?.(c.get('desk'))}
        </Head>
        <PageSection title={spec.heading} id="all" note={spec.note} isLive>
          <List spec={{ ...spec, empty }} query={query} page={asked.value} who={who} />
        </PageSection>
        {below}
      </>,
    )
  }
}

function limited(query: URLSearchParams): URLSearchParams {
  const asked = new URLSearchParams(query)
  asked.set('limit', String(PAGE_ROWS))
  return asked
}

async function file<Row>(
  c: Context<ConsoleEnv>,
  { title, columns, read }: ListSpec<Row>,
  query: URLSearchParams,
  format: FileFormat,
): Promise<Response> {
  const list = urlOf(c).pathname
  const answer = await fileOf(c.get('desk').ask, { list, columns, read, query, format })
  return answer instanceof Response ? answer : trouble(c, title, answer as FailedReply)
}

type FailedReply = Extract<Reply<never>, { ok: false }> & { problem: Problem }

type ListProps<Row> = {
  spec: Pick<ListSpec<Row>, 'caption' | 'columns' | 'filters' | 'sort' | 'empty' | 'idOf'>
  query: URLSearchParams
  page: RowPage<Row>
  /** The links to the files are for those who may export. */
  who: Principal
}

/** The list itself, for a page that has more than it. */
export function List<Row>({ spec, query, page, who }: ListProps<Row>) {
  const { caption, columns, filters, empty, idOf, sort } = spec
  const { rows, next, isCut } = page
  const isNarrowed = filters.some(({ name }) => query.has(name))
  const isFirst = !query.has('after')
  const url = new URL('https://list.invalid')
  url.search = String(query)
  return (
    <>
      {(rows.length > 0 || isNarrowed || !isFirst) && (
        <Bar
          columns={columns}
          filters={filters}
          query={query}
          sort={sort}
          isNarrowed={isNarrowed}
          isExported={may(who, 'export')}
        />
      )}
      {isCut && (
        <p class="soft">{`Sorted and searched among the first ${grouped(String(MAX_HERE))} rows.`}</p>
      )}
      {rows.length === 0 && (isNarrowed || !isFirst) ? (
        <Nothing
          what={isNarrowed ? 'No row matches these filters.' : 'No row is left on this page.'}
          next={<a href={withQuery(new URLSearchParams(), {})}>Show the whole list</a>}
        />
      ) : (
        <Table
          caption={caption}
          columns={columns}
          rows={rows}
          empty={empty}
          query={query}
          {...(idOf && { idOf })}
        />
      )}
      <More url={url} next={next} />
    </>
  )
}

type BarProps<Row> = {
  columns: readonly Column<Row>[]
  filters: readonly Filter[]
  query: URLSearchParams
  sort: string
  isNarrowed: boolean
  isExported: boolean
}

/** The filters of a list as a form that is sent by GET, and the links to its files. */
function Bar<Row>({ columns, filters, query, sort, isNarrowed, isExported }: BarProps<Row>) {
  const sorted = columns.filter((column) => column.sort && column.key)
  const now = query.get('sort') ?? sort
  return (
    <div class="list">
      <form method="get" class="filters">
        {filters.map((filter) => (
          <FilterField of={filter} value={query.get(filter.name) ?? ''} />
        ))}
        {sorted.length > 0 && (
          <div class="on-cards">
            <label for="by-sort">Sort by</label>
            <select name="sort" id="by-sort">
              {sorted.flatMap(({ key = '', title }) =>
                (['', '-'] as const).map((sign) => (
                  <option value={`${sign}${key}`} selected={now === `${sign}${key}`}>
                    {`${title} ${sign === '' ? '▲' : '▼'}`}
                  </option>
                )),
              )}
            </select>
          </div>
        )}
        {(filters.length > 0 || sorted.length > 0) && (
          <button class={filters.length > 0 ? 'btn' : 'btn on-cards'} type="submit">
            {filters.length > 0 ? 'Filter' : 'Sort'}
          </button>
        )}
        {isNarrowed && (
          <a class="clear" href={withQuery(new URLSearchParams({ sort: now }), {})}>
            Clear
          </a>
        )}
      </form>
      {isExported && (
        <p class="files">
          <span class="soft">Export</span>{' '}
          {FILE_FORMATS.map((format) => (
            <a href={withQuery(query, { format })} download>
              {format.toUpperCase()}
            </a>
          ))}
        </p>
      )}
    </div>
  )
}

function FilterField({ of: { name, label, hint, choices }, value }: { of: Filter; value: string }) {
  const id = `by-${name}`
  return (
    <div>
      <label for={id}>{label}</label>
      {choices ? (
        <select name={name} id={id}>
          <option value="">All</option>
          {choices.map(([choice, title]) => (
            <option value={choice} selected={choice === value}>
              {title}
            </option>
          ))}
        </select>
      ) : (
        <input
          type="search"
          name={name}
          id={id}
          value={value}
          placeholder={hint}
          autocomplete="off"
          maxlength={100}
        />
      )}
    </div>
  )
}
