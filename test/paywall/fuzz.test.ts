/** A sample of the inputs of `npm run fuzz` in workerd: what a site answers to hostile headers and URLs. */
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { type Input, inputsOf, type Seeds } from '../fuzz/inputs.ts'
import { runs } from '../runs.ts'
import { CRAWLER, newRegular, PRICE, startPaywall } from '../schemes/harness.ts'

const SITE = 'https://site.test'
/** The platform refuses longer URLs itself. The runtime cannot send one of 128 kB on to the origin. */
const MAX_URL_CHARS = 16_384
const shop = startPaywall()

/** Good payments on chain, and fields of a signature in their form. */
async function seedsOf(): Promise<Seeds> {
  const crawler = await newRegular(shop)
  const [voucher, exact] = [await crawler.owes(2n * PRICE), await crawler.pays()]
  const paying = (payment: string): Input => ({
    url: `${SITE}/one`,
    headers: { 'user-agent': CRAWLER, 'payment-signature': payment },
  })
  const { payload } = JSON.parse(atob(exact)) as { payload: unknown }
  const fields = {
    'user-agent': CRAWLER,
    'signature-agent': '"https://ledger.example"',
    'signature-input':
      'sig1=("@authority" "signature-agent");created=1;expires=61;keyid="k";tag="web-bot-auth"',
    signature: `sig1=:${btoa('x'.repeat(64))}:`,
  }
  return {
    onChain: [paying(voucher), paying(exact)],
    onCredit: { url: `${SITE}/one`, headers: { ...fields, 'payment-signature': voucher } },
    byPrice: { url: `${SITE}/one`, headers: { ...fields, 'crawler-exact-price': 'USD 0.001' } },
    inV1: btoa(JSON.stringify({ x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload })),
    site: SITE,
    token: 'a-token',
  }
}

describe('Site in workerd', () => {
  it('answers no hostile header and no hostile URL with 5xx, nor with a page that was not paid for [D13]', async () => {
    for (const level of ['info', 'warn', 'error'] as const)
      vi.spyOn(console, level).mockImplementation(() => undefined)
    const inputs = Object.values(inputsOf(await seedsOf()))
    await fc.assert(
      fc.asyncProperty(fc.oneof(...inputs), async ({ url, method = 'GET', headers, isPaying }) => {
        fc.pre((URL.parse(url)?.href ?? url).length <= MAX_URL_CHARS)
        const ascii = Object.entries(headers).map(([name, value]) => [name, value.replace(/[^ -~]/g, '?')])
        const { 'user-agent': agent = '', ...rest } = Object.fromEntries(ascii) as Record<string, string>
        shop.calls.length = 0
        const response = await shop.ask(url, { method, agent, headers: rest })
        expect(response.status).toBeLessThan(500)
        const isFromOrigin = shop.calls.includes('SITE.fetch') && response.status === 200
        const isPaid = ['payment-response', 'x-payment-response'].some((name) => response.headers.has(name))
        expect(isPaying === true && isFromOrigin && !isPaid).toBe(false)
        await response.body?.cancel()
      }),
      { numRuns: runs(60) },
    )
    vi.restoreAllMocks()
  })
})
