/** A method with effects is carried out once for one payment, and only when that payment is certain. */
import { env } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MAX_DELIVERIES, REPLAY_WINDOW_MS } from '../../src/ledger/replay-window.ts'
import { DELIVERY_LEASE_MS, MAX_ANSWER_BYTES } from '../../src/ledger/stored-answers.ts'
import { BY_SCHEME, openCounted, SCHEME_NAMES } from './effects.ts'
import { errorOf, type Meddle, newCrawler, newRegular, PRICE, receiptOf } from './harness.ts'

const { shop, origin } = openCounted()
const POST = { method: 'POST', body: 'job' }
const well: Meddle = (_, call) => call()

beforeEach(() => {
  origin.does = well
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
})
afterEach(() => {
  vi.restoreAllMocks()
})

const statusAndError = async (response: Response) => [response.status, await errorOf(response)]
/** Moves the clock of the Worker and its objects. */
function later(ms: number): void {
  const at = Date.now() + ms
  vi.spyOn(Date, 'now').mockImplementation(() => at)
}

const memoryOf = (payer: string) => env.AUTHORIZATIONS.getByName(`eip155:84532:${payer}`)

/** The origin answers this instead of its echo. */
function answers(answer: () => Response): Meddle {
  return async (name, call) => (name === 'SITE.fetch' ? answer() : call())
}

/** The Worker ends at the origin: no call of it arrives any more. */
const ends: Meddle = async (name, call) => {
  if (/^SITE\.fetch$|\.(?:release|undeliver|delivered)$/.test(name)) throw new Error('the Worker is gone')
  return call()
}

/** One bought POST, and the origin's count of it. */
async function bought(scheme: keyof typeof BY_SCHEME, path = '/job', sent: object = POST) {
  const payment = await BY_SCHEME[scheme](shop, path, sent)
  origin.asked = 0
  return payment
}

describe.each(SCHEME_NAMES)('Payment by %s for a method with effects', (scheme) => {
  it('reaches the origin once, and its replays get the stored answer and receipt [A3]', async () => {
    const { ask } = await bought(scheme)
    const first = await ask()
    const answer = await first.text()
    expect(first.status).toBe(200)
    for (let times = 0; times < 3; times++) {
      const again = await ask()
      expect([again.status, receiptOf(again), await again.text()]).toEqual([200, receiptOf(first), answer])
      expect(again.headers.get('cache-control')).toBe('private, no-store')
      expect([...again.headers.keys()]).toEqual([...first.headers.keys()])
    }
    expect(origin.asked).toBe(1)
  })

  it('sent many times at once reaches the origin once [A1]', async () => {
    const { ask } = await bought(scheme)
    const answers = await Promise.all(Array.from({ length: 20 }, ask))
    const codes = new Set(answers.map(({ status }) => status))
    expect([...codes].filter((code) => code !== 200 && code !== 503)).toEqual([])
    expect(origin.asked).toBe(1)
    expect((await ask()).status).toBe(200)
  })

  it(`gets its stored answer ${MAX_DELIVERIES} times at most [A3]`, { timeout: 60_000 }, async () => {
    const { ask } = await bought(scheme)
    const codes: number[] = []
    for (let times = 0; times <= MAX_DELIVERIES; times++) codes.push((await ask()).status)
    expect(codes.filter((code) => code === 200)).toHaveLength(MAX_DELIVERIES)
    expect([codes.at(-1), origin.asked]).toEqual([402, 1])
  })

  it.each([
    ['is larger than what is stored', () => new Response('x'.repeat(MAX_ANSWER_BYTES + 1))],
    [
      'is a stream of events',
      () => new Response('data: 1\n\n', { headers: { 'content-type': 'text/event-stream' } }),
    ],
  ])('returns 409 to a replay when its answer %s [A3]', async (_, answer) => {
    const { ask } = await bought(scheme)
    origin.does = answers(answer)
    const first = await ask()
    expect([first.status, (await first.text()).length > 0]).toEqual([200, true])
    expect(await statusAndError(await ask())).toEqual([409, 'tab_already_delivered'])
    expect(origin.asked).toBe(1)
  })

  it('is not carried out again when the Worker ended before its answer was stored [A3]', async () => {
    const { ask, age } = await bought(scheme)
    origin.does = ends
    expect(await statusAndError(await ask())).toEqual([503, 'tab_ledger_unavailable'])
    origin.does = well
    expect(await statusAndError(await ask())).toEqual([503, 'tab_in_progress'])
    await age(DELIVERY_LEASE_MS)
    expect(await statusAndError(await ask())).toEqual([409, 'tab_answer_lost'])
    expect(origin.asked).toBe(1)
  })

  it('is carried out again after the origin failed, and then counts once [D9]', async () => {
    const { ask } = await bought(scheme)
    origin.does = answers(() => new Response('broken', { status: 500 }))
    expect((await ask()).status).toBe(500)
    origin.does = answers(() => {
      throw new Error('the origin is down')
    })
    expect(await statusAndError(await ask())).toEqual([502, 'tab_origin_unreachable'])
    origin.does = well
    expect((await ask()).status).toBe(200)
    expect((await ask()).status).toBe(200)
    expect(origin.asked).toBe(3)
  })

  it('is refused after the replay window [A5]', async () => {
    const { ask } = await bought(scheme)
    expect((await ask()).status).toBe(200)
    later(REPLAY_WINDOW_MS)
    expect((await ask()).status).toBe(402)
    expect(origin.asked).toBe(1)
  })

  it('still returns the answer when it cannot be stored', async () => {
    const { ask } = await bought(scheme)
    const lost = { channel: 'ACCOUNT.delivered', credit: 'LINES.delivered', exact: 'AUTHORIZATIONS.settled' }
    origin.does = async (name, call) => {
      if (name === lost[scheme]) throw new Error('the object is gone')
      return call()
    }
    expect((await ask()).status).toBe(200)
    origin.does = well
    expect(await statusAndError(await ask())).toEqual([503, 'tab_in_progress'])
    expect(origin.asked).toBe(1)
  })
})

describe.each(SCHEME_NAMES)('Payment by %s for a GET', (scheme) => {
  it(`is served ${MAX_DELIVERIES} times at most [A3]`, { timeout: 60_000 }, async () => {
    const { ask } = await bought(scheme, '/page', {})
    const codes: number[] = []
    for (let times = 0; times <= MAX_DELIVERIES; times++) codes.push((await ask()).status)
    expect(codes.filter((code) => code === 200)).toHaveLength(MAX_DELIVERIES)
    expect(codes.at(-1)).toBe(402)
  })

  it('is refused after the replay window [A5]', async () => {
    const { ask } = await bought(scheme, '/page', {})
    expect((await ask()).status).toBe(200)
    later(REPLAY_WINDOW_MS)
    expect((await ask()).status).toBe(402)
  })
})

describe('Exact payment for a method with effects', () => {
  it('is mined before the origin is asked [A8]', async () => {
    const { ask } = await bought('exact')
    shop.calls.length = 0
    expect((await ask()).status).toBe(200)
    const order = ['RELAYER.send', 'AUTHORIZATIONS.run', 'SITE.fetch', 'AUTHORIZATIONS.settled']
    expect(shop.calls.filter((call) => order.includes(call))).toEqual(order)
  })

  it('is carried out once for a payer who holds one price and sends 12 at once [A8]', async () => {
    const crawler = await newCrawler(shop, PRICE)
    const payments = await Promise.all(Array.from({ length: 12 }, () => crawler.pays()))
    origin.asked = 0
    const jobs = payments.map((payment, job) => shop.ask('/job', { ...POST, body: `${job}`, payment }))
    const paid = (await Promise.all(jobs)).filter(({ status }) => status === 200)
    expect([paid.length, origin.asked]).toEqual([1, 1])
  })

  it('never reaches the origin for a known payer who has nothing left [A8, H1]', async () => {
    const crawler = await newCrawler(shop, PRICE)
    expect((await shop.ask('/one', { payment: await crawler.pays() })).status).toBe(200)
    origin.asked = 0
    for (let job = 0; job < 5; job++) {
      const refused = await shop.ask('/job', { ...POST, payment: await crawler.pays() })
      expect(await statusAndError(refused)).toEqual([402, 'invalid_exact_evm_insufficient_balance'])
    }
    expect(origin.asked).toBe(0)
    // The first refusal leaves a row that is watched. After it the payer is looked up, and nothing is stored.
    const rows = await memoryOf(crawler.payer.address).uses('', 10)
    expect(rows.map(({ status }) => status).toSorted()).toEqual(['settled', 'watched'])
  })

  it('that bought nothing is undelivered, shows its receipt and opens its request until it was delivered', async () => {
    const crawler = await newCrawler(shop)
    const payment = await crawler.pays()
    const ask = (path = '/job') => shop.ask(path, { ...POST, payment })
    origin.does = answers(() => new Response('broken', { status: 500 }))
    const failed = await ask()
    expect([failed.status, receiptOf(failed).success, await failed.text()]).toEqual([500, true, 'broken'])
    expect(await memoryOf(crawler.payer.address).totals()).toMatchObject({ payments: 1, undelivered: 1 })
    origin.does = answers(() => {
      throw new Error('the origin is down')
    })
    const down = await ask()
    expect(await down.json()).toMatchObject({ message: expect.stringContaining('payment stays valid') })
    origin.does = well
    expect(await statusAndError(await ask('/other'))).toEqual([402, 'tab_proof_bound'])
    expect((await ask()).status).toBe(200)
    expect(await memoryOf(crawler.payer.address).totals()).toMatchObject({ payments: 1, undelivered: 0 })
  })

  it('runs once when two requests find the same transfer paid [A1]', async () => {
    const crawler = await newCrawler(shop)
    const payment = await crawler.pays()
    origin.does = async (name, call) => {
      const answer = await call()
      if (name === 'RELAYER.send') throw new Error('the answer is lost')
      return answer
    }
    expect((await shop.ask('/job', { ...POST, payment })).status).toBe(503)
    origin.does = well
    origin.asked = 0
    const both = await Promise.all([1, 2].map(() => shop.ask('/job', { ...POST, payment })))
    expect(both.map(({ status }) => status)).toContain(200)
    expect(origin.asked).toBe(1)
  })
})

describe('Voucher for a method with effects', () => {
  it('costs one ledger call before the answer, and one to store it', async () => {
    const crawler = await newRegular(shop)
    const payment = await crawler.owes(2n * PRICE)
    shop.calls.length = 0
    expect((await shop.ask('/job', { ...POST, payment })).status).toBe(200)
    expect(shop.calls).toEqual(['ACCOUNT.place', 'SITE.fetch', 'ACCOUNT.delivered'])
  })
})
