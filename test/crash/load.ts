/** Crawlers that outlive the restarts of a site, and what must be true of it afterwards. */
import { decodePaymentResponseHeader } from '@x402/fetch'
import type { LocalAccount } from '../../src/testing/chain/chain.ts'
import { AGENT, journalOf, PRICE, type Receipt, type Site, type Tab } from '../journeys/site.ts'
import { exactFetch } from '../upstream.ts'

/** The balance with which each account of the local chain begins, in micro-dollars. */
const FUNDS = 1_000_000_000n
const RETRIES = 20

/** A crawler. `buy` throws when the page was not served. */
export type Crawler = { buy(): Promise<void> }

/** A crawler with a channel, and its receipts. */
export type TabCrawler = Crawler & { tab: Tab; receipts: Receipt[] }

/** A crawler that pays by `exact`, and the hashes of its transfers. */
export type Buyer = Crawler & { account: LocalAccount; hashes: string[] }

/** Numbers from 0 to 1, equal for equal seeds (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms))
}

/** A crawler that buys another page each time. */
export function onTab(tab: Tab): TabCrawler {
  const receipts: Receipt[] = []
  let page = 0
  return {
    tab,
    receipts,
    buy: async () => void receipts.push(await tab.buy(`/${tab.account.address}/${++page}`)),
  }
}

/** A crawler that buys the same page each time. */
export function atOnce(site: Site): Buyer {
  const account = site.payer()
  const pay = exactFetch(fetch, account, site.facts.rpc)
  const hashes: string[] = []
  const buy = async () => {
    const response = await pay(`${site.facts.url}/once`, { headers: { 'user-agent': AGENT } })
    const body = await response.text()
    if (!response.ok) throw new Error(`not served: ${response.status} ${body}`)
    hashes.push(decodePaymentResponseHeader(response.headers.get('payment-response') ?? '').transaction)
  }
  return { account, hashes, buy }
}

/** Buys pages, `width` at once, until the site is gone. */
export async function buyWhile(crawler: Crawler, width: number, site: { gone: boolean }): Promise<void> {
  const reader = async () => {
    while (!site.gone) await crawler.buy().catch(() => pause(10))
  }
  await Promise.all(Array.from({ length: width }, reader))
}

/** Buys after an outage, again and again until the site serves. @throws the last fault */
export async function buyAgain(crawler: Crawler): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await crawler.buy()
    } catch (fault) {
      if (tries === RETRIES) throw fault
      await pause(50)
    }
  }
}

/** The faults in a channel's journal: it must hold every receipt once, and add up to what was charged. */
export async function channelFaults(site: Site, { receipts }: TabCrawler): Promise<string[]> {
  const [first] = receipts
  if (!first) return ['the crawler never got a receipt']
  const [entries, standing] = [await journalOf(site, first.channelId), await site.books.tab(first.channelId)]
  const faults: string[] = []
  const steps = new Map<string, string>()
  let charged = 0n
  for (const [at, { seq, kind, amount, charged: total, credit }] of entries.entries()) {
    if (kind === 'charge') {
      charged += BigInt(amount)
      steps.set(total, amount)
    }
    if (seq !== at + 1) faults.push(`entry ${at + 1} has the number ${seq}`)
    if (kind === 'release') faults.push(`entry ${seq} is a release`)
    if (total !== `${charged}` || credit !== '0') faults.push(`entry ${seq} states ${total}, not ${charged}`)
  }
  for (const receipt of receipts)
    if (steps.get(`${receipt.charged}`) !== `${receipt.due}`)
      faults.push(`receipt ${receipt.charged} is lost`)
  if (new Set(receipts.map((receipt) => receipt.charged)).size < receipts.length)
    faults.push('one charge has two receipts')
  if (standing.charged !== `${charged}`) faults.push(`charged ${standing.charged}, entries ${charged}`)
  return faults
}

/** The differences between the ledger and the chain about the payments of one buyer. */
export async function exactFaults(site: Site, { account, hashes }: Buyer): Promise<string[]> {
  const { received, inDoubt } = await site.books.atOnce(`eip155:84532:${account.address}`)
  const spent = await spentBy(site, account)
  const faults: string[] = []
  if (new Set(hashes).size < hashes.length) faults.push('one transfer has two receipts')
  if (BigInt(received) < BigInt(hashes.length) * PRICE)
    faults.push(`${hashes.length} receipts, ${received} received`)
  if (BigInt(received) > spent) faults.push(`${received} received, ${spent} spent`)
  if (spent > BigInt(received) + BigInt(inDoubt) * PRICE) faults.push(`${spent} spent, ${received} received`)
  return faults
}

/** The amount that an account of the local chain has spent, in micro-dollars. */
export async function spentBy(site: Site, { address }: LocalAccount): Promise<bigint> {
  return FUNDS - (await site.coins.holds(address))
}

/** The amount that the receiver must have after a settled run: all that was charged on channels, and all that was paid at once. */
export async function owedTo(site: Site, tabs: TabCrawler[], buyers: Buyer[]): Promise<bigint> {
  const amounts = await Promise.all([
    ...tabs.map(({ tab }) => tab.charged()),
    ...buyers.map(({ account }) => spentBy(site, account)),
  ])
  return amounts.reduce((sum, amount) => sum + amount, 0n)
}
