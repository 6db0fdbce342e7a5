/** The 402 as a page or as JSON, by the request's `Accept` header. */
import { describe, expect, it } from 'vitest'
import { prefersHtml } from '../../src/paywall/page.ts'
import { BROWSER, requiredOf, startPaywall } from '../schemes/harness.ts'

const CHROME =
  'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8'
const SAFARI = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

describe('prefersHtml', () => {
  it.each([
    CHROME,
    SAFARI,
    'text/html',
    'TEXT/HTML; charset=utf-8',
    'text/html, */*',
    'text/html, application/json',
    'application/json;q=0.9, text/html',
    'text/markdown, text/html, */*',
    'text/html;q=0.2, application/json;q=0.1',
    'text/html;level=1;q=0.5, */*;q=0.4',
    '*/*;q=0, text/html;q=0.001',
  ])('returns true for %s', (accept) => {
    expect(prefersHtml(new Headers({ accept }))).toBe(true)
  })

  it.each([
    '',
    '*/*',
    'application/json',
    'application/json, text/plain, */*',
    'application/json, text/html',
    '*/*, text/html',
    'application/*, text/html',
    'application/problem+json, text/html',
    'text/html;q=0.5, application/json',
    'text/html;q=0.5, */*;q=0.6',
    'text/html;q=0',
    'text/html;q=2',
    'text/html;q=0.5555, */*;q=0.1',
    'text/*',
    'text/htmlx',
    'image/avif,image/webp,*/*;q=0.8',
  ])('returns false for %s', (accept) => {
    expect(prefersHtml(new Headers({ accept }))).toBe(false)
  })

  it('returns false without an Accept header', () => {
    expect(prefersHtml(new Headers())).toBe(false)
  })
})

describe('402 response', () => {
  const shop = startPaywall({ RULES: [{ who: 'everyone', action: 'charge' }] })

  it.each([
    ['a browser', BROWSER],
    ['a crawler', 'GPTBot/1.2'],
    ['a command line', 'curl/8.5.0'],
  ])('is a page with the machine headers when %s asks for text/html first', async (_, agent) => {
    const page = await shop.ask('/page', { agent, headers: { accept: CHROME } })
    expect(page.status).toBe(402)
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(requiredOf(page).accepts).toHaveLength(2)
    expect(await page.text()).toContain('<h1>402 Payment Required</h1>')
  })

  it.each([
    ['a browser', BROWSER],
    ['a crawler', 'GPTBot/1.2'],
  ])('is JSON with the same header when %s accepts anything', async (_, agent) => {
    for (const headers of [{}, { accept: '*/*' }, { accept: 'application/json, text/html;q=0.9' }]) {
      const answer = await shop.ask('/page', { agent, headers })
      expect([answer.status, answer.headers.get('content-type')]).toEqual([402, 'application/json'])
      expect(await answer.json()).toMatchObject({ x402Version: 1 })
      expect(requiredOf(answer).accepts).toHaveLength(2)
    }
  })
})
