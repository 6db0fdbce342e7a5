/** The demo: a day on chain, a month on credit, and a comparison of all parties' records. */
import { decodePaymentRequiredHeader } from '@x402/core/http'
import { resolveLocalhost } from '../../testing/localhost.ts'
import { articlePaths } from '../../testing/stack/origin.ts'
import { type StackFacts, startStack } from '../../testing/stack/stack.ts'
import { printJson, talk } from '../command.ts'
import { formatUsd } from '../money.ts'
import { type PayingCrawler, payAtOnce, payByVoucher } from '../pay/crawler.ts'
import { type ChainReader, chainReader, type OperatorClient, operatorClient } from './clients.ts'
import { creditFacts, giveCredit, MIRROR_RULE, passCreditMonth, readOnCredit, total } from './credit.ts'
import { type Mailbox, openMailbox } from './mailbox.ts'
import { type Night, nextMidnight, runNightly } from './nightly.ts'
import { type Earned, earnings } from './publishers.ts'
import {
  bar,
  type CreditPosition,
  creditTable,
  earningsTable,
  mute,
  note,
  type Position,
  positionTable,
  result,
  step,
} from './show.ts'

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const ARTICLES = 200
const PARALLEL = 16
/** The second publisher has each article of so many. */
const SHARE = 4
const MAX_LOG_LINES = 20

/** The settings of the demo. They win over wrangler.toml, so that edits there do not change the figures. */
const TERMS = {
  PRICE: '0.001',
  SCHEMES: '["channel","exact","credit"]',
  RULES: JSON.stringify([MIRROR_RULE]),
  PRESET: 'none',
  MIN_DEPOSIT: '0.25',
}

/** The day by the crawlers' own receipts, in atomic units. */
type Day = { requests: number; atOnce: bigint; onChannel: bigint; channelId: `0x${string}` }

type Facts = [fact: string, holds: boolean][]

type Verdict = {
  requests: number
  charged: bigint
  claimed: bigint
  received: bigint
  credit: CreditPosition
  facts: Facts
}

/**
 * Runs the demo: the story on stderr unless `quiet`, the figures as one line of JSON on stdout.
 * Returns 0 if all records agree, else 1.
 */
export async function runDemo({ quiet }: { quiet: boolean }): Promise<number> {
  if (quiet) mute()
  note('tab402: crawlers run a tab, publishers get paid every midnight (UTC).\n')
  note('Starting a chain, the sites of three publishers and the Worker on this machine …')
  resolveLocalhost()
  const began = performance.now()
  const log: string[] = []
  const mailbox = await openMailbox()
  try {
    const stack = await startStack({ vars: { ...TERMS, ...mailbox.vars } }, (line) => log.push(line))
    result(`ready after ${seconds(began)}: ${stack.url} in front of ${stack.origin}`)
    const verdict = await passDayAndMonth(stack, mailbox).finally(() => stack.stop())
    const ok = verdict.facts.every(([, holds]) => holds)
    result(`${seconds(began)} in all`)
    note('')
    printJson({ ok, ...figures(verdict) })
    return ok ? 0 : 1
  } catch (cause) {
    console.error(cause)
    if (log.length > 0) talk(`The Worker logged:\n${log.slice(-MAX_LOG_LINES).join('\n')}`)
    printJson({ ok: false })
    return 1
  } finally {
    await mailbox.stop()
  }
}

async function passDayAndMonth(stack: StackFacts, mailbox: Mailbox): Promise<Verdict> {
  const { accounts, receiver, rpc } = stack
  const chain = chainReader(stack)
  const operator = operatorClient(stack)
  const [swift, patient] = accounts
  if (!swift || !patient) throw new Error('the chain must have two accounts')
  const parties = { swift: swift.address, patient: patient.address, receiver }
  const start = await holdings(chain, parties)

  const page = await readFree(stack)
  const price = await askPrice(stack)
  await buyAtOnce(stack, payAtOnce(swift.privateKey, rpc), page)
  const channel = await readOnChannel(stack, payByVoucher(patient.privateKey, rpc), chain)
  const debtors = await giveCredit(stack)
  await readOnCredit(stack, debtors)
  const day: Day = {
    requests: 1 + ARTICLES,
    atOnce: price,
    onChannel: channel.charged,
    channelId: channel.channelId,
  }

  const evening = await positions(chain, parties, start, day)
  const earnedBefore = await earnings(stack)
  const midnight = nextMidnight(Date.now())
  const night = await settle(stack, operator, midnight)
  const morning = await positions(chain, parties, start, day)
  step('Morning. Amounts paid, owed and held by all who pay on chain:')
  note(`\n${positionTable(['before the run', 'after the run'], sideBySide(evening, morning))}`)
  const earned = await earnings(stack)
  step(
    'Each publisher’s part of it, by the journals. Two share the operator’s wallet, one charges nothing yet:',
  )
  note(`\n${earningsTable(['before the run', 'after the run'], parts(stack, earnedBefore, earned))}`)
  const received = (await chain.holds(receiver)) - start.receiver
  const { claimed } = await chain.channel(day.channelId)

  const month = await passCreditMonth({ stack, debtors, operator, chain, mailbox, midnight })
  step('Four weeks later. Amounts charged, invoiced, paid and past due for the crawlers on credit:')
  const rows = sideBySide(month.worst, month.end)
  note(`\n${creditTable(['when IdleBot was cut off', 'at the end'], rows)}`)

  const facts = await compare({ day, night, received, claimed, parties, operator })
  facts.push(...publisherFacts(stack, day, earned), ...creditFacts(debtors, month))
  note('')
  for (const [fact, holds] of facts) result(`${holds ? '✓' : '✗'} ${fact}`)
  const charged = day.atOnce + day.onChannel
  const requests = day.requests + Object.values(debtors).reduce((sum, { pages }) => sum + pages, 0)
  return { requests, charged, claimed, received, credit: total(month.end), facts }
}

async function readFree({ url, origin, paths }: StackFacts): Promise<string> {
  const response = await fetch(`${url}${paths.charged}`, { headers: { 'user-agent': BROWSER } })
  const page = await response.text()
  const same = page === (await (await fetch(`${origin}${paths.charged}`)).text())
  if (!response.ok || !same) throw new Error(`the reader must get the page, but got ${response.status}`)
  step(
    `A person opens ${paths.charged} in a browser.`,
    `200 OK: the publisher’s page, ${page.length} characters, free.`,
  )
  return page
}

async function askPrice({ url, paths }: StackFacts): Promise<bigint> {
  const response = await fetch(`${url}${paths.charged}`, { headers: { 'user-agent': 'GPTBot' } })
  const header = response.headers.get('payment-required')
  if (response.status !== 402 || header === null)
    throw new Error(`the crawler must get a 402, but got ${response.status}`)
  const { accepts } = decodePaymentRequiredHeader(header)
  step('A crawler, GPTBot, asks for the same page without a payment.', '402 Payment Required. It can pay:')
  for (const { scheme, amount, asset } of accepts) {
    result(
      `  ${formatUsd(BigInt(amount))} ${asset === 'USD' ? 'USD' : 'USDC'} ${howToPay(scheme, asset)} (x402 “${scheme}”)`,
    )
  }
  const exact = accepts.find(({ scheme }) => scheme === 'exact')
  if (!exact) throw new Error('the 402 must offer exact')
  return BigInt(exact.amount)
}

function howToPay(scheme: string, asset: string): string {
  if (scheme === 'exact') return 'at once, by a signed transfer'
  return asset === 'USD' ? 'later, by invoice on credit' : 'later, by a signed IOU on a deposit'
}

async function buyAtOnce({ url, paths }: StackFacts, crawler: PayingCrawler, page: string): Promise<void> {
  const began = performance.now()
  const { body, transaction } = await crawler(`${url}${paths.charged}`)
  if (body !== page) throw new Error('the crawler must get the page that the reader got')
  step(
    'A crawler pays at once. It signs a transfer. The Worker sends it to the chain, then serves the page.',
    `200 OK after ${seconds(began)}, one transaction: ${transaction.slice(0, 18)}…`,
  )
}

/** Opens a channel with the first article and reads the others on it, many at once, on the hosts of two publishers. */
async function readOnChannel({ sites }: StackFacts, crawler: PayingCrawler, chain: ChainReader) {
  const paths = articlePaths()
  const hosts = sites.filter(({ mode }) => mode === 'live').map(({ url }) => url)
  const urls = Array.from(
    { length: ARTICLES },
    (_, index) => `${hosts[index % SHARE === 0 ? 1 : 0]}${paths[index % paths.length]}`,
  )
  const [first = '', ...rest] = urls
  const opening = await crawler(first)
  if (!opening.channel) throw new Error('the receipt must name a channel')
  const { channelId } = opening.channel
  const { balance } = await chain.channel(channelId)
  step(
    'Another crawler opens a channel. It deposits once, into an escrow contract that protects both sides.',
    `200 OK, and ${formatUsd(balance)} USDC are in escrow: transaction ${opening.transaction.slice(0, 18)}…`,
  )
  step(
    `It reads ${ARTICLES} articles on the hosts of two publishers, ${PARALLEL} in parallel, each for an IOU.`,
    'An IOU is a signature over a running total: “of my deposit, $0.20 is yours by now”.',
    'The deposit is to the wallet of the operator, so it pays on both hosts.',
  )
  const began = performance.now()
  const show = bar(ARTICLES)
  let [charged, done, next] = [opening.channel.charged, 1, 0]
  const read = async () => {
    for (let target = rest[next++]; target !== undefined; target = rest[next++]) {
      const { channel } = await crawler(target)
      charged += channel?.charged ?? 0n
      show(++done)
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, read))
  result(`all served in ${seconds(began)}, ${formatUsd(charged)} USDC owed, no transaction`)
  return { charged, channelId }
}

async function settle(stack: StackFacts, operator: OperatorClient, midnight: number): Promise<Night> {
  step('Midnight. One run claims the last IOU of every channel on chain, another bills every credit line.')
  const began = performance.now()
  const night = await runNightly(stack, operator, midnight)
  const { settlement, billing } = night
  const { claimed, swept, transactions } = settlement.record
  const { bill } = billing.record
  result(
    `claimed ${formatUsd(BigInt(claimed))} USDC, swept ${formatUsd(BigInt(swept))} USDC to the publisher`,
  )
  for (const { kind, rows, gas } of transactions.list) {
    result(
      `  one transaction to ${kind}, ${kind === 'claim' ? `${rows} ${rows === 1 ? 'channel' : 'channels'}, ` : ''}${gas} gas`,
    )
  }
  if (bill) {
    const invoiced = formatUsd(BigInt(bill.invoiced))
    result(`issued ${bill.statements} statements and ${bill.invoices} invoices, $${invoiced} in total`)
  }
  const both = [settlement, billing].map(({ id, status }) => `${id} is ${status}`).join(' and ')
  result(`${both} after ${seconds(began)}`)
  return night
}

type Parties = Record<'swift' | 'patient' | 'receiver', `0x${string}`>
type Holdings = Record<keyof Parties, bigint>

async function holdings(chain: ChainReader, { swift, patient, receiver }: Parties): Promise<Holdings> {
  const [a, b, c] = await Promise.all([chain.holds(swift), chain.holds(patient), chain.holds(receiver)])
  return { swift: a, patient: b, receiver: c }
}

/** The positions on the chain now. */
async function positions(chain: ChainReader, parties: Parties, start: Holdings, day: Day) {
  const now = await holdings(chain, parties)
  const { balance, claimed } = await chain.channel(day.channelId)
  return {
    'crawler that pays at once': { paid: start.swift - now.swift, owes: 0n, holds: now.swift },
    'crawler on a channel': { paid: claimed, owes: day.onChannel - claimed, holds: now.patient },
    'its deposit in escrow': { holds: balance - claimed },
    publisher: { holds: now.receiver },
  } satisfies Record<string, Position>
}

function parts({ sites }: StackFacts, before: Map<string, Earned>, after: Map<string, Earned>) {
  const none = { charged: 0n, received: 0n }
  const rows = sites.map(({ id, mode }): [string, Earned[]] => [
    mode === 'shadow' ? `${id}, in shadow mode` : id,
    [before.get(id) ?? none, after.get(id) ?? none],
  ])
  return Object.fromEntries(rows)
}

/** The journals name the site of each charge, so the parts must add up to the day. */
function publisherFacts({ sites }: StackFacts, day: Day, earned: Map<string, Earned>): Facts {
  const of = (id: string | undefined) => earned.get(id ?? '')
  const [first, second, trial] = sites.map(({ id }) => of(id))
  const charged = (first?.charged ?? 0n) + (second?.charged ?? 0n)
  const isReceived = [first, second].every((part) => part && part.received === part.charged)
  return [
    [
      'the parts of the publishers add up to the day, and each was received',
      charged === day.atOnce + day.onChannel && isReceived,
    ],
    [
      'one deposit paid on the hosts of two publishers',
      (second?.charged ?? 0n) > 0n && second?.charged !== day.onChannel,
    ],
    ['the publisher in shadow mode charged nothing', trial?.charged === 0n],
  ]
}

function sideBySide<Row>(before: Record<string, Row>, after: Record<string, Row>): Record<string, Row[]> {
  return Object.fromEntries(Object.entries(before).map(([party, row]) => [party, [row, after[party] ?? row]]))
}

/** Compares four separate records: the crawlers' receipts, the accounts, the read model in D1, and the chain. */
async function compare(found: {
  day: Day
  night: Night
  received: bigint
  claimed: bigint
  parties: Parties
  operator: OperatorClient
}): Promise<Facts> {
  const { day, night, received, claimed, parties, operator } = found
  const lines = await operator.lines()
  const line = lines.find(({ id }) => id === day.channelId)
  const exact = lines.find(({ kind, payer }) => kind === 'exact' && payer === parties.swift)
  const account = await operator.tab(day.channelId)
  const once = exact ? await operator.atOnce(exact.id) : undefined
  const owed = `${day.onChannel}`
  return [
    ['the publisher received the sum of the crawlers’ receipts', received === day.atOnce + day.onChannel],
    ['the claim on chain covers all IOUs, and no more', claimed === day.onChannel],
    ['the account in the ledger has the same totals', account.charged === owed && account.redeemed === owed],
    [
      'the read model in D1 has the same totals',
      line?.totals?.charged === owed && line.totals.redeemed === owed,
    ],
    [
      'the ledger has the one payment of the first crawler',
      once?.payments === 1 && once.received === `${day.atOnce}`,
    ],
    [
      'no payment is unresolved',
      once?.inDoubt === 0 &&
        [night.settlement, night.billing].every(
          ({ status, record }) => status === 'settled' && record.findings.count === 0,
        ),
    ],
  ]
}

/** The figures for stdout. Amounts in micro-dollars. */
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

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`
}
