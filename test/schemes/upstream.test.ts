/** The unmodified upstream clients with default settings against the Worker: they must work without changes for it. */
import { beforeEach, describe, expect, it } from 'vitest'
import { readBalance } from '../../src/chain/token.ts'
import { chainAt } from '../chain/harness.ts'
import { chainHere } from '../chain/here.ts'
import { type Payer as Key, newPayer } from '../chain/payer.ts'
import { channelFetch, exactFetch } from '../upstream.ts'
import { type Meddle, receiptOf, startPaywall } from './harness.ts'

const { rpcUrl } = chainHere()

type Fetch = typeof fetch

/** The site as a `fetch`. `asked` counts the requests, `around` may lose an answer. */
function visiting(vars: Record<string, unknown> = {}, meddle?: Meddle) {
  const shop = startPaywall(vars, meddle)
  const visit = {
    shop,
    asked: 0,
    around: (_: Request, answer: () => Promise<Response>) => answer(),
    fetch: (async (input, init) => {
      visit.asked++
      const request = new Request(input as RequestInfo, init)
      request.headers.set('user-agent', 'crawler/1.0')
      return visit.around(request, () => shop.site.gate(request, shop.site.origin))
    }) as Fetch,
  }
  return visit
}

let key: Key
let payer: { privateKey: `0x${string}` }
beforeEach(async () => {
  key = await newPayer(10_000_000n)
  payer = { privateKey: key.key }
})

const held = () => readBalance(chainAt(rpcUrl), key.address)
const totalOf = (response: Response): string | undefined =>
  (receiptOf(response).extra?.channelState as Record<string, string> | undefined)?.chargedCumulativeAmount
const page = (name: string | number) => `https://site.test/articles/${name}`

describe('Unmodified upstream client', () => {
  it('pays by exact', async () => {
    const { fetch } = visiting({ SCHEMES: ['exact'] })
    const response = await exactFetch(fetch, payer, rpcUrl)(page('exact'))
    expect([response.status, receiptOf(response).success]).toEqual([200, true])
    expect(await held()).toBe(9_999_000n)
  })

  it('opens a channel with its first request, then pays by voucher, and tops up an empty deposit', async () => {
    const visit = visiting({ MIN_DEPOSIT: '0.003' })
    const { fetch: paying } = channelFetch(visit.fetch, payer, rpcUrl)
    const totals: (string | undefined)[] = []
    const deposits: number[] = []
    for (let nth = 1; nth <= 8; nth++) {
      const response = await paying(page(nth))
      expect(response.status).toBe(200)
      totals.push(totalOf(response))
      if (receiptOf(response).transaction !== '') deposits.push(nth)
    }
    expect(totals).toEqual(['1000', '2000', '3000', '4000', '5000', '6000', '7000', '8000'])
    expect(deposits).toEqual([1, 4, 7])
    expect(await held()).toBe(10_000_000n - 9000n)
    // A 402 and one paid request for each page: no correction was needed.
    expect(visit.asked).toBe(16)
  })

  it('receives all 16 pages of 16 concurrent requests on one channel', async () => {
    const visit = visiting()
    const { fetch: paying } = channelFetch(visit.fetch, payer, rpcUrl)
    await paying(page('first'))
    const responses = await Promise.all(Array.from({ length: 16 }, (_, i) => paying(page(i))))
    expect(responses.map(({ status }) => status)).toEqual(Array(16).fill(200))
    expect(responses.map(totalOf).toSorted()).toEqual(
      Array.from({ length: 16 }, (_, i) => `${1000 * (i + 2)}`).toSorted(),
    )
  })

  it.each(['0.1', '0.01', '0.003'])(
    'receives all 16 pages when 16 concurrent requests open the channel, with deposits of $%s',
    { timeout: 60_000 },
    async (MIN_DEPOSIT) => {
      const visit = visiting({ MIN_DEPOSIT })
      const { fetch: paying } = channelFetch(visit.fetch, payer, rpcUrl)
      const responses = await Promise.all(Array.from({ length: 16 }, (_, i) => paying(page(i))))
      expect(responses.map(({ status }) => status)).toEqual(Array(16).fill(200))
      expect(
        responses
          .map(totalOf)
          .map(Number)
          .toSorted((a, b) => a - b),
      ).toEqual(Array.from({ length: 16 }, (_, i) => 1000 * (i + 1)))
    },
  )

  it('continues from the charged total after it lost its state', async () => {
    const visit = visiting()
    const warm = channelFetch(visit.fetch, payer, rpcUrl).fetch
    for (const nth of [1, 2, 3]) await warm(page(nth))
    const cold = channelFetch(visit.fetch, payer, rpcUrl).fetch
    visit.asked = 0
    const response = await cold(page(4))
    expect([response.status, totalOf(response)]).toEqual([200, '4000'])
    expect(visit.asked).toBe(3)
    expect(totalOf(await cold(page(5)))).toBe('5000')
    expect(await held()).toBe(9_990_000n)
  })

  it('repeats a request whose answer was lost and pays for it once', async () => {
    const visit = visiting()
    const paying = channelFetch(visit.fetch, payer, rpcUrl).fetch
    await paying(page(1))
    visit.around = async (request, answer) => {
      const response = await answer()
      if (request.headers.has('payment-signature')) throw new TypeError('connection lost')
      return response
    }
    await expect(paying(page(2))).rejects.toThrow('connection lost')
    visit.around = (_, answer) => answer()
    const again = await paying(page(2))
    expect([again.status, totalOf(again)]).toEqual([200, '2000'])
    expect(totalOf(await paying(page(3)))).toBe('3000')
  })

  it('requests another page after a lost answer, with one correction', async () => {
    const visit = visiting()
    const paying = channelFetch(visit.fetch, payer, rpcUrl).fetch
    await paying(page(1))
    visit.around = async (request, answer) => {
      const response = await answer()
      if (request.headers.has('payment-signature')) throw new TypeError('connection lost')
      return response
    }
    await expect(paying(page(2))).rejects.toThrow('connection lost')
    visit.around = (_, answer) => answer()
    const next = await paying(page(3))
    expect([next.status, totalOf(next)]).toEqual([200, '3000'])
  })

  it('continues after a deposit whose answer was lost and deposits only once', async () => {
    const visit = visiting()
    const paying = channelFetch(visit.fetch, payer, rpcUrl).fetch
    visit.around = async (request, answer) => {
      const response = await answer()
      if (request.headers.has('payment-signature')) throw new TypeError('connection lost')
      return response
    }
    await expect(paying(page(1))).rejects.toThrow('connection lost')
    const after = await held()
    visit.around = (_, answer) => answer()
    const cold = channelFetch(visit.fetch, payer, rpcUrl).fetch
    const responses = [await cold(page(2)), await cold(page(3))]
    expect(responses.map(totalOf)).toEqual(['2000', '3000'])
    expect(await held()).toBe(after)
  })

  it('pays nothing for a 404 and continues', async () => {
    const paying = channelFetch(visiting().fetch, payer, rpcUrl).fetch
    await paying(page(1))
    expect((await paying('https://site.test/status/404')).status).toBe(404)
    expect(totalOf(await paying(page(2)))).toBe('2000')
  })

  it('pays for pages of different prices on one channel', async () => {
    const RULES = [{ path: '/dear/*', action: 'charge', price: '0.02' }]
    const paying = channelFetch(visiting({ RULES }).fetch, payer, rpcUrl).fetch
    const responses = [await paying(page(1)), await paying('https://site.test/dear/1'), await paying(page(2))]
    expect(responses.map(totalOf)).toEqual(['1000', '21000', '22000'])
  })

  it('receives a partial refund, continues, and receives the rest', async () => {
    const visit = visiting({ MIN_DEPOSIT: '0.1' })
    const { fetch: paying, scheme } = channelFetch(visit.fetch, payer, rpcUrl)
    await paying(page(1))
    expect(await scheme.refund(page(1), { fetch: visit.fetch, amount: '40000' })).toMatchObject({
      success: true,
    })
    expect(await held()).toBe(10_000_000n - 60_000n)
    expect(totalOf(await paying(page(2)))).toBe('2000')
    expect(await scheme.refund(page(1), { fetch: visit.fetch })).toMatchObject({ success: true })
    expect(await held()).toBe(10_000_000n - 2000n)
    expect(totalOf(await paying(page(3)))).toBe('3000')
  })

  it('receives a refund after it lost its state', async () => {
    const visit = visiting()
    const warm = channelFetch(visit.fetch, payer, rpcUrl).fetch
    for (const nth of [1, 2]) await warm(page(nth))
    const { scheme } = channelFetch(visit.fetch, payer, rpcUrl)
    expect(await scheme.refund(page(1), { fetch: visit.fetch })).toMatchObject({ success: true })
    expect(await held()).toBe(10_000_000n - 2000n)
  })

  it('pays for a POST and the origin receives the body', async () => {
    const paying = channelFetch(visiting().fetch, payer, rpcUrl).fetch
    const response = await paying(page('form'), { method: 'POST', body: 'hello' })
    expect(await response.json()).toMatchObject({ method: 'POST', body: 'hello' })
  })

  it('keeps its spend controls: rejects a price above a dollar and pays one dollar', async () => {
    const limits = { MAX_UNCLAIMED: '10' }
    const dear = channelFetch(visiting({ ...limits, PRICE: '1.01' }).fetch, payer, rpcUrl).fetch
    await expect(dear(page(1))).rejects.toThrow()
    expect(await held()).toBe(10_000_000n)
    const fair = channelFetch(visiting({ ...limits, PRICE: '1' }).fetch, payer, rpcUrl).fetch
    expect((await fair(page(1))).status).toBe(200)
    // Five times the price, the most it deposits.
    expect(await held()).toBe(5_000_000n)
  })
})
