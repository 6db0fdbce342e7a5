/** The figures of shadow mode in D1. They are a trial's, and no money depends on them: a lost row is a page not counted. */

/** A UTC date, such as `2026-11-27`. */
export type Day = string

/** One kind of request, and the action that it would have met. `rule`: `RULES[n]`, `default` or `free`. */
export type ShadowKind = {
  /** The site of a registry; empty for the only site. */
  site: string
  /** The crawler's name, `nameless`, or `readers`. */
  crawler: string
  class: string
  rule: string
  action: 'charge' | 'allow' | 'block'
  path: string
}

/** How often a kind was asked for. `pages`: delivered and charged for, had everybody paid. `asked`: micro-dollars. */
export type ShadowFigure = ShadowKind & { requests: number; pages: number; asked: number }

type Counted = { requests: number; pages: number; asked: number }

/** `asked`: micro-dollars, as a decimal string. */
type Sums = { requests: number; pages: number; asked: string }

/** The sums of a day. The lists name the dearest first, and at most 100 of each. */
export type ShadowDay = {
  day: Day
  total: Sums
  sites: (Sums & { site: string })[]
  crawlers: (Sums & { crawler: string; class: string })[]
  rules: (Sums & { rule: string; action: string })[]
  paths: (Sums & { path: string })[]
}

/** How many items of a list are returned. The sums of the day include the others. */
const MOST_LISTED = 100
/** How many statements one batch of D1 gets. */
const BATCH = 50

/** Adds figures to those of their day. @throws when D1 cannot be written; some batches may then have been added */
export async function addShadowFigures(
  book: D1Database,
  day: Day,
  figures: readonly ShadowFigure[],
): Promise<void> {
  const statement = book.prepare(
    `INSERT INTO shadow (day, site, crawler, class, rule, action, path, requests, pages, asked)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, pages = pages + excluded.pages,
         asked = asked + excluded.asked`,
  )
  for (let at = 0; at < figures.length; at += BATCH) {
    const rows = figures.slice(at, at + BATCH)
    await book.batch(
      rows.map(({ site, crawler, class: purpose, rule, action, path, requests, pages, asked }) =>
        statement.bind(day, site, crawler, purpose, rule, action, path, requests, pages, asked),
      ),
    )
  }
}

/** ?1: the day. ?2: a site or null. ?3: the sites that may be seen as JSON, or null. */
const SEEN =
  'day = ?1 AND site = coalesce(?2, site) AND (?3 IS NULL OR site IN (SELECT value FROM json_each(?3)))'

/**
 * Returns the sums of a day, of one site where it is named: zero and empty lists for a day without requests. `sites`: those that
 * may be seen; null sees all.
 */
export async function readShadowDay(
  book: D1Database,
  day: Day,
  site: string | null = null,
  sites: readonly string[] | null = null,
): Promise<ShadowDay> {
  const seen = sites && JSON.stringify(sites)
  const by = async <Row>(columns: string) => {
    const { results } = await book
      .prepare(
        `SELECT ${columns}, sum(requests) AS requests, sum(pages) AS pages, sum(asked) AS asked FROM shadow
           WHERE ${SEEN} GROUP BY ${columns} ORDER BY sum(asked) DESC, sum(requests) DESC, ${columns} LIMIT ?4`,
      )
      .bind(day, site, seen, MOST_LISTED)
      .all<Row & Counted>()
    return results.map((row) => ({ ...row, asked: String(row.asked) }))
  }
  const total = await book
    .prepare(
      `SELECT coalesce(sum(requests), 0) AS requests, coalesce(sum(pages), 0) AS pages, coalesce(sum(asked), 0) AS asked
         FROM shadow WHERE ${SEEN}`,
    )
    .bind(day, site, seen)
    .first<Counted>()
  return {
    day,
    total: total ? { ...total, asked: String(total.asked) } : { requests: 0, pages: 0, asked: '0' },
    sites: await by('site'),
    crawlers: await by('crawler, class'),
    rules: await by('rule, action'),
    paths: await by('path'),
  }
}

/** The kinds of requests of a site that were counted on a day, the most frequent first, at most `limit`. */
export async function readShadowKinds(
  book: D1Database,
  day: Day,
  site: string,
  limit: number,
): Promise<Pick<ShadowFigure, 'crawler' | 'path' | 'requests'>[]> {
  const { results } = await book
    .prepare(
      `SELECT crawler, path, sum(requests) AS requests FROM shadow WHERE day = ?1 AND site = ?2
         GROUP BY crawler, path ORDER BY sum(requests) DESC, crawler, path LIMIT ?3`,
    )
    .bind(day, site, limit)
    .all<Pick<ShadowFigure, 'crawler' | 'path' | 'requests'>>()
  return results
}

/** Deletes the days before `day`. */
export async function dropShadowDays(book: D1Database, day: Day): Promise<void> {
  await book.prepare('DELETE FROM shadow WHERE day < ?').bind(day).run()
}
