import { expect, it } from 'vitest'
import { x402v2 } from '../../src/paywall/dialects/x402-v2.ts'
import { paidResponse } from '../../src/paywall/response.ts'

const RECEIPT = { success: true, transaction: '', network: 'eip155:84532', payer: '0x1' } as const

it('a paid page leaves without the fields by which a cache on its way would store it [D8]', () => {
  const caching = {
    'cache-control': 'public, max-age=600',
    'cdn-cache-control': 'max-age=600',
    'cloudflare-cdn-cache-control': 'max-age=600',
    'fastly-cache-control': 'max-age=600',
    'vercel-cdn-cache-control': 'max-age=600',
    'edge-control': 'max-age=600',
    'surrogate-control': 'max-age=600',
    'x-accel-expires': '600',
    expires: 'Thu, 01 Jan 2099 00:00:00 GMT',
    pragma: 'cache',
    age: '1',
  }
  const answer = new Response('page', { headers: { ...caching, etag: '"a"' } })
  const { headers } = paidResponse(answer, RECEIPT, x402v2, { hidden: [], added: [] })
  expect(headers.get('cache-control')).toBe('private, no-store')
  expect(Object.keys(caching).filter((name) => headers.has(name))).toEqual(['cache-control'])
  expect(headers.get('etag')).toBe('"a"')
})
