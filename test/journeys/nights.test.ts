import { decodePaymentResponseHeader } from '@x402/fetch'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Hex } from '../../src/protocol/evm/hex.ts'
import type { LocalAccount } from '../../src/testing/chain/chain.ts'
import { exactFetch } from '../upstream.ts'
import {
  AGENT,
  accountOf,
  CANARY,
  ended,
  errorOf,
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

const DAY = 86_400_000
const SETTLED = { status: 'settled', record: { findings: { count: 0 } } }

let site: Site
let midnight = Date.now()
let before: bigint

/** The sum of all receipts, in micro-dollars. */
let owed = 0n
const tabs: Tab[] = []
const buyers: LocalAccount[] = []

beforeAll(async () => {
  site = await startSite()
  before = await site.coins.holds(site.facts.receiver)
  site.origin.answer = (asked, response) => {
    if (asked.url?.startsWith('/broken')) response.writeHead(500).end('out of order')
    else site.origin.page(asked, response)
  }
  for (let count = 0; count < 3; count++) tabs.push(openTab(site, site.payer()))
  for (let count = 0; count < 2; count++) buyers.push(site.payer())
})
afterAll(() => site.stop())

const tonight = () => (midnight += DAY)
const received = async () => (await site.coins.holds(site.facts.receiver)) - before
const transactions = async () =>
  Number(await site.chain.rpc('eth_getTransactionCount', [site.relayer, 'latest']))

/** Sends a payment unchanged. */
function pay(path: string, payment: string): Promise<Response> {
  return fetch(site.facts.url + path, { headers: { 'user-agent': AGENT, 'payment-signature': payment } })
}

/** A day of a crawler on a channel: pages, several at once, one that the origin fails, and one lost answer. */
async function readOnTab(tab: Tab, day: string): Promise<void> {
  const bought = [await tab.buy(`/${day}/first`)]
  const pages = Array.from({ length: 4 }, (_, page) => tab.buy(`/${day}/${page}`))
  bought.push(...(await Promise.all(pages)))
  owed += bought.reduce((sum, { due }) => sum + due, 0n)
  expect((await tab.ask(`/broken/${day}`)).status).toBe(500)
  const payment = await tab.sign(`/${day}/lost`)
  const answers = [await pay(`/${day}/lost`, payment), await pay(`/${day}/lost`, payment)]
  expect(answers.map(({ status }) => status)).toEqual([200, 200])
  // Signing bought a page too.
  owed += 2n * PRICE
}

/** The same day of a crawler that pays by `exact`. */
async function buyAtOnce(account: LocalAccount, day: string): Promise<void> {
  let payment = ''
  const tap: typeof fetch = async (input, init) => {
    const request = new Request(input, init)
    payment = request.headers.get('payment-signature') ?? payment
    return fetch(request)
  }
  const buy = exactFetch(tap, account, site.facts.rpc)
  const headers = { 'user-agent': AGENT }
  const page = await buy(`${site.facts.url}/${day}/once`, { headers })
  expect([page.status, await page.text()]).toEqual([200, `/${day}/once: ${CANARY}\n`])
  const again = await pay(`/${day}/once`, payment)
  const [first, second] = [page, again].map(({ headers }) =>
    decodePaymentResponseHeader(headers.get('payment-response') ?? ''),
  )
  expect(second?.transaction).toBe(first?.transaction)
  expect((await buy(`${site.facts.url}/broken/${day}`, { headers })).status).toBe(500)
  owed += PRICE
}

async function buyForADay(day: string): Promise<void> {
  await Promise.all([
    ...tabs.map((tab) => readOnTab(tab, day)),
    ...buyers.map((account) => buyAtOnce(account, day)),
  ])
}

/** Expects accounts, read model and chain to agree, and the receiver to hold the amount charged for deliveries. */
async function expectSquare(): Promise<void> {
  const lines = await site.books.lines()
  let sum = 0n
  for (const { id, kind, totals } of lines) {
    if (kind === 'exact') {
      const { received, inDoubt } = await site.books.atOnce(id)
      expect(inDoubt).toBe(0)
      sum += BigInt(received)
      continue
    }
    const account = await site.books.tab(id as Hex)
    const { claimed } = await site.coins.channel(id as Hex)
    expect(totals).toMatchObject({ charged: account.charged, redeemed: account.redeemed })
    expect([account.charged, account.redeemed]).toEqual([`${claimed}`, `${claimed}`])
    sum += claimed
  }
  expect(lines).toHaveLength(tabs.length + buyers.length)
  expect(await received()).toBe(sum)
}

describe('nightly settlement of a site', { timeout: 60_000 }, () => {
  it('transfers exactly the charges of the day to the receiver', async () => {
    await buyForADay('one')
    const run = await settleAt(site, tonight())
    expect(run).toMatchObject(SETTLED)
    expect(await received()).toBe(owed)
    await expectSquare()
  })

  it('settles two days once after a missed run, however often the next one is fired [F2, F3]', async () => {
    await buyForADay('two')
    tonight()
    await buyForADay('three')
    const [sent, last, other] = [await transactions(), tonight(), midnight + 1_000]
    await Promise.all([last, last, other].map((time) => fire(site, NIGHTLY, time)))
    const runs = [await ended(site, runAt(last)), await ended(site, runAt(other))]
    expect(runs).toMatchObject([SETTLED, SETTLED])
    expect((await site.books.runs()).filter(({ id }) => id === runAt(last))).toHaveLength(1)
    // One claim of all channels and one sweep, whichever run sent them.
    expect((await transactions()) - sent).toBe(2)
    expect(await received()).toBe(owed)
    await expectSquare()
  })

  it('sends no transaction after a day without requests', async () => {
    const [sent, had] = [await transactions(), await received()]
    expect(await settleAt(site, tonight())).toMatchObject(SETTLED)
    expect([await transactions(), await received()]).toEqual([sent, had])
  })

  it('settles by day when the operator starts a run', async () => {
    await buyForADay('four')
    const { url, token } = site.facts.operator
    const headers = { authorization: `Bearer ${token}` }
    const answer = await fetch(`${url}/runs`, { method: 'POST', headers })
    const { id } = (await answer.json()) as { id: string }
    expect(await ended(site, id)).toMatchObject({ ...SETTLED, record: { startedBy: 'operator' } })
    expect(await received()).toBe(owed)
    await expectSquare()
  })

  it('adds account balance for a page that failed after its charge was claimed', async () => {
    const [tab] = tabs
    if (!tab) throw new Error('a tab must exist')
    const { channelId } = await tab.buy('/before')
    const claimed = Promise.withResolvers<void>()
    const { answer } = site.origin
    site.origin.answer = async (_, response) => {
      await claimed.promise
      response.writeHead(500).end('out of order')
    }
    const charged = await tab.charged()
    const failing = tab.ask('/fails-in-the-morning')
    await expect.poll(() => tab.charged()).toBe(charged + PRICE)
    expect(await settleAt(site, tonight())).toMatchObject(SETTLED)
    claimed.resolve()
    expect((await failing).status).toBe(500)
    site.origin.answer = answer
    expect((await accountOf(site, channelId)).standing).toMatchObject({
      charged: `${charged + PRICE}`,
      credit: `${PRICE}`,
    })
    expect(await tab.buy('/made-up-for')).toMatchObject({ due: 0n, charged: charged + PRICE })
    expect(await tab.buy('/next')).toMatchObject({ due: PRICE, charged: charged + 2n * PRICE })
    owed += 3n * PRICE
    expect(await settleAt(site, tonight())).toMatchObject(SETTLED)
    expect(await received()).toBe(owed)
    await expectSquare()
  })
})

describe('deposit that is not mined', { timeout: 60_000 }, () => {
  it('stays unresolved and buys nothing, and the client is served once it is mined [F17]', async () => {
    const { rpc } = site.chain
    const tab = openTab(site, site.payer())
    await rpc('evm_setAutomine', [false])
    const asked = site.origin.asked.length
    const refused = await tab.ask('/first')
    expect([refused.status, await errorOf(refused)]).toEqual([503, 'settlement_pending'])
    const pending = (await rpc('txpool_content')) as {
      pending: Record<string, Record<string, { hash: string }>>
    }
    const hashes = Object.values(pending.pending).flatMap((sent) =>
      Object.values(sent).map(({ hash }) => hash),
    )
    expect(hashes).toHaveLength(1)
    await rpc('anvil_dropTransaction', hashes)
    await rpc('evm_mine')
    const line = (await site.books.lines()).find(({ payer }) => payer === tab.account.address)
    const standing = async () => (await accountOf(site, line?.id as Hex)).standing
    const unresolved = { charged: '0', state: { balance: '0' }, unresolved: { kind: 'deposit' } }
    expect(await standing()).toMatchObject(unresolved)
    expect(site.origin.asked).toHaveLength(asked)

    await rpc('evm_setAutomine', [true])
    await expect.poll(async () => (await tab.ask('/first')).status, { timeout: 10_000 }).toBe(200)
    expect(await standing()).toMatchObject({ charged: `${PRICE}`, unresolved: null })
  })
})
