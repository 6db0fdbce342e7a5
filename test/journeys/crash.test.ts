import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunView as Run } from '../../src/cli/demo/clients.ts'
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
  spentBy,
  type TabCrawler,
} from '../crash/load.ts'
import {
  AGENT,
  fire,
  NIGHTLY,
  openTab,
  PRICE,
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

/** `SEED=… npm test` repeats the times of the kills, within the limits of scheduling. */
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32))
const random = randomFrom(seed)

let site: Site
let before: bigint
let midnight = Date.now()
const readers: TabCrawler[] = []
const buyers: Buyer[] = []

beforeAll(async () => {
  site = await startSite()
  before = await site.coins.holds(site.facts.receiver)
  console.log(`SEED=${seed}`)
})
afterAll(() => site.stop())

/** Expects every receipt once in the journal, and the journal to add up to the account's total. */
async function expectKept(reader: TabCrawler): Promise<void> {
  expect(await channelFaults(site, reader), `SEED=${seed}`).toEqual([])
}

/** Expects a settled run without findings, except exact payments whose page a kill left undelivered. */
function expectSettled({ status, record }: Run): void {
  const { list } = record.findings as { list: { what: string }[] }
  const disputed = list.filter(({ what }) => what !== 'undelivered')
  expect({ status, disputed }, `SEED=${seed}`).toEqual({ status: 'settled', disputed: [] })
}

/** Expects the receiver to hold exactly the amounts charged on channels and paid by `exact`. */
async function expectSquare(): Promise<void> {
  const owed = await owedTo(site, readers, buyers)
  expect((await site.coins.holds(site.facts.receiver)) - before, `SEED=${seed}`).toBe(owed)
}

/** A new buyer, whose payments {@link expectSquare} counts. */
function newBuyer(): Buyer {
  const buyer = atOnce(site)
  buyers.push(buyer)
  return buyer
}

const tonight = () => (midnight += DAY)

describe('site killed under load', { timeout: 90_000 }, () => {
  it('keeps every receipt that it gave, and its channels go on [E2]', async () => {
    const swift = newBuyer()
    for (let round = 1; round <= ROUNDS; round++) {
      readers.push(onTab(openTab(site, site.payer())))
      const now = { gone: false }
      const reading = [...readers.map((one) => buyWhile(one, AT_ONCE, now)), buyWhile(swift, 1, now)]
      await pause(random() * 700)
      const killed = site.kill()
      now.gone = true
      await Promise.all([...reading, killed])
      for (const one of [...readers, swift]) await buyAgain(one)
      for (const one of readers) await expectKept(one)
    }
    expect(await exactFaults(site, swift)).toEqual([])
  })

  it('settles on chain exactly the amounts charged [E2]', async () => {
    const run = await settleAt(site, tonight())
    expectSettled(run)
    // An exact payment in flight at a kill is unresolved here, whether or not it is on the chain.
    for (const buyer of buyers) expect(await exactFaults(site, buyer)).toEqual([])
    await expectSquare()
  })

  it('settles once after a run is killed at any moment [F5]', async () => {
    const [one, two, three] = readers
    for (let round = 1; round <= ROUNDS; round++) {
      for (const reader of [one, two, three]) if (reader) await buyAgain(reader)
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
    const [late, next] = [newBuyer(), newBuyer()]
    const calls = () => site.node.calls('eth_sendRawTransaction')
    const sent = await calls()
    await site.node.misbehave({ method: 'eth_sendRawTransaction', does: 'drop' })
    const lost = late.buy()
    // The relayer sends it again and again while it waits.
    await expect.poll(calls).toBeGreaterThan(sent)
    await Promise.allSettled([lost, site.kill()])
    await site.node.misbehave()
    await next.buy()
    expect(await spentBy(site, late.account)).toBe(PRICE)
    expect(await spentBy(site, next.account)).toBe(PRICE)
  })

  it('finds the claim that was in the pool at the kill, and sends no second one [F6]', async () => {
    const { rpc } = site.chain
    const sent = async () => Number(await rpc('eth_getTransactionCount', [site.relayer, 'pending']))
    const calls = () => site.node.calls('eth_sendRawTransaction')
    for (const reader of readers) await buyAgain(reader)
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
