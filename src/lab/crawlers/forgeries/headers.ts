/** Forged payment headers: base64 and JSON that two readers could read in two ways, and terms that the site has not offered. */

import type { SignedRequest } from '../crawler.ts'
import { type Payment, paymentOf, withHeaders, withPayment } from '../paper.ts'
import type { Forgery } from './forgery.ts'

const TOO_LONG = 9_000
const DEEP = 40

/** Forgeries of the header itself. */
export function headerForgeries(signed: SignedRequest): Forgery[] {
  const text = signed.headers['payment-signature'] ?? ''
  const json = Buffer.from(text, 'base64').toString()
  const encoded = (changed: string | Uint8Array) => Buffer.from(changed as string).toString('base64')
  const texts: Record<string, string> = {
    unpadded: `${text.replace(/=+$/, '')}A`,
    spaced: `${text.slice(0, 8)} ${text.slice(8)}`,
    'url-safe': encoded(`${json} ~~~???>>>`).replaceAll('+', '-').replaceAll('/', '_'),
    'two-values': `${text}, ${text}`,
    'not-base64': '{"x402Version":2}',
    long: encoded(`${json.slice(0, -1)},"more":"${'x'.repeat(TOO_LONG)}"}`),
    'not-utf8': encoded(Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d)),
    mark: encoded(`\uFEFF${json}`),
    'key-twice': encoded(json.replace('{', '{"x402Version":1,')),
    proto: encoded(json.replace('{', '{"__proto__":{"x402Version":2},')),
    deep: encoded(`${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`),
    list: encoded(`[${json}]`),
    null: encoded('null'),
    cut: encoded(json.slice(0, -1)),
  }
  return Object.entries(texts).map(([name, header]) => ({
    name,
    request: withHeaders(signed, { 'payment-signature': header }),
  }))
}

/** Forgeries of what a payment says, whatever its scheme. */
export function termForgeries(signed: SignedRequest): Forgery[] {
  const payment = paymentOf(signed)
  const accepted = (changes: object) => ({ ...payment, accepted: { ...payment.accepted, ...changes } })
  const payments: Record<string, object> = {
    'version-9': { ...payment, x402Version: 9 },
    'version-text': { ...payment, x402Version: '2' },
    'no-payload': { ...payment, payload: null },
    'empty-payload': { ...payment, payload: {} },
    'no-terms': { ...payment, accepted: null },
    'other-scheme': accepted({ scheme: 'free' }),
    'other-network': accepted({ network: 'eip155:1' }),
    'other-asset': accepted({ asset: `0x${'1'.repeat(40)}` }),
    'other-receiver': accepted({ payTo: `0x${'2'.repeat(40)}` }),
    'zero-price': accepted({ amount: '0' }),
    'negative-price': accepted({ amount: '-1' }),
    'price-as-number': accepted({ amount: 1_000 }),
    'price-in-exponent': accepted({ amount: '1e3' }),
    'price-with-zeros': accepted({ amount: '0001000' }),
    'price-2-128': accepted({ amount: `${1n << 128n}` }),
  }
  return Object.entries(payments).map(([name, forged]) => ({
    name,
    request: withPayment(signed, forged as Payment),
  }))
}
