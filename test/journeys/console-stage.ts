/** A deployment with something on every page of the console: sites, two months of figures, agents, invoices, alerts. */
import { publishSites } from '../../src/testing/stack/sites.ts'
import { webBot } from './bots.ts'
import { DAY, enrol, operate, startCreditSite } from './credit-site.ts'
import { fire, openTab, WATCH } from './site.ts'

export type ConsoleStage = Awaited<ReturnType<typeof startConsoleStage>>

/** Starts it. `pages` are the paths of all pages, each with something to show. */
export async function startConsoleStage() {
  const site = await startCreditSite(true)
  const { url, origin, receiver, operator } = site.facts
  await publishSites({ url, origin, receiver, operator, isAlone: false })
  const [lantern, quarry] = [
    await enrol(site, 'lantern', await webBot('lantern.example')),
    await enrol(site, 'quarry', await webBot('quarry.example')),
  ]
  for (const page of [1, 2, 3]) await lantern.read(`/dear/${page}`)
  await quarry.read('/dear/1')
  await operate(site, '/agents/quarry/suspend', { reason: 'does not answer' })
  const { channelId } = await openTab(site, site.payer()).buy('/page')
  await site.passNights()
  await seed(await site.book(), Date.now())
  await fire(site, WATCH)
  const [{ id: invoice }, { id: other }] = [await lantern.newest(), await quarry.newest()]
  const run = (await site.books.runs())[0]?.id ?? ''
  await operate(site, '/sites/abacus-daily/publish', {})
  return {
    ...site,
    console: site.facts.console.url,
    invoice,
    other,
    pages: [
      '/',
      '/alerts',
      '/sites',
      '/sites/new',
      '/sites/tally-and-ink',
      '/crawlers',
      '/crawlers/~LanternBot',
      '/policy?url=/dear/1&as=GPTBot',
      '/accounts',
      `/accounts/${channelId}`,
      '/accounts/lantern',
      '/accounts/lantern/entries/2',
      '/accounts?text=nothing-like-it',
      '/agents',
      '/agents/new',
      '/agents/lantern',
      '/invoices',
      `/invoices/${invoice}`,
      '/runs',
      `/runs/${run}`,
      '/publishers',
      '/publishers/tally-and-ink',
      '/audit',
      '/audit/1',
      '/acts/0123456789abcdef?to=/runs&is=done',
      '/settings',
      '/setup',
    ],
  }
}

const SITES = [
  'tally-and-ink',
  'abacus-daily',
  'quipu-review',
  'almanac',
  'night-sky',
  'slow-recipes',
  'tides',
  'fables',
]
const CRAWLERS = [
  '~LanternBot',
  'QuarryBot',
  '~OwlReader',
  'Siltbot',
  '~PlumbFetch',
  'Northindex',
  '',
  '~Tern',
  'Marlbot',
]
const PATHS = [
  '/news/local',
  '/archive/1998',
  '/essays',
  '/tables/tides',
  '/data',
  '/reviews',
  '/recipes/slow',
  '/',
]

/** Writes plausible figures of 60 days, the same each time: the larger names earn more, weekends less, and all grows. */
async function seed(book: D1Database, now: number): Promise<void> {
  const today = Math.floor(now / DAY)
  const figures: (string | number)[][] = []
  const days: (string | number)[][] = []
  const traffic: (string | number)[][] = []
  for (let day = today - 59; day <= today; day++) {
    const season = ((day - today + 90) / 90) * (day % 7 === 2 || day % 7 === 3 ? 0.7 : 1)
    for (const [at, site] of SITES.entries()) {
      const most = (season * (600 + ((day * 37 + at * 13) % 90))) / (at + 1) ** 1.2
      let paid = 0
      CRAWLERS.forEach((who, rank) => {
        const share = Math.round(most / (rank + 3))
        paid += share
        figures.push([
          day * 24,
          site,
          'default',
          who,
          PATHS[(rank + at) % PATHS.length] ?? '/',
          share,
          0,
          share * 5_000,
        ])
        traffic.push([
          day * 24,
          site,
          who,
          'default',
          'unpaid',
          '4xx',
          share * (rank + 1),
          share * 5_000,
          now,
        ])
        traffic.push([day * 24, site, who, 'blocked', 'blocked', '4xx', rank, 0, now])
      })
      days.push([day, site, paid, 0, paid * 5_000, now])
      traffic.push([day * 24, site, 'readers', 'default', 'free', '2xx', paid * 9, 0, now])
      traffic.push([day * 24, site, '~GleanBot', 'default', 'unpaid', '4xx', paid, paid * 5_000, now])
    }
  }
  const summed = (column: number) =>
    figures.map((row) => [
      column === 3 ? 'who' : 'path',
      Number(row[0]) / 24,
      row[column] ?? '',
      ...row.slice(5),
    ])
  const receipts = days.flatMap(([day, , , , charged]) => [
    [day ?? 0, 'channel', Math.round(Number(charged) * 0.7)],
    [day ?? 0, 'credit', Number(day) % 7 === 1 ? Number(charged) : 0],
  ])
  await book.batch([
    insert(book, 'figure', ['charges', 'charged'], figures),
    insert(book, 'figure_name', ['charges', 'charged'], summed(3)),
    insert(book, 'figure_name', ['charges', 'charged'], summed(4)),
    insert(book, 'receipt', ['received'], receipts),
    insert(book, 'figure_day', ['charges', 'charged'], days),
    insert(book, 'traffic', ['requests', 'asked'], traffic),
  ])
}

function insert(
  book: D1Database,
  table: string,
  sums: readonly string[],
  rows: readonly (readonly (string | number)[])[],
) {
  const columns = (rows[0] ?? []).map((_, at) => `value ->> ${at}`).join(', ')
  const added = sums.map((sum) => `${sum} = ${sum} + excluded.${sum}`).join(', ')
  return book
    .prepare(
      `INSERT INTO ${table} SELECT ${columns} FROM json_each(?) WHERE true ON CONFLICT DO UPDATE SET ${added}`,
    )
    .bind(JSON.stringify(rows))
}
