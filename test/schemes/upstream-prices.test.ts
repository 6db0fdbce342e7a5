/** The unmodified upstream clients under terms that charge less than they signed for: no request more than with a plain price. */
import { beforeEach, describe, expect, it } from 'vitest'
import { readBalance } from '../../src/chain/token.ts'
import { chainAt } from '../chain/harness.ts'
import { chainHere } from '../chain/here.ts'
import { newPayer, type Payer } from '../chain/payer.ts'
import { channelFetch, exactFetch } from '../upstream.ts'
import { receiptOf, startPaywall } from './harness.ts'

const { rpcUrl } = chainHere()

let payer: Payer
beforeEach(async () => {
  payer = await newPayer(1_000_000n)
})

/** The site as a `fetch` that counts its requests. */
function visiting(RULES: object[]) {
  const { site } = startPaywall({ RULES })
  const visit = {
    asked: 0,
    fetch: (async (input, init) => {
      visit.asked++
      const request = new Request(input as RequestInfo, init)
      request.headers.set('user-agent', 'crawler/1.0')
      return site.gate(request, site.origin)
    }) as typeof fetch,
  }
  return visit
}

/** The statuses of some pages, and the amounts charged for them. */
async function read(fetch: typeof globalThis.fetch, paths: string[]) {
  const read: [number, unknown][] = []
  for (const path of paths) {
    const response = await fetch(`https://site.test${path}`)
    read.push([response.status, receiptOf(response).extra?.chargedAmount ?? receiptOf(response).amount])
  }
  return read
}

describe('Unmodified upstream client of a channel', () => {
  it('reads a page again free within its window', async () => {
    const visit = visiting([{ action: 'charge', recrawl: '24h' }])
    const { fetch } = channelFetch(visit.fetch, { privateKey: payer.key }, rpcUrl)
    expect(await read(fetch, ['/a', '/a', '/b', '/a', '/b', '/c'])).toEqual([
      [200, '1000'],
      [200, '0'],
      [200, '1000'],
      [200, '0'],
      [200, '0'],
      [200, '1000'],
    ])
    expect(visit.asked).toBe(12)
  })

  it('pays the final amount below the ceiling that it signed', async () => {
    const visit = visiting([{ action: 'charge', price: '0.01', final: 'origin' }])
    const { fetch } = channelFetch(visit.fetch, { privateKey: payer.key }, rpcUrl)
    const pages = [
      '/says/charge=0.004/1',
      '/says/charge=0.001/2',
      '/plain',
      '/says/charge=0/3',
      '/says/charge=0.002/4',
    ]
    expect(await read(fetch, pages)).toEqual([
      [200, '4000'],
      [200, '1000'],
      [200, '10000'],
      [200, '0'],
      [200, '2000'],
    ])
    expect(visit.asked).toBe(10)
  })

  it('reads the pages of a pass that it has bought', async () => {
    const pass = { price: '0.02', lasts: '24h', path: '/archive/*' }
    const visit = visiting([{ action: 'charge', path: '/archive/*', price: '0.005', pass }])
    const { fetch } = channelFetch(visit.fetch, { privateKey: payer.key }, rpcUrl)
    const pages = ['/archive/1', '/.well-known/tab402/pass/archive', '/archive/2', '/archive/1', '/elsewhere']
    expect(await read(fetch, pages)).toEqual([
      [200, '5000'],
      [200, '20000'],
      [200, '0'],
      [200, '0'],
      [200, '1000'],
    ])
  })
})

describe('Unmodified upstream client of exact', () => {
  it('pays once for a page within its window', async () => {
    const visit = visiting([{ action: 'charge', recrawl: '24h', schemes: 'exact' }])
    const fetch = exactFetch(visit.fetch, { privateKey: payer.key }, rpcUrl)
    expect((await read(fetch, ['/a', '/a', '/b'])).map(([status]) => status)).toEqual([200, 200, 200])
    expect(await readBalance(chainAt(rpcUrl), payer.address)).toBe(1_000_000n - 2000n)
  })
})
