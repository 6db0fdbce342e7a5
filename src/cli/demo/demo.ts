/** `npm run demo`: a day at a paywall and the nights after it, on chain and on credit, with everybody's books compared. */
import { decodePaymentRequiredHeader } from '@x402/core/http'
import { articlePaths } from '../../testing/stack/origin.ts'
import { type StackFacts, startStack } from '../../testing/stack/stack.ts'
import { type Crawler, payAtOnce, runATab } from '../pay/crawler.ts'
import { type ChainBook, chainBook, type OperatorBook, operatorBook, type Run } from './books.ts'
import {
  collect,
  creditFacts,
  giveCredit,
  MIRROR_RULE,
  readOnCredit,
  type Standing,
  total,
} from './credit.ts'
import { type Mailbox, openMailbox } from './mailbox.ts'
import { nextMidnight, passNight } from './night.ts'
import { bar, creditTable, note, type Position, table, tell, usdc } from './show.ts'

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const ARTICLES = 200
const AT_ONCE = 16

/** The terms of the day: they do not follow what somebody tries out in wrangler.toml. */
const TERMS = {
  PRICE: '0.001',
  SCHEMES: '["channel","exact","credit"]',
  RULES: JSON.stringify([MIRROR_RULE]),
  MIN_DEPOSIT: '0.25',
}

/** What the crawlers know of the day by their own receipts. Atomic units. */
type Day = { requests: number; atOnce: bigint; onTab: bigint; channelId: `0x${string}` }

type Facts = [fact: string, holds: boolean][]

type Verdict = {
  requests: number
  charged: bigint
  claimed: bigint
  received: bigint
  credit: Standing
  facts: Facts
}

console.log('tab402: crawlers run a tab, publishers get paid every night.\n')
console.log('Starting a chain, a small publisher’s site, and the Worker in workerd, all on this machine …')
const began = performance.now()
const said: string[] = []
const mailbox = await openMailbox()
try {
  const stack = await startStack({ vars: { ...TERMS, ...mailbox.vars } }, (line) => said.push(line))
  note(`ready after ${seconds(began)}: ${stack.url} in front of ${stack.origin}`)
  const verdict = await liveADay(stack, mailbox).finally(() => stack.stop())
  const ok = verdict.facts.every(([, holds]) => holds)
  note(`${seconds(began)} in all`)
  console.log(`\n${write({ ok, ...figures(verdict) })}`)
  process.exitCode = ok ? 0 : 1
} catch (cause) {
  console.error(cause)
  if (said.length > 0) console.error(`The Worker said:\n${said.slice(-20).join('\n')}`)
  console.log(JSON.stringify({ ok: false }))
  process.exitCode = 1
} finally {
  await mailbox.stop()
}

async function liveADay(stack: StackFacts, mailbox: Mailbox): Promise<Verdict> {
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
  const debtors = await giveCredit(stack)
  await readOnCredit(stack, debtors)
  const day: Day = { requests: 1 + ARTICLES, atOnce: price, onTab: tab.charged, channelId: tab.channelId }

  const evening = await positions(chain, parties, start, day)
  const midnight = nextMidnight(Date.now())
  const run = await passTheFirst(stack, operator, midnight)
  const morning = await positions(chain, parties, start, day)
  tell('Morning. What everybody who pays on the chain has paid, owes and holds:')
  console.log(`\n${table(['before the night', 'after the night'], sideBySide(evening, morning))}`)
  const received = (await chain.holds(receiver)) - start.receiver
  const { claimed } = await chain.channel(day.channelId)

  const outcome = await collect({ stack, debtors, operator, chain, mailbox, midnight })
  tell(
    'Four weeks later. What the crawlers on credit were charged and invoiced, have paid, and owe too late:',
  )
  const rows = sideBySide(outcome.worst, outcome.end)
  console.log(`\n${creditTable(['when IdleBot was cut off', 'in the end'], rows)}`)

  const facts = await compare({ day, run, received, claimed, parties, operator })
  facts.push(...creditFacts(debtors, outcome))
  console.log()
  for (const [fact, holds] of facts) console.log(`   ${holds ? '✓' : '✗'} ${fact}`)
  const charged = day.atOnce + day.onTab
  const requests = day.requests + Object.values(debtors).reduce((sum, { pages }) => sum + pages, 0)
  return { requests, charged, claimed, received, credit: total(outcome.end), facts }
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
  for (const { scheme, amount, asset } of accepts) {
    note(
      `  ${usdc(BigInt(amount))} ${asset === 'USD' ? 'USD' : 'USDC'} ${howToPay(scheme, asset)} (x402 “${scheme}”)`,
    )
  }
  const exact = accepts.find(({ scheme }) => scheme === 'exact')
  if (!exact) throw new Error('exact is not offered')
  return BigInt(exact.amount)
}

function howToPay(scheme: string, asset: string): string {
  if (scheme === 'exact') return 'at once, by a signed transfer'
  return asset === 'USD' ? 'by invoice, on credit' : 'later, by a signed IOU against a deposit'
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

async function passTheFirst(stack: StackFacts, operator: OperatorBook, midnight: number): Promise<Run> {
  tell(
    'Midnight. The cron fires: the last IOU of every tab goes to the chain, every credit line gets its bill.',
  )
  const began = performance.now()
  const run = await passNight(stack, operator, midnight)
  const { claimed, swept, transactions, bill } = run.record
  note(`claimed ${usdc(BigInt(claimed))} USDC, swept ${usdc(BigInt(swept))} USDC to the publisher`)
  for (const { kind, rows, gas } of transactions.list) {
    note(
      `  one transaction to ${kind}, ${kind === 'claim' ? `${rows} ${rows === 1 ? 'tab' : 'tabs'}, ` : ''}${gas} gas`,
    )
  }
  if (bill) {
    const invoiced = usdc(BigInt(bill.invoiced))
    note(`stated ${bill.statements} periods, sent ${bill.invoices} invoices over $${invoiced}`)
  }
  note(`the run ${run.id} is ${run.status} after ${seconds(began)}`)
  return run
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

function sideBySide<Row>(before: Record<string, Row>, after: Record<string, Row>): Record<string, Row[]> {
  return Object.fromEntries(Object.entries(before).map(([party, row]) => [party, [row, after[party] ?? row]]))
}

/** Four books kept apart: the crawlers' receipts, the accounts, the book in D1, and the chain. They must agree to the unit. */
async function compare(found: {
  day: Day
  run: Run
  received: bigint
  claimed: bigint
  parties: Parties
  operator: OperatorBook
}): Promise<Facts> {
  const { day, run, received, claimed, parties, operator } = found
  const lines = await operator.lines()
  const line = lines.find(({ id }) => id === day.channelId)
  const exact = lines.find(({ kind, payer }) => kind === 'exact' && payer === parties.swift)
  const account = await operator.tab(day.channelId)
  const once = exact ? await operator.atOnce(exact.id) : undefined
  const owed = `${day.onTab}`
  return [
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
}

/** What the last line says. Amounts in micro-dollars, as decimal strings. */
function figures({ requests, charged, claimed, received, credit }: Verdict) {
  const { invoiced, paid, pastDue } = credit
  return {
    requests,
    charged,
    claimed,
    received,
    credit: { charged: credit.charged, invoiced, paid, pastDue },
  }
}

function write(figures: object): string {
  return JSON.stringify(figures, (_, value) => (typeof value === 'bigint' ? value.toString() : value))
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`
}
