/** A deployment with something on every page of the console: sites, two months of figures, agents, invoices, alerts. */
import { addShadowFigures } from '../../src/ledger/book/shadow.ts'
import { publishSites } from '../../src/testing/stack/sites.ts'
import { webBot } from './bots.ts'
import { DAY, enrol, operate, startCreditSite } from './credit-site.ts'
import { startDns } from './dns.ts'
import { fire, openTab, WATCH } from './site.ts'

export type ConsoleStage = Awaited<ReturnType<typeof startConsoleStage>>

/** Starts it. `pages` are the paths of all pages, each with something to show. */
export async function startConsoleStage() {
  const dns = await startDns()
  const site = await startCreditSite(true, { DNS_URL: dns.url })
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
  const run = (await site.books.runs()).find(({ kind }) => kind === 'settlement')?.id ?? ''
  const invited = { name: 'Ada Voss', email: 'ada@example.com', role: 'accountant' }
  const { body } = await operate<{ member: { id: string } }>(site, '/people', invited)
  const member = body.member.id
  for (const [name, role] of TEAM) await operate(site, '/people', { name, role })
  const facts = { contacts: ['desk@tallyandink.example'], country: 'NL', taxId: 'NL001234567B01' }
  await operate(site, '/publishers/tally-and-ink', facts, 'PATCH')
  await operate(site, '/tokens', { name: 'month-end export', scopes: ['money.read', 'export'] })
  await draftPolicies(site)
  return {
    ...site,
    dns,
    async stop() {
      await site.stop()
      await dns.stop()
    },
    console: site.facts.console.url,
    invoice,
    other,
    pages: [
      '/',
      '/alerts',
      '/sites',
      '/sites/new',
      '/sites/tally-and-ink',
      '/sites/tally-and-ink/suspend',
      '/sites/tally-and-ink/checks?path=/dear/1',
      '/sites/harbour-post/checks',
      '/crawlers',
      '/crawlers/~LanternBot',
      '/policy',
      '/policy/tally-and-ink',
      '/policy/tally-and-ink?edit=4',
      '/policy/tally-and-ink?edit=default',
      '/policy/tally-and-ink/text',
      '/policy/tally-and-ink/try?url=/archive/1998&as=GPTBot&claim=verified',
      '/policy/tally-and-ink/results',
      '/policy/quipu-review/results',
      '/policy/tally-and-ink/publish',
      '/policy/tally-and-ink/history?version=1',
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
      '/people',
      '/people/new',
      `/people/${member}`,
      '/tokens',
      '/tokens/new',
      '/settings',
      '/setup',
    ],
  }
}

const TEAM = [
  ['Bela Novak', 'operator'],
  ['Chidi Okafor', 'finance'],
  ['Dana Lind', 'owner'],
] as const

const LIVE_RULES = [
  { action: 'allow', path: '/press/*', who: 'everyone', query: 'any' },
  { action: 'block', path: '/search', who: ['crawlers'] },
  { action: 'charge', path: '/archive/*', who: ['training'], price: '0.01' },
  { action: 'charge', path: '/dear/*', price: '0.60' },
  { action: 'charge', path: '/odd/*', price: '0.012345', schemes: ['channel'] },
]

/** Policies with something to see: one with a draft beside its version, one in shadow mode, and a site that waits for DNS. */
async function draftPolicies(site: Awaited<ReturnType<typeof startCreditSite>>): Promise<void> {
  const patch = (id: string, body: object) => operate(site, `/sites/${id}`, body, 'PATCH')
  await patch('tally-and-ink', { terms: { RULES: LIVE_RULES } })
  await operate(site, '/sites/tally-and-ink/publish', { note: 'Rules of our own' })
  const dearer = LIVE_RULES.map((rule) => (rule.path === '/archive/*' ? { ...rule, price: '0.012' } : rule))
  const feeds = { action: 'allow', path: '/feeds/*', who: ['search'], verified: true }
  await patch('tally-and-ink', { terms: { RULES: dearer.toSpliced(2, 0, feeds) } })
  await patch('quipu-review', { terms: { RULES: [{ action: 'allow', path: '/press/*' }], PRICE: '0.004' } })
  const kind = { site: 'quipu-review', rule: 'default', action: 'charge' } as const
  const day = new Date().toISOString().slice(0, 10)
  const shadow = CRAWLERS.flatMap((name, rank) =>
    PATHS.map((path, at) => {
      const requests = Math.round(400 / (rank + 1) / (at + 1))
      const crawler = name.replace('~', '') || 'nameless'
      return { ...kind, crawler, class: 'training', path, requests, pages: requests, asked: requests * 1_000 }
    }),
  )
  await addShadowFigures(await site.book(), day, shadow)
  await operate(site, '/sites', {
    id: 'harbour-post',
    publisher: 'quipu-review',
    hosts: ['harbourpost.example', 'www.harbourpost.example'],
    mode: 'shadow',
    terms: { ORIGIN: 'https://origin.harbourpost.example', PRICE: '0.002' },
  })
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
      const growth = 1 + ((day - today) / 59) * (((at * 7) % 5) / 4 - 0.3)
      const most = (season * growth * (600 + ((day * 37 + at * 13) % 90))) / (at + 1) ** 1.2
      let paid = 0
      CRAWLERS.forEach((who, rank) => {
        const fashion = 1 + ((day - today) / 59) * (((rank * 3) % 7) / 6 - 0.4)
        const share = Math.round((most * fashion) / (rank + 3))
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
