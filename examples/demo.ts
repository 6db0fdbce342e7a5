/** `npm run demo`: one day at a paywall, from a free reader to the night's settlement, with everybody's books compared. */
import { decodePaymentRequiredHeader } from '@x402/core/http'
import { articlePaths } from '../src/testing/origin.ts'
import { type StackFacts, startStack } from '../src/testing/stack.ts'
import { type ChainBook, chainBook, type OperatorBook, operatorBook, type Run } from './books.ts'
import { type Crawler, payAtOnce, runATab } from './crawler.ts'
import { bar, note, type Position, table, tell, usdc } from './show.ts'

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const ARTICLES = 200
const AT_ONCE = 16
const NIGHT_MS = 60_000

/** The terms of the day: they do not follow what somebody tries out in wrangler.toml. */
const TERMS = { PRICE: '0.001', SCHEMES: '["channel","exact"]', RULES: '[]', MIN_DEPOSIT: '0.25' }

/** What the crawlers know of the day by their own receipts. Atomic units. */
type Day = { requests: number; atOnce: bigint; onTab: bigint; channelId: `0x${string}` }

type Verdict = { requests: number; charged: bigint; claimed: bigint; received: bigint; ok: boolean }

console.log('tab402: crawlers run a tab, publishers get paid every night.\n')
console.log('Starting a chain, a small publisher’s site, and the Worker in workerd, all on this machine …')
const began = performance.now()
const said: string[] = []
try {
  const stack = await startStack({ vars: TERMS }, (line) => said.push(line))
  note(`ready after ${seconds(began)}: ${stack.url} in front of ${stack.origin}`)
  const { ok, requests, ...sums } = await liveADay(stack).finally(() => stack.stop())
  const [charged, claimed, received] = [sums.charged, sums.claimed, sums.received].map(String)
  console.log(`\n${JSON.stringify({ ok, requests, charged, claimed, received })}`)
  process.exitCode = ok ? 0 : 1
} catch (cause) {
  console.error(cause)
  if (said.length > 0) console.error(`The Worker said:\n${said.slice(-20).join('\n')}`)
  console.log(JSON.stringify({ ok: false }))
  process.exitCode = 1
}

async function liveADay(stack: StackFacts): Promise<Verdict> {
  const { accounts, receiver, rpc } = stack
  const chain = chainBook(stack)
  const operator = operatorBook(stack)
  const [swift, patient] = accounts
  if (!swift || !patient) throw new Error('the chain has too few accounts')
  const parties = { swift: swift.address, patient: patient.address, receiver }
  const start = await holdings(chain, parties)

  const page = await readFree(stack)
  const price = await askPrice(stack)
  await buyAtOnce(stack, payAtOnce(swift.privateKey, rpc), page)
  const tab = await keepATab(stack, runATab(patient.privateKey, rpc), chain)
  const day: Day = { requests: 1 + ARTICLES, atOnce: price, onTab: tab.charged, channelId: tab.channelId }

  const evening = await positions(chain, parties, start, day)
  const run = await passTheNight(stack, operator)
  const morning = await positions(chain, parties, start, day)
  tell('Morning. What everybody has paid, owes and holds:')
  console.log(`\n${table(['before the night', 'after the night'], sideBySide(evening, morning))}`)

  const received = (await chain.holds(receiver)) - start.receiver
  const { claimed } = await chain.channel(day.channelId)
  const charged = day.atOnce + day.onTab
  const ok = await compare({ day, run, received, claimed, parties, operator })
  return { requests: day.requests, charged, claimed, received, ok }
}

async function readFree({ url, origin, paths }: StackFacts): Promise<string> {
  const response = await fetch(`${url}${paths.charged}`, { headers: { 'user-agent': BROWSER } })
  const page = await response.text()
  const same = page === (await (await fetch(`${origin}${paths.charged}`)).text())
  if (!response.ok || !same) throw new Error(`the reader got ${response.status}`)
  tell(
    `A person opens ${paths.charged} in a browser.`,
    `200 OK: the publisher’s page, ${page.length} characters, nothing to pay.`,
  )
  return page
}

async function askPrice({ url, paths }: StackFacts): Promise<bigint> {
  const response = await fetch(`${url}${paths.charged}`, { headers: { 'user-agent': 'GPTBot' } })
  const header = response.headers.get('payment-required')
  if (response.status !== 402 || header === null) throw new Error(`the crawler got ${response.status}`)
  const { accepts } = decodePaymentRequiredHeader(header)
  tell(
    'A crawler, GPTBot, asks for the same page and brings no payment.',
    '402 Payment Required, it may pay:',
  )
  for (const { scheme, amount } of accepts) {
    const how =
      scheme === 'exact' ? 'at once, by a signed transfer' : 'later, by a signed IOU against a deposit'
    note(`  ${usdc(BigInt(amount))} USDC ${how} (x402 “${scheme}”)`)
  }
  const exact = accepts.find(({ scheme }) => scheme === 'exact')
  if (!exact) throw new Error('exact is not offered')
  return BigInt(exact.amount)
}

async function buyAtOnce({ url, paths }: StackFacts, crawler: Crawler, page: string): Promise<void> {
  const began = performance.now()
  const { body, transaction } = await crawler(`${url}${paths.charged}`)
  if (body !== page) throw new Error('the crawler paid for another page')
  tell(
    'A crawler pays at once. It signs a transfer; the Worker has it mined, then hands out the page.',
    `200 OK after ${seconds(began)}, one page, one transaction on the chain, ${transaction.slice(0, 18)}…`,
  )
}

/** Opens a channel with the first article and reads the others on it, many at once. */
async function keepATab({ url }: StackFacts, crawler: Crawler, chain: ChainBook) {
  const paths = articlePaths()
  const urls = Array.from({ length: ARTICLES }, (_, index) => `${url}${paths[index % paths.length]}`)
  const [first = '', ...rest] = urls
  const opening = await crawler(first)
  if (!opening.tab) throw new Error('the receipt names no channel')
  const { channelId } = opening.tab
  const { balance } = await chain.channel(channelId)
  tell(
    'Another crawler opens a tab. It deposits once, into an escrow on the chain that neither side can rob.',
    `200 OK, and ${usdc(balance)} USDC are in escrow: transaction ${opening.transaction.slice(0, 18)}…`,
  )
  tell(
    `It reads on: ${ARTICLES} articles, ${AT_ONCE} at once, each for an IOU.`,
    'An IOU is a signature over a running total: “of my deposit, so much is yours by now”.',
  )
  const began = performance.now()
  const show = bar(ARTICLES)
  let [charged, done, next] = [opening.tab.charged, 1, 0]
  const read = async () => {
    for (let target = rest[next++]; target !== undefined; target = rest[next++]) {
      const { tab } = await crawler(target)
      charged += tab?.charged ?? 0n
      show(++done)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, read))
  note(`all served in ${seconds(began)}, ${usdc(charged)} USDC on the tab, no transaction on the chain`)
  return { charged, channelId }
}

async function passTheNight({ scheduled }: StackFacts, operator: OperatorBook): Promise<Run> {
  tell('Midnight. The cron fires, and the settlement run takes the last IOU of every tab to the chain.')
  const began = performance.now()
  const fired = await fetch(scheduled)
  if (!fired.ok) throw new Error(`the cron failed: ${fired.status} ${await fired.text()}`)
  while (performance.now() - began < NIGHT_MS) {
    const run = (await operator.runs()).find(({ record }) => record.startedBy === 'cron')
    if (run && run.status !== 'running') {
      const { claimed, swept, transactions } = run.record
      note(`claimed ${usdc(BigInt(claimed))} USDC, swept ${usdc(BigInt(swept))} USDC to the publisher`)
      for (const { kind, rows, gas } of transactions.list) {
        note(`  one transaction to ${kind}, ${kind === 'claim' ? `${rows} tab(s), ` : ''}${gas} gas`)
      }
      note(`the run ${run.id} is ${run.status} after ${seconds(began)}`)
      return run
    }
    await new Promise((done) => setTimeout(done, 100))
  }
  throw new Error('the night’s run did not end')
}

type Parties = Record<'swift' | 'patient' | 'receiver', `0x${string}`>
type Holdings = Record<keyof Parties, bigint>

async function holdings(chain: ChainBook, { swift, patient, receiver }: Parties): Promise<Holdings> {
  const [a, b, c] = await Promise.all([chain.holds(swift), chain.holds(patient), chain.holds(receiver)])
  return { swift: a, patient: b, receiver: c }
}

/** As the chain has it now. */
async function positions(chain: ChainBook, parties: Parties, start: Holdings, day: Day) {
  const now = await holdings(chain, parties)
  const { balance, claimed } = await chain.channel(day.channelId)
  return {
    'crawler that pays at once': { paid: start.swift - now.swift, owes: 0n, holds: now.swift },
    'crawler with a tab': { paid: claimed, owes: day.onTab - claimed, holds: now.patient },
    'its deposit in escrow': { holds: balance - claimed },
    publisher: { holds: now.receiver },
  } satisfies Record<string, Position>
}

function sideBySide(before: Record<string, Position>, after: Record<string, Position>) {
  return Object.fromEntries(
    Object.entries(before).map(([party, position]) => [party, [position, after[party] ?? position]]),
  )
}

/** Four books kept apart: the crawlers' receipts, the accounts, the book in D1, and the chain. They must agree to the unit. */
async function compare(found: {
  day: Day
  run: Run
  received: bigint
  claimed: bigint
  parties: Parties
  operator: OperatorBook
}): Promise<boolean> {
  const { day, run, received, claimed, parties, operator } = found
  const lines = await operator.lines()
  const line = lines.find(({ id }) => id === day.channelId)
  const exact = lines.find(({ kind, payer }) => kind === 'exact' && payer === parties.swift)
  const account = await operator.tab(day.channelId)
  const once = exact ? await operator.atOnce(exact.id) : undefined
  const owed = `${day.onTab}`
  const facts: [string, boolean][] = [
    ['the publisher received what the crawlers’ receipts add up to', received === day.atOnce + day.onTab],
    ['the chain has claimed the whole tab and no more', claimed === day.onTab],
    ['the account in the ledger says the same', account.charged === owed && account.redeemed === owed],
    ['so does the book in D1', line?.totals?.charged === owed && line.totals.redeemed === owed],
    ['the ledger has the one payment at once', once?.payments === 1 && once.received === `${day.atOnce}`],
    [
      'nothing is in doubt',
      once?.inDoubt === 0 && run.status === 'settled' && run.record.findings.count === 0,
    ],
  ]
  console.log()
  for (const [fact, holds] of facts) console.log(`   ${holds ? '✓' : '✗'} ${fact}`)
  return facts.every(([, holds]) => holds)
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`
}
