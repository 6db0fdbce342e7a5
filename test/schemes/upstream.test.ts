import { exports } from 'cloudflare:workers'
import { describe, expect, inject, it } from 'vitest'
import { channelFetch, exactFetch } from '../upstream.ts'

const { rpcUrl, accounts } = inject('chain')
const site = ((input: RequestInfo, init?: RequestInit) =>
  exports.default.fetch(new Request(input, init))) as typeof fetch

function receiptOf(response: Response) {
  return JSON.parse(atob(response.headers.get('payment-response') ?? ''))
}

let next = 0
function payer() {
  const account = accounts[next++]
  if (!account) throw new Error('no more payers')
  return account
}

describe('the unmodified upstream client', () => {
  it('pays by exact', async () => {
    const paying = exactFetch(site, payer(), rpcUrl)
    const response = await paying('https://site.test/articles/exact')
    expect(response.status).toBe(200)
    expect(receiptOf(response)).toMatchObject({ success: true })
  })

  it('opens a channel with its first request and pays by voucher after that', async () => {
    const { fetch: paying } = channelFetch(site, payer(), rpcUrl)
    const first = await paying('https://site.test/articles/1')
    expect(first.status).toBe(200)
    expect(receiptOf(first).extra).toMatchObject({
      chargedAmount: '1000',
      channelState: { chargedCumulativeAmount: '1000' },
    })
    const second = await paying('https://site.test/articles/2')
    expect(second.status).toBe(200)
    expect(receiptOf(second).extra).toMatchObject({ channelState: { chargedCumulativeAmount: '2000' } })
  })

  it('is served all 16 of 16 requests at once on one channel', async () => {
    const { fetch: paying } = channelFetch(site, payer(), rpcUrl)
    await paying('https://site.test/articles/0')
    const responses = await Promise.all(
      Array.from({ length: 16 }, (_, i) => paying(`https://site.test/parallel/${i}`)),
    )
    expect(responses.map((response) => response.status)).toEqual(Array(16).fill(200))
    const totals = responses.map((response) =>
      Number(receiptOf(response).extra.channelState.chargedCumulativeAmount),
    )
    expect(totals.sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, i) => 1000 * (i + 2)))
  })

  it('is refunded what it has not spent', async () => {
    const { fetch: paying, scheme } = channelFetch(site, payer(), rpcUrl)
    await paying('https://site.test/articles/0')
    const refund = await scheme.refund('https://site.test/articles/0', { fetch: site })
    expect(refund).toMatchObject({ success: true })
  })
})
