import { decodePaymentResponseHeader } from '@x402/fetch'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunView as Run } from '../../src/cli/demo/clients.ts'
import type { LocalAccount } from '../../src/testing/chain/chain.ts'
import { exactFetch } from '../upstream.ts'
import {
  AGENT,
  fire,
  journalOf,
  NIGHTLY,
  openTab,
  PRICE,
  type Receipt,
  runAt,
  type Site,
  settleAt,
  startSite,
  type Tab,
} from './site.ts'
import { head, open } from './socket.ts'

const ROUNDS = 5
const AT_ONCE = 4
const DAY = 86_400_000
/** The balance with which each account of the local chain begins, in micro-dollars. */
const FUNDS = 1_000_000_000n

/** `SEED=… npm test` repeats the times of the kills, within the limits of scheduling. */
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32))
const random = mulberry(seed)

let site: Site
let before: bigint
let midnight = Date.now()
const readers: ReturnType<typeof onTab>[] = []
const buyers: Buyer[] = []

beforeAll(async () => {
  site = await startSite()
  before = await site.coins.holds(site.facts.receiver)
  console.log(`SEED=${seed}`)
})
afterAll(() => site.stop())

function mulberry(from: number): () => number {
  let state = from
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms))
}

/** A crawler that outlives the site's restarts and keeps its receipts. */
type Crawler = { receipts: Receipt[]; buy(): Promise<void> }

type Buyer = { account: LocalAccount; hashes: string[]; buy(): Promise<void> }

function onTab(tab: Tab): Crawler & { tab: Tab } {
  const receipts: Receipt[] = []
  let page = 0
  return {
    tab,
    receipts,
    buy: async () => void receipts.push(await tab.buy(`/${tab.account.address}/${++page}`)),
  }
}

function atOnce(): Buyer {
  const account = site.payer()
  const pay = exactFetch(fetch, account, site.facts.rpc)
  const hashes: string[] = []
  const buy = async () => {
    const response = await pay(`${site.facts.url}/once`, { headers: { 'user-agent': AGENT } })
    const body = await response.text()
    if (!response.ok) throw new Error(`not served: ${response.status} ${body}`)
    hashes.push(decodePaymentResponseHeader(response.headers.get('payment-response') ?? '').transaction)
  }
  const buyer = { account, hashes, buy }
  buyers.push(buyer)
  return buyer
}

/** Buys pages, `width` at once, until the site is gone. */
async function read({ buy }: Pick<Crawler, 'buy'>, width: number, site: { gone: boolean }): Promise<void> {
  const reader = async () => {
    while (!site.gone) await buy().catch(() => pause(10))
  }
  await Promise.all(Array.from({ length: width }, reader))
}

/** Retries after an outage until the site serves again. */
async function retryBuy({ buy }: Pick<Crawler, 'buy'>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await buy()
    } catch (fault) {
      if (tries === 20) throw fault
      await pause(50)
    }
  }
}

/** Expects every receipt once in the journal, and the journal to add up to the account's total. */
async function expectKept({ receipts }: Crawler): Promise<void> {
  const [first] = receipts
  if (!first) throw new Error('the crawler never got a receipt')
  const [lines, standing] = [await journalOf(site, first.channelId), await site.books.tab(first.channelId)]
  expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, at) => at + 1))
  let charged = 0n
  const steps = new Map<string, string>()
  for (const line of lines) {
    if (line.kind === 'charge') charged += BigInt(line.amount)
    if (line.kind === 'charge') steps.set(line.charged, line.amount)
    expect(line, `SEED=${seed}`).toMatchObject({ charged: `${charged}`, credit: '0' })
    expect(line.kind).not.toBe('release')
  }
  const written = receipts.map((receipt) => [`${receipt.charged}`, `${receipt.due}`])
  expect(written.filter(([at = '', due]) => steps.get(at) !== due)).toEqual([])
  expect(new Set(written.map(String)).size).toBe(receipts.length)
  expect(standing).toMatchObject({ charged: `${charged}` })
}

/** Expects a settled run without findings, except exact payments whose page a kill left undelivered. */
function expectSettled({ status, record }: Run): void {
  const { list } = record.findings as { list: { what: string }[] }
  const disputed = list.filter(({ what }) => what !== 'undelivered')
  expect({ status, disputed }, `SEED=${seed}`).toEqual({ status: 'settled', disputed: [] })
}

/** Expects the receiver to hold exactly the amounts charged on channels and paid by `exact`. */
async function expectSquare(): Promise<void> {
  const owed = await Promise.all([
    ...readers.map(({ tab }) => tab.charged()),
    ...buyers.map(({ account }) => spentBy(account)),
  ])
  const sum = owed.reduce((all, each) => all + each, 0n)
  expect((await site.coins.holds(site.facts.receiver)) - before, `SEED=${seed}`).toBe(sum)
}

async function spentBy({ address }: LocalAccount): Promise<bigint> {
  return FUNDS - (await site.coins.holds(address))
}

const tonight = () => (midnight += DAY)

describe('site killed under load', { timeout: 90_000 }, () => {
  it('keeps every receipt that it gave, and its channels go on [E2]', async () => {
    const swift = atOnce()
    for (let round = 1; round <= ROUNDS; round++) {
      readers.push(onTab(openTab(site, site.payer())))
      const now = { gone: false }
      const reading = [...readers.map((one) => read(one, AT_ONCE, now)), read(swift, 1, now)]
      await pause(random() * 700)
      const killed = site.kill()
      now.gone = true
      await Promise.all([...reading, killed])
      for (const one of [...readers, swift]) await retryBuy(one)
      for (const one of readers) await expectKept(one)
    }
    expect(new Set(swift.hashes).size).toBe(swift.hashes.length)
  })

  it('settles on chain exactly the amounts charged [E2]', async () => {
    const run = await settleAt(site, tonight())
    expectSettled(run)
    // An exact payment in flight at a kill is unresolved here, whether or not it is on the chain.
    for (const { account, hashes } of buyers) {
      const { received, inDoubt } = await site.books.atOnce(`eip155:84532:${account.address}`)
      const spent = await spentBy(account)
      expect(BigInt(received)).toBeGreaterThanOrEqual(BigInt(hashes.length) * PRICE)
      expect(BigInt(received)).toBeLessThanOrEqual(spent)
      expect(spent).toBeLessThanOrEqual(BigInt(received) + BigInt(inDoubt) * PRICE)
    }
    await expectSquare()
  })

  it('settles once after a run is killed at any moment [F5]', async () => {
    const [one, two, three] = readers
    for (let round = 1; round <= ROUNDS; round++) {
      for (const reader of [one, two, three]) if (reader) await retryBuy(reader)
      const killed = tonight()
      await fire(site, NIGHTLY, killed)
      await pause(random() * 250)
      await site.kill()
      const run = await settleAt(site, tonight())
      expectSettled(run)
      await expectSquare()
      // It had ended, it had not begun, or the next run has marked it as abandoned.
      const found = (await site.books.runs()).find(({ id }) => id === runAt(killed))
      expect(found?.status).not.toBe('running')
    }
  })

  // The timeout is shorter than the time until the relayer's alarm.
  it('sends a transaction that it had signed but not sent, and delays no other [F5]', {
    timeout: 10_000,
  }, async () => {
    const [late, next] = [atOnce(), atOnce()]
    const calls = () => site.node.calls('eth_sendRawTransaction')
    const sent = await calls()
    await site.node.misbehave({ method: 'eth_sendRawTransaction', does: 'drop' })
    const lost = late.buy()
    // The relayer sends it again and again while it waits.
    await expect.poll(calls).toBeGreaterThan(sent)
    await Promise.allSettled([lost, site.kill()])
    await site.node.misbehave()
    await next.buy()
    expect(await spentBy(late.account)).toBe(PRICE)
    expect(await spentBy(next.account)).toBe(PRICE)
  })

  it('finds the claim that was in the pool at the kill, and sends no second one [F6]', async () => {
    const { rpc } = site.chain
    const sent = async () => Number(await rpc('eth_getTransactionCount', [site.relayer, 'pending']))
    const calls = () => site.node.calls('eth_sendRawTransaction')
    for (const reader of readers) await retryBuy(reader)
    const start = await sent()
    await rpc('evm_setAutomine', [false])
    await fire(site, NIGHTLY, tonight())
    await expect.poll(sent, { timeout: 10_000 }).toBe(start + 1)
    await site.kill()
    const before = await calls()
    const next = settleAt(site, tonight())
    // The relayer resends it after the restart, and again for the next run.
    await expect.poll(calls, { timeout: 10_000 }).toBeGreaterThanOrEqual(before + 2)
    await rpc('evm_setAutomine', [true])
    await rpc('evm_mine')
    const run = await next
    expectSettled(run)
    // One claim and its sweep.
    expect(await sent()).toBe(start + 2)
    await expectSquare()
  })
})

describe('crawler that hangs up', { timeout: 30_000 }, () => {
  let tab: Tab

  beforeAll(() => {
    tab = openTab(site, site.payer())
  })

  const request = (path: string, payment: string) =>
    head(
      `GET ${path} HTTP/1.1`,
      `Host: ${new URL(site.facts.url).host}`,
      `User-Agent: ${AGENT}`,
      `PAYMENT-SIGNATURE: ${payment}`,
    )
  const again = (path: string, payment: string) =>
    fetch(site.facts.url + path, { headers: { 'user-agent': AGENT, 'payment-signature': payment } })

  it('pays nothing for an unfinished request [E5]', async () => {
    const payment = await tab.sign('/half')
    const charged = await tab.charged()
    const socket = await open(site.facts.url, request('/half', payment).slice(0, -2))
    socket.destroy()
    await tab.buy('/after')
    expect(await tab.charged()).toBe(charged + PRICE)
  })

  it('gets the page for the same payment after hanging up before the first byte [E5]', async () => {
    const payment = await tab.sign('/slow')
    const charged = await tab.charged()
    const slow = Promise.withResolvers<void>()
    site.origin.answer = async (asked, response) => {
      await slow.promise
      site.origin.page(asked, response)
    }
    const socket = await open(site.facts.url, request('/slow', payment))
    await expect.poll(() => tab.charged()).toBe(charged + PRICE)
    socket.destroy()
    slow.resolve()
    site.origin.answer = site.origin.page
    const response = await again('/slow', payment)
    expect(response.status).toBe(200)
    expect(await response.text()).toContain('/slow')
    expect(await tab.charged()).toBe(charged + PRICE)
  })

  it('pays once and gets the page again, wherever it hung up [E5, I5]', async () => {
    for (let time = 0; time < 15; time++) {
      const path = `/cut/${time}`
      const payment = await tab.sign(path)
      const charged = await tab.charged()
      const socket = await open(site.facts.url, request(path, payment))
      await pause(random() * 12)
      socket.destroy()
      const responses = [await again(path, payment), await again(path, payment)]
      expect(responses.map(({ status }) => status)).toEqual([200, 200])
      expect(await tab.charged(), `SEED=${seed}`).toBe(charged + PRICE)
    }
  })

  it('gets the whole page for the same payment after hanging up in its middle [E5]', async () => {
    const payment = await tab.sign('/long')
    const charged = await tab.charged()
    const long = `${'x'.repeat(1 << 20)}\n`
    site.origin.answer = (_, response) => void response.end(long)
    const socket = await open(site.facts.url, request('/long', payment))
    await new Promise((begun) => socket.once('data', begun))
    socket.destroy()
    const response = await again('/long', payment)
    expect(await response.text()).toBe(long)
    expect(await tab.charged()).toBe(charged + PRICE)
    site.origin.answer = site.origin.page
  })
})
