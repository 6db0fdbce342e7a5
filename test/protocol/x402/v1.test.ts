import { PaymentRequiredV1Schema } from '@x402/core/schemas'
import { describe, expect, it } from 'vitest'
import { transferAuthorizationDigest } from '../../../src/protocol/evm/eip712.ts'
import { networks } from '../../../src/protocol/evm/network.ts'
import { recover } from '../../../src/protocol/evm/secp256k1.ts'
import { encodeHeader } from '../../../src/protocol/x402/header.ts'
import { encodeReceiptV1, paymentRequiredV1 } from '../../../src/protocol/x402/v1.ts'
import { unmet } from '../../vectors/demands.ts'
import { changed, parsePaymentV1, payer, payments, receiver, recorded } from '../payments.ts'

const network = networks.get('eip155:84532') ?? expect.fail('no Base Sepolia')
const sent = payments.filter((payment) => payment.version === 1)
const resource = {
  url: 'https://publisher.example/articles/tides',
  description: 'Tides',
  mimeType: 'text/html',
}
const refused = (reason: string) => ({ ok: false, refusal: { reason } })

describe('parsePaymentV1', () => {
  it.each(sent.map(({ client, header }) => [client, header]))(
    'reads a payment as %s sends it',
    (_, header) => {
      const payment = parsePaymentV1(header)
      if (!payment.ok) expect.fail(JSON.stringify(payment.refusal))
      expect(payment.value).toMatchObject({
        version: 1,
        scheme: 'exact',
        network: network.id,
        accepted: null,
      })
      const { authorization, signature } = payment.value.payload
      expect(authorization).toMatchObject({ from: payer, to: receiver, value: 1000n })
      expect(recover(transferAuthorizationDigest(authorization, network.usdc), signature)).toBe(payer)
    },
  )

  it.each([
    ['x402Version', 2, 'unsupported_version'],
    ['scheme', 'upto', 'no_matching_offer'],
    ['network', 'solana', 'no_matching_offer'],
    ['network', 'eip155:84532', 'no_matching_offer'],
    ['network', 'toString', 'no_matching_offer'],
    ['payload', null, 'malformed_payment'],
    ['payload.authorization', undefined, 'exact_payload'],
    ['payload.authorization.value', '01', 'malformed_payment'],
    ['payload.authorization.from', '0x0', 'malformed_payment'],
    ['payload.signature', undefined, 'malformed_payment'],
  ])('rejects a payment with %s set to %j as %s [B8]', (path, value, reason) => {
    expect(parsePaymentV1(changed('v1 exact', path, value))).toMatchObject(refused(reason))
  })

  it('rejects a v2 payment', () => {
    expect(parsePaymentV1(encodeHeader(recorded('exact'))).ok).toBe(false)
  })
})

describe('paymentRequiredV1', () => {
  const { accepted: exact } = recorded('exact')
  const { accepted: channel } = recorded('voucher')
  const body = paymentRequiredV1('Payment required', resource, [channel, exact])

  it('offers v1 clients the exact scheme only, in a body that they can parse', () => {
    expect(body.accepts).toHaveLength(1)
    expect(PaymentRequiredV1Schema.safeParse(body).success).toBe(true)
    expect(unmet('requiredV1', body)).toEqual([])
  })

  it('states the same terms as the v2 offer', () => {
    expect(body.accepts[0]).toEqual({
      scheme: 'exact',
      network: 'base-sepolia',
      maxAmountRequired: '1000',
      resource: resource.url,
      description: 'Tides',
      mimeType: 'text/html',
      payTo: exact.payTo,
      maxTimeoutSeconds: 60,
      asset: exact.asset,
      extra: { name: 'USDC', version: '2' },
    })
  })

  it('fills the texts that v1 demands when the resource has none', () => {
    const bare = paymentRequiredV1('Payment required', { url: resource.url }, [exact])
    expect(unmet('requiredV1', bare)).toEqual([])
  })
})

describe('encodeReceiptV1', () => {
  it('writes the payer, network and transaction in v1 terms', () => {
    const header = encodeReceiptV1({
      success: true,
      transaction: '0xabc',
      network: network.id,
      payer,
      amount: '1000',
      extra: { chargedAmount: '1000' },
    })
    expect(JSON.parse(atob(header))).toEqual({
      success: true,
      transaction: '0xabc',
      network: 'base-sepolia',
      payer,
    })
  })
})
