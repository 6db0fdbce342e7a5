import { decodePaymentRequiredHeader } from '@x402/core/http'
import { PaymentRequiredV2Schema } from '@x402/core/schemas'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  channelId,
  depositNonce,
  receiveAuthorizationDigest,
  transferAuthorizationDigest,
  voucherDigest,
} from '../../../src/protocol/evm/eip712.ts'
import { networks } from '../../../src/protocol/evm/network.ts'
import { recover } from '../../../src/protocol/evm/secp256k1.ts'
import { encodeHeader } from '../../../src/protocol/x402/header.ts'
import type { PaymentRequired } from '../../../src/protocol/x402/types.ts'
import { foreignJson } from '../../foreign.ts'
import { runs } from '../../runs.ts'
import { unmet } from '../../vectors/demands.ts'
import { authorizer, changed, parsePayment, payer, payments, receiver, recorded } from '../payments.ts'

const network = networks.get('eip155:84532') ?? expect.fail('no Base Sepolia')
const sent = payments.filter((payment) => payment.version === 2)
const accepted = sent.filter((payment) => !payment.refused)

function parsed(header: string) {
  const payment = parsePayment(header)
  return payment.ok ? payment.value : expect.fail(JSON.stringify(payment.refusal))
}

const refused = (reason: string) => ({ ok: false, refusal: { reason } })

describe('parsePayment', () => {
  it.each(accepted.map(({ name, client, header }) => [name, client, header]))(
    'reads %s of %s with valid signatures of its payer',
    (_, __, header) => {
      const { accepted: offer, ...payment } = parsed(header)
      expect(offer).toMatchObject({ network: network.id, amount: '1000' })
      if (payment.scheme === 'exact') {
        const { authorization, signature } = payment.payload
        expect(recover(transferAuthorizationDigest(authorization, network.usdc), signature)).toBe(payer)
        expect(authorization).toMatchObject({ from: payer, to: receiver, value: 1000n })
        return
      }
      if (payment.scheme === 'credit') return expect.fail('a commitment')
      const { config, voucher, ...rest } = payment.payload
      expect(config).toMatchObject({ payer, receiver, receiverAuthorizer: authorizer, withdrawDelay: 86400 })
      expect(channelId(config, network.chainId, network.escrow)).toBe(voucher.channelId)
      expect(recover(voucherDigest(voucher, network.chainId, network.escrow), voucher.signature)).toBe(payer)
      if (rest.type !== 'deposit') return
      const { amount, validAfter, validBefore, salt, signature } = rest.deposit
      const nonce = depositNonce(voucher.channelId, salt)
      const authorization = {
        from: payer,
        to: network.collector,
        value: amount,
        validAfter,
        validBefore,
        nonce,
      }
      expect(recover(receiveAuthorizationDigest(authorization, network.usdc), signature)).toBe(payer)
    },
  )

  it('reads the same payment from every client’s spelling', () => {
    for (const name of ['exact', 'deposit', 'voucher', 'refund in full']) {
      const spellings = accepted.filter((payment) => payment.name.startsWith(name))
      expect(spellings.length).toBeGreaterThanOrEqual(3)
      const [first, ...others] = spellings.map((payment) => parsed(payment.header).payload)
      for (const other of others) expect(other).toEqual(first)
    }
  })

  it.each(
    sent.filter((payment) => payment.refused).map(({ name, header, refused }) => [name, header, refused]),
  )('rejects %s', (_, header, reason) => {
    expect(parsePayment(header ?? '')).toMatchObject(refused(reason ?? ''))
  })

  it('reads a partial and a full refund', () => {
    expect(parsed(encodeHeader(recorded('refund in part'))).payload).toMatchObject({ amount: 1500n })
    expect(parsed(encodeHeader(recorded('refund in full'))).payload).toMatchObject({ amount: null })
    expect(parsed(changed('refund in full', 'payload.amount', null)).payload).toMatchObject({ amount: null })
  })

  it('keeps the echoed resource and extensions, and drops null ones', () => {
    const extensions = { 'payment-identifier': { info: { id: 'a' } } }
    expect(parsed(changed('voucher', 'extensions', extensions))).toMatchObject({ extensions })
    expect(parsed(changed('voucher', 'extensions', null))).not.toHaveProperty('extensions')
    expect(parsed(changed('voucher', 'resource', null))).not.toHaveProperty('resource')
  })

  it('drops unknown keys at every level', () => {
    for (const path of ['x', 'accepted.x', 'payload.x', 'payload.voucher.x', 'payload.channelConfig.x']) {
      expect(parsed(changed('voucher', path, 1))).toEqual(parsed(encodeHeader(recorded('voucher'))))
    }
  })

  it('reads an offer without extra as one with an empty extra', () => {
    expect(parsed(changed('exact', 'accepted.extra', undefined)).accepted?.extra).toEqual({})
    expect(parsed(changed('exact', 'accepted.extra', null)).accepted?.extra).toEqual({})
  })
})

const amounts = [
  ['voucher', 'payload.voucher.maxClaimableAmount'],
  ['deposit', 'payload.deposit.amount'],
  ['deposit', 'payload.deposit.authorization.erc3009Authorization.validBefore'],
  ['refund in part', 'payload.amount'],
  ['exact', 'payload.authorization.value'],
  ['exact', 'payload.authorization.validAfter'],
] as const

const hexes = [
  ['voucher', 'payload.channelConfig.payer'],
  ['voucher', 'payload.channelConfig.salt'],
  ['voucher', 'payload.voucher.channelId'],
  ['voucher', 'payload.voucher.signature'],
  ['deposit', 'payload.deposit.authorization.erc3009Authorization.salt'],
  ['exact', 'payload.authorization.from'],
  ['exact', 'payload.authorization.nonce'],
  ['exact', 'payload.signature'],
] as const

describe('parsePayment of a changed payment', () => {
  it.each(amounts)('rejects %s when %s is not a canonical amount [B8]', (name, path) => {
    for (const value of [
      '01',
      '1e3',
      '0x10',
      ' 5',
      '-1',
      '',
      '1.0',
      (1n << 128n).toString(),
      5,
      [],
      {},
      true,
    ]) {
      expect(parsePayment(changed(name, path, value)), String(value)).toMatchObject(
        refused('malformed_payment'),
      )
    }
  })

  it.each(hexes)('rejects %s when %s is not hex of its length [B8]', (name, path) => {
    for (const value of [
      '',
      '0',
      '0x0',
      '0xzz',
      `0x${'0'.repeat(63)}`,
      'ab'.repeat(20),
      7,
      null,
      {},
      ['0x'],
    ]) {
      expect(parsePayment(changed(name, path, value)), String(value)).toMatchObject(
        refused('malformed_payment'),
      )
    }
  })

  it('reads addresses in any case as the same address [B8]', () => {
    const original = parsed(encodeHeader(recorded('voucher'))).payload
    const upper = `0x${payer.slice(2).toUpperCase()}`
    expect(parsed(changed('voucher', 'payload.channelConfig.payer', upper)).payload).toEqual(original)
    expect(parsed(changed('voucher', 'payload.channelConfig.payer', payer)).payload).toEqual(original)
  })

  it('keeps a signature of any length for the scheme to check [B1]', () => {
    for (const signature of ['0x', `0x${'ab'.repeat(64)}`, `0x${'ab'.repeat(66)}`]) {
      expect(parsed(changed('voucher', 'payload.voucher.signature', signature)).payload).toMatchObject({
        voucher: { signature },
      })
    }
  })

  it.each([-1, 0.5, 2 ** 40, '86400', null])('rejects a withdraw delay of %j [B8]', (delay) => {
    expect(parsePayment(changed('voucher', 'payload.channelConfig.withdrawDelay', delay))).toMatchObject(
      refused('malformed_payment'),
    )
  })

  it.each(['claim', 'settle', 'Voucher', '', null, 1, undefined])(
    'rejects a channel payload of type %j',
    (type) => {
      expect(parsePayment(changed('voucher', 'payload.type', type))).toMatchObject(refused('channel_payload'))
    },
  )

  it.each([1, 3, 2.5, 0])('returns unsupported_version for version %j', (version) => {
    expect(parsePayment(changed('voucher', 'x402Version', version))).toMatchObject(
      refused('unsupported_version'),
    )
  })

  it.each(['2', null, undefined])('returns malformed_payment for version %j', (version) => {
    expect(parsePayment(changed('voucher', 'x402Version', version))).toMatchObject(
      refused('malformed_payment'),
    )
  })

  it('rejects a number beyond the range of a double [B8]', () => {
    const json = JSON.stringify(recorded('voucher')).replace('"withdrawDelay":86400', '"withdrawDelay":1e400')
    expect(json).toContain('1e400')
    expect(parsePayment(btoa(json))).toMatchObject(refused('malformed_payment'))
  })

  it.each([
    ['accepted.scheme', 'upto'],
    ['accepted.network', 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1'],
    ['accepted.network', 'stellar:pubnet'],
    ['accepted.network', 'base-sepolia'],
  ])('returns no_matching_offer when %s is %s', (path, value) => {
    for (const name of ['voucher', 'exact']) {
      expect(parsePayment(changed(name, path, value)), name).toMatchObject(refused('no_matching_offer'))
    }
  })

  it('returns a result for a payment of any shape and never throws [D13]', () => {
    const names = fc.constantFrom(...accepted.map((payment) => payment.name))
    fc.assert(
      fc.property(names, fc.nat(), fc.jsonValue(), (name, at, value) => {
        const payment = recorded(name)
        const places = paths(payment)
        const answer = parsePayment(changed(name, places[at % places.length] ?? '', value))
        expect(typeof answer.ok).toBe('boolean')
      }),
    )
    fc.assert(fc.property(fc.jsonValue(), (value) => !parsePayment(encodeHeader(value)).ok))
    const odd = foreignJson(
      ['x402Version', 'accepted', 'payload', 'extra', 'scheme', 'network', 'amount'],
      [2],
    )
    fc.assert(
      fc.property(names, fc.nat(), odd, (name, at, value) => {
        const places = paths(recorded(name))
        const answer = parsePayment(changed(name, places[at % places.length] ?? '', value))
        expect(typeof answer.ok).toBe('boolean')
      }),
      { numRuns: runs(300) },
    )
  })
})

function paths(value: unknown, prefix = ''): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, member]) => [
    prefix + key,
    ...paths(member, `${prefix}${key}.`),
  ])
}

describe('PAYMENT-REQUIRED header', () => {
  const { accepted: channel } = recorded('voucher')
  const { accepted: exact } = recorded('exact')
  const required: PaymentRequired = {
    x402Version: 2,
    error: 'Payment required',
    resource: {
      url: 'https://publisher.example/ebbe-und-flut',
      description: 'Über Ebbe und Flut',
      mimeType: 'text/html',
    },
    accepts: [channel, exact],
  }

  it('decodes in upstream clients to the same value', () => {
    const read = decodePaymentRequiredHeader(encodeHeader(required))
    expect(read).toEqual(required)
    expect(PaymentRequiredV2Schema.safeParse(read).success).toBe(true)
  })

  it('has every field that the Python and Go clients need', () => {
    expect(unmet('required', required)).toEqual([])
    expect(
      unmet('required', { ...required, accepts: [{ ...exact, maxTimeoutSeconds: undefined }] }),
    ).toHaveLength(1)
  })

  it('fits into 2 KB with two offers [D14]', () => {
    expect(encodeHeader(required).length).toBeLessThanOrEqual(2048)
  })
})
