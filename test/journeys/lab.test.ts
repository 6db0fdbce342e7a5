/** A lab: thirty nights, misbehaving crawlers, faults, and the audit of all of it. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Crawler, diff, type Lab, openLab } from '../../src/lab/index.ts'

const PRICE = 10_000n
const START = Date.parse('2027-03-01T12:00:00Z')
const SETTLED = ['settled', 'settled']

let lab: Lab

beforeAll(async () => {
  lab = await openLab({ start: START, policy: { PRICE: '0.01' } })
})
afterAll(() => lab?.close())
afterEach(() => lab.fail.mend())

const statusesOf = (nights: { runs: { status: string }[] }[]) =>
  nights.map(({ runs }) => runs.map(({ status }) => status))

describe('a lab', { timeout: 120_000 }, () => {
  it('starts its Worker, chain and clock at the moment of its options', async () => {
    const refused = await lab.fetch('/page', { headers: { 'user-agent': 'GPTBot' } })
    const block = (await lab.chain.rpc('eth_getBlockByNumber', ['latest', false])) as { timestamp: string }
    expect(refused.status).toBe(402)
    expect(lab.now() - START).toBeLessThan(60_000)
    expect(Math.abs(Number(block.timestamp) * 1000 - START)).toBeLessThan(60_000)
  })

  it('settles three channels and three credit lines in thirty nights, and duns who does not pay', async () => {
    const all: Crawler[] = []
    for (const pays of ['channel', 'channel', 'channel', 'credit', 'credit', 'credit'] as const)
      all.push(await lab.crawler({ pays, rail: 'transfer' }))
    await Promise.all(all.map((crawler) => crawler.read('/page', 5)))
    const before = await lab.books()
    const nights = await lab.nights(30)
    const after = await lab.books()
    expect(statusesOf(nights)).toEqual(Array(30).fill(SETTLED))
    await lab.audit()
    const scores = await Promise.all(all.map((crawler) => crawler.score()))
    const due = 5n * PRICE
    expect(scores.map(({ pages, charged, paid, stolen }) => ({ pages, charged, paid, stolen }))).toEqual(
      [due, due, due, 0n, 0n, 0n].map((paid) => ({ pages: 5, charged: due, paid, stolen: 0n })),
    )
    expect(diff(before, after)).toContain(`wallet ${lab.receiver}: $0.000000 -> $0.150000 (+$0.150000)`)
    // A month without payment: the crawlers on credit are cut off.
    const cut = all.find(({ pays }) => pays === 'credit')
    expect(await cut?.read('/after')).toMatchObject({ status: 402 })
  })

  it('pays the invoices of an honest crawler on credit, after its night', async () => {
    const crawler = await lab.crawler({ pays: 'credit' })
    await crawler.read('/page', 3)
    await lab.night()
    expect(await crawler.score()).toMatchObject({ charged: 3n * PRICE, paid: 3n * PRICE, due: 0n })
    expect(Object.values((await lab.books()).invoices)).toContainEqual(
      expect.objectContaining({ agent: crawler.name, stage: 'settled', owed: 0n }),
    )
    await lab.audit()
  })

  it('makes the nightly runs through the real cron and Workflow', async () => {
    const crawler = await lab.crawler()
    await crawler.read('/page', 2)
    expect(statusesOf([await lab.night({ through: 'cron' })])).toEqual([SETTLED])
    expect(await crawler.score()).toMatchObject({ paid: 2n * PRICE })
  })

  it('rings the alarms that a jump passes', async () => {
    const crawler = await lab.crawler()
    await crawler.read('/page')
    await lab.advance('1h')
    const { listed } = await lab.books()
    expect(Object.keys(listed)).toContain(await crawler.account())
  })

  it('jumps to a moment, and makes the nightly runs before it', async () => {
    const to = lab.now() + 36 * 3_600_000
    const nights = await lab.at(new Date(to))
    expect(nights.length).toBeGreaterThan(0)
    expect(lab.now() - to).toBeGreaterThanOrEqual(0)
    expect(lab.now() - to).toBeLessThan(60_000)
  })

  it('rejects a moment that has passed', async () => {
    await expect(lab.at(START)).rejects.toThrow(RangeError)
  })

  it('does not open with a policy that its Worker would reject, and names each problem', async () => {
    const opening = openLab({ policy: { PRICE: 'free', SCHEMES: ['chanel'] } })
    await expect(opening).rejects.toThrow(/^the policy of openLab is wrong:\n.*PRICE must be USD/s)
    await expect(opening).rejects.toThrow(/^SCHEMES/m)
  })

  it('shows what the wallet of RECEIVER has, closes once, and then rejects each call', async () => {
    const receiver = '0x00000000000000000000000000000000000a11ce'
    const other = await openLab({ policy: { RECEIVER: receiver, PRICE: '0.01' } })
    const crawler = await other.crawler({ pays: 'exact' })
    await crawler.read('/page')
    const { chain } = await other.books()
    expect([other.receiver, chain.wallets]).toMatchObject([receiver, { [receiver]: PRICE }])
    const closing = other.close()
    expect(other.close()).toBe(closing)
    await closing
    const calls = [crawler.score(), crawler.read('/page'), other.books(), other.audit(), other.night()]
    const faults = [other.fail.origin('dead'), other.fail.worker('killed'), other.fail.mend()]
    for (const call of [
      ...calls,
      ...faults,
      crawler.run(),
      other.kill(),
      other.crawler(),
      other.fetch('/page'),
    ])
      await expect(call).rejects.toThrow('the lab must be open')
  })
})

describe('crawlers of a lab', { timeout: 120_000 }, () => {
  it.each(['channel', 'exact', 'credit'] as const)('serve an honest one every page, by %s', async (pays) => {
    const score = await (await lab.crawler({ pays })).run()
    expect(score).toMatchObject({ pages: 10, charged: 10n * PRICE, stolen: 0n, overpaid: 0n })
  })

  it.each(['channel', 'exact', 'credit'] as const)(
    'charge a replayer once for each page, by %s',
    async (pays) => {
      const score = await (await lab.crawler({ is: 'replayer', pays })).run()
      expect(score).toMatchObject({ stolen: 0n, overpaid: 0n })
      expect(score.charged).toBe(BigInt(score.pages) * PRICE)
      await lab.audit()
    },
  )

  it('claim from a withdrawal racer before it has its money', async () => {
    const score = await (await lab.crawler({ is: 'withdrawal-racer' })).run()
    expect(score).toMatchObject({ stolen: 0n, overpaid: 0n })
    expect(score.byReason).toHaveProperty('tab_withdrawal_pending')
    await lab.audit()
  })
})

describe('faults of a lab', { timeout: 120_000 }, () => {
  it('fail a nightly run while the node is dead, and the next one settles', async () => {
    const crawler = await lab.crawler()
    await crawler.read('/page', 3)
    await lab.fail.rpc({ answers: 'nothing' })
    const [[dead]] = statusesOf([await lab.night()]) as [string[]]
    expect(dead).toBe('failed')
    await lab.fail.mend()
    expect(statusesOf([await lab.night()])).toEqual([SETTLED])
    expect(await crawler.score()).toMatchObject({ paid: 3n * PRICE, stolen: 0n })
  })

  it('lose nothing that was charged when the runtime is killed', async () => {
    const crawler = await lab.crawler()
    await crawler.read('/page', 3)
    await lab.kill()
    await crawler.read('/more', 3)
    expect(statusesOf(await lab.nights(1))).toEqual([SETTLED])
    expect(await crawler.score()).toMatchObject({ paid: 6n * PRICE, stolen: 0n, overpaid: 0n })
    await lab.audit()
  })

  it.each(['503', 'dead', 'redirects'] as const)(
    'charge nothing for a page of an origin: %s',
    async (fault) => {
      const crawler = await lab.crawler()
      await crawler.read('/page')
      await lab.fail.origin(fault)
      await crawler.read('/broken')
      expect(await crawler.score()).toMatchObject({ pages: 1, charged: PRICE, overpaid: 0n })
    },
  )

  it('start one run for a cron that fires twice', async () => {
    await lab.fail.cron('doubled', { times: 1 })
    expect((await lab.night()).runs).toHaveLength(2)
  })

  it('keep charging while D1 is down', async () => {
    const crawler = await lab.crawler()
    await lab.fail.d1('down')
    expect(await crawler.read('/page', 2)).toMatchObject({ status: 200 })
    await lab.fail.mend()
    expect(statusesOf(await lab.nights(1))).toEqual([SETTLED])
  })
})
