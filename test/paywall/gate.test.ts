import { exports } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const CRAWLER = 'Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)'

function ask(path: string, init: RequestInit & { agent?: string } = {}): Promise<Response> {
  const headers = new Headers(init.headers)
  headers.set('user-agent', init.agent ?? CRAWLER)
  return exports.default.fetch(
    new Request(`https://site.test${path}`, { ...init, headers, redirect: 'manual' }),
  )
}

describe('an unpaid request', () => {
  it('passes a reader through for free', async () => {
    const response = await ask('/articles/one', { agent: BROWSER })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ method: 'GET' })
  })

  it('answers a crawler with 402 and both offers, channel first', async () => {
    const response = await ask('/articles/one')
    expect(response.status).toBe(402)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const required = JSON.parse(atob(response.headers.get('payment-required') ?? ''))
    expect(required).toMatchObject({
      x402Version: 2,
      error: 'Payment required',
      resource: { url: 'https://site.test/articles/one' },
    })
    expect(required.accepts.map((offer: { scheme: string }) => offer.scheme)).toEqual([
      'batch-settlement',
      'exact',
    ])
  })
})
