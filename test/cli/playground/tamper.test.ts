import { describe, expect, it } from 'vitest'
import { fromBase64, requestText, toBase64 } from '../../../src/cli/playground/page/exchange.ts'
import { tampered } from '../../../src/cli/playground/page/tamper.ts'

const payment = { payload: { voucher: { signature: `0x${'ab'.repeat(65)}` }, deposit: { amount: '10' } } }
const sent = {
  method: 'GET',
  url: 'http://127.0.0.1:1/a',
  headers: { 'payment-signature': toBase64(payment) },
}
const OTHER = 'http://127.0.0.1:1/b'

describe('tampered', () => {
  it('replays a request unchanged', () => {
    expect(tampered(sent, 'replay', OTHER)).toEqual(sent)
  })

  it('moves a payment to another page and nothing else', () => {
    expect(tampered(sent, 'path', OTHER)).toEqual({ ...sent, url: OTHER })
  })

  it('changes one byte of a signature in the payment and nothing else', () => {
    const { headers } = tampered(sent, 'byte', OTHER)
    const changed = `0x${'ab'.repeat(4)}aa${'ab'.repeat(60)}`
    expect(fromBase64(headers['payment-signature'] ?? '')).toEqual({
      payload: { ...payment.payload, voucher: { signature: changed } },
    })
  })

  it('changes one character of the request’s own signature, where it has one', () => {
    const headers = { ...sent.headers, signature: 'sig1=:AAAAAAAAAAAAAAAA:' }
    const changed = tampered({ ...sent, headers }, 'byte', OTHER).headers
    expect(changed).toEqual({ ...headers, signature: 'sig1=:AAAAAAABAAAAAAAA:' })
  })
})

describe('requestText', () => {
  it('shortens long headers and says how long they are, unless the whole is asked for', () => {
    const long = { ...sent, headers: { 'payment-signature': 'x'.repeat(100) } }
    expect(requestText(long, false)).toBe(
      `GET /a HTTP/1.1\nhost: 127.0.0.1:1\npayment-signature: ${'x'.repeat(72)}… (100 characters)`,
    )
    expect(requestText(long, true)).toContain('x'.repeat(100))
  })
})
