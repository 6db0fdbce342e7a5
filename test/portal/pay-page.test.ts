/** The pay address of an invoice in a browser: the invoice and how to pay it, with the 402 of the machine. */
import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { newInvoice } from './unpaid.ts'

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

describe('the pay address of an invoice', () => {
  it('shows a browser the invoice and the USDC payment, with status and headers of the 402', async () => {
    const { ask, id } = await newInvoice('stablecoin')
    const page = await ask({ accept: BROWSER })
    expect(page.status).toBe(402)
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(page.headers.get('cache-control')).toBe('private, no-store')
    expect(page.headers.get('referrer-policy')).toBe('no-referrer')
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    const { accepts } = JSON.parse(atob(page.headers.get('payment-required') ?? ''))
    expect(accepts).toMatchObject([{ scheme: 'exact', amount: '600000' }])
    const text = await page.text()
    for (const word of [id, '0.60 USDC', env.RECEIVER.toLowerCase(), 'In USDC'])
      expect(text.toLowerCase()).toContain(word.toLowerCase())
    expect(text).toContain('data-unit="pages at">2</td><td class="usd">0.30</td>')
  })

  it('shows a browser the bank details of a transfer invoice', async () => {
    const { ask } = await newInvoice('transfer')
    const page = await ask({ accept: BROWSER })
    expect(page.status).toBe(402)
    const text = await page.text()
    expect(text).toContain('IBAN DE00 1234')
    expect(text).toContain('0.60 USDC')
  })

  it('answers all other clients with the JSON of the 402', async () => {
    const { ask } = await newInvoice('stablecoin')
    for (const headers of [{}, { accept: '*/*' }, { accept: 'application/json, text/html;q=0.9' }]) {
      const answer = await ask(headers)
      expect([answer.status, answer.headers.get('content-type')]).toEqual([402, 'application/json'])
      expect(await answer.json()).toMatchObject({ x402Version: 1 })
      expect(answer.headers.get('payment-required')).not.toBeNull()
    }
  })

  it('answers HEAD without a body', async () => {
    const { ask } = await newInvoice('stablecoin')
    const answer = await ask({ accept: BROWSER }, 'HEAD')
    expect([answer.status, await answer.text()]).toEqual([402, ''])
  })

  it('shows the invoice without x402 where the site does not offer exact', async () => {
    const { ask } = await newInvoice('transfer', { paying: null })
    const page = await ask({ accept: BROWSER })
    expect(page.status).toBe(200)
    const text = await page.text()
    expect(text).toContain('IBAN DE00 1234')
    expect(text).not.toContain('USDC')
  })
})
