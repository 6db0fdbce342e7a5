/** Sample figures: what a month of a busy deployment looks like in charts. The console of the local stack marks them as such. */

const DAY_MS = 86_400_000

/** Names of the sample, the largest first. `days`: how many, up to the day before the first real one. */
export type Sample = { sites: readonly string[]; crawlers: readonly string[]; days: number }

/** The sites of the local stack, and crawlers whose names are not those of real operators. */
const OF_STACK: Sample = {
  sites: ['tally-and-ink', 'abacus-daily', 'quipu-review'],
  crawlers: ['~LanternBot', 'QuarryBot', '~OwlReader', 'Siltbot', '~PlumbFetch', '~Tern'],
  days: 30,
}

const PATHS = [
  '/articles/tally-sticks',
  '/articles/quipu',
  '/archive/1998',
  '/tables/tides',
  '/feed.xml',
  '/',
]
const PRICE = 1_000
/** The kind of the cursor that reports the sample: nightly runs compare all figures with what was reported. */
const KIND = 'sample'

/**
 * Writes the sample before the day that begins at `firstDay` (Unix ms), the same each time: larger names earn more, weekends
 * less, and all of it grows. A database that has the sample already is left as it is.
 */
export async function writeSample(book: D1Database, firstDay: number, sample = OF_STACK): Promise<void> {
  const known = await book.prepare('SELECT 1 FROM figure_cursor WHERE kind = ?').bind(KIND).first()
  if (known) return
  const end = Math.floor(firstDay / DAY_MS)
  const { figures, days, traffic, names, charged } = figuresOf(sample, end)
  await book.batch([
    book.prepare('UPDATE figure_summed SET hour = max(hour, ?)').bind(end * 24),
    insert(book, 'figure', figures),
    insert(book, 'figure_day', days),
    insert(book, 'figure_name', names),
    insert(book, 'traffic', traffic),
    insert(book, 'figure_cursor', [[KIND, KIND, 0, charged, firstDay]]),
  ])
}

type Row = (string | number)[]

function figuresOf({ sites, crawlers, days: count }: Sample, end: number) {
  const rows = { figures: [] as Row[], days: [] as Row[], traffic: [] as Row[], charged: 0 }
  const named = new Map<string, number>()
  for (let day = end - count; day < end; day++) {
    // Days since 1970 began on a Thursday.
    const weekend = day % 7 === 2 || day % 7 === 3
    const season = ((day - end + 3 * count) / (3 * count)) * (weekend ? 0.7 : 1)
    const at = day * DAY_MS
    sites.forEach((site, place) => {
      const most = (season * (600 + ((day * 37 + place * 13) % 90))) / (place + 1) ** 1.2
      let paid = 0
      crawlers.forEach((who, rank) => {
        const hour = day * 24 + ((rank * 5 + place * 3) % 24)
        const share = Math.round(most / (rank + 3))
        const path = PATHS[(rank + place) % PATHS.length] ?? '/'
        paid += share
        rows.figures.push([hour, site, 'default', who, path, share, 0, share * PRICE])
        for (const [kind, name] of [
          ['who', who],
          ['path', path],
        ]) {
          const key = JSON.stringify([kind, day, name])
          named.set(key, (named.get(key) ?? 0) + share)
        }
        const asked = share * (rank + 1)
        rows.traffic.push([hour, site, who, 'default', 'unpaid', '4xx', asked, asked * PRICE, at])
      })
      rows.charged += paid * PRICE
      rows.days.push([day, site, paid, 0, paid * PRICE, at])
      rows.traffic.push([day * 24, site, 'readers', 'default', 'free', '2xx', paid * 9, 0, at])
    })
  }
  const names = [...named].map(
    ([key, charges]): Row => [...(JSON.parse(key) as Row), charges, 0, charges * PRICE],
  )
  return { ...rows, names }
}

function insert(book: D1Database, table: string, rows: readonly Row[]): D1PreparedStatement {
  const columns = (rows[0] ?? []).map((_, at) => `value ->> ${at}`).join(', ')
  return book.prepare(`INSERT INTO ${table} SELECT ${columns} FROM json_each(?)`).bind(JSON.stringify(rows))
}
