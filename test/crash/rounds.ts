/** Rounds of kill -9 under mixed load: channels, `exact`, credit, and nightly runs. */
import { plainBot, webBot } from '../journeys/bots.ts'
import { type CreditSite, DAY, enrol, startCreditSite } from '../journeys/credit-site.ts'
import { ended, fire, NIGHTLY, openTab, runAt, settleAt } from '../journeys/site.ts'
import { type CreditCrawler, creditFaults, invoiceFaults, onCredit, payInvoices } from './credit.ts'
import {
  atOnce,
  type Buyer,
  buyAgain,
  buyWhile,
  channelFaults,
  exactFaults,
  onTab,
  owedTo,
  pause,
  randomFrom,
  type TabCrawler,
} from './load.ts'

/** Channels, buyers and credit lines. A channel is opened in each of the first rounds. */
const CHANNELS = 4
const BUYERS = 2
/** Requests at once on each channel and each credit line. */
const AT_ONCE = 3
/** A kill comes within so many milliseconds of load, and within so many of a nightly run. */
const MAX_LOAD_MS = 700
const MAX_NIGHT_MS = 400

/** The result of a round. `night`: whether the kill came during a nightly run. Totals are of all rounds until now. */
export type Round = {
  number: number
  afterMs: number
  night: boolean
  receipts: { channels: number; exact: number; credit: number }
  faults: string[]
}

/** Starts a site and its crawlers. @param seed repeats the times of the kills, within the limits of scheduling */
export async function startCrash(seed: number) {
  const random = randomFrom(seed)
  const site = await startCreditSite()
  const before = await site.coins.holds(site.facts.receiver)
  const tabs: TabCrawler[] = []
  const buyers: Buyer[] = Array.from({ length: BUYERS }, () => atOnce(site))
  const lines: CreditCrawler[] = [
    onCredit(await enrol(site, 'ledger-bot', await webBot('ledger.example'), { creditLimit: '900000000' })),
    onCredit(
      await enrol(site, 'archive-bot', await plainBot('archive.example'), { creditLimit: '900000000' }),
    ),
  ]
  let midnight = (Math.floor(Date.now() / DAY) + 1) * DAY
  let number = 0
  const tonight = () => (midnight += DAY)
  const crawlers = () => [...tabs, ...buyers, ...lines]

  /** Runs load, and kills the runtime in its midst. */
  async function round(): Promise<Round> {
    number++
    if (tabs.length < CHANNELS) tabs.push(onTab(openTab(site, site.payer())))
    const now = { gone: false }
    const buying = crawlers().map((one) => buyWhile(one, buyers.includes(one as Buyer) ? 1 : AT_ONCE, now))
    const night = number % 2 === 0
    const loadMs = Math.floor(random() * MAX_LOAD_MS)
    const nightMs = night ? Math.floor(random() * MAX_NIGHT_MS) : 0
    await pause(loadMs)
    const firing = night ? fire(site, NIGHTLY, tonight()).catch(() => undefined) : undefined
    await pause(nightMs)
    const killed = site.kill()
    now.gone = true
    await Promise.all([...buying, killed, firing])
    for (const one of crawlers()) await buyAgain(one)
    const faults = [...(await ledgerFaults()), ...(night ? await nightFaults() : [])]
    return { number, afterMs: loadMs + nightMs, night, receipts: receipts(), faults }
  }

  function receipts(): Round['receipts'] {
    return {
      channels: tabs.reduce((sum, one) => sum + one.receipts.length, 0),
      exact: buyers.reduce((sum, one) => sum + one.hashes.length, 0),
      credit: lines.reduce((sum, one) => sum + one.answered.size, 0),
    }
  }

  async function ledgerFaults(): Promise<string[]> {
    const faults = await Promise.all([
      ...tabs.map(async (one) => named('channel', await channelFaults(site, one))),
      ...buyers.map(async (one) => named('exact', await exactFaults(site, one))),
      ...lines.map(async (one) => named(one.customer.id, await creditFaults(site, one))),
    ])
    return faults.flat()
  }

  /** Runs the next night to its end: all that was charged must be redeemed, and all credit invoiced. */
  async function nightFaults(): Promise<string[]> {
    const night = tonight()
    const faults = runFaults(await settleAt(site, night))
    faults.push(...runFaults(await ended(site, runAt(night, 'bill'))))
    const [held, owed] = [await site.coins.holds(site.facts.receiver), await owedTo(site, tabs, buyers)]
    if (held - before !== owed) faults.push(`the receiver has ${held - before} of ${owed}`)
    for (const line of lines) {
      faults.push(...named(line.customer.id, await invoiceFaults(line)))
      await payInvoices(site, line)
    }
    return faults
  }

  return { round, nightFaults, site: site as CreditSite, stop: () => site.stop() }
}

/** A run must end settled. A page of `exact` that a kill left undelivered is a finding, and no fault. */
function runFaults({ id, status, record }: Awaited<ReturnType<typeof settleAt>>): string[] {
  const { list } = record.findings as { list: { what: string }[] }
  const disputed = list.filter(({ what }) => what !== 'undelivered')
  return [
    ...(status === 'settled' ? [] : [`${id} ended ${status}`]),
    ...disputed.map((finding) => `${id} found ${JSON.stringify(finding)}`),
  ]
}

function named(name: string, faults: string[]): string[] {
  return faults.map((fault) => `${name}: ${fault}`)
}
