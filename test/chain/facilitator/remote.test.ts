/** `exact` payments settled by a facilitator over HTTP, which may lie, fail or fall silent. */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { ExactPayment } from '../../../src/chain/facilitator/facilitator.ts'
import { type RemoteSettings, remote } from '../../../src/chain/facilitator/remote.ts'
import { encodeTransfer } from '../../../src/chain/token.ts'
import type { Fault } from '../../../src/testing/chain/rpc-proxy.ts'
import { chainAt, newKey, newLane, randomHex } from '../harness.ts'
import { newPayer, send } from '../payer.ts'

const ID = 'exact:1'
const HASH = `0x${'ab'.repeat(32)}` as const

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
})

/** A facilitator that answers `/settle` or `/verify` with what it is given, and a payment for it. */
async function setUp(settings: Partial<RemoteSettings> = {}) {
  const lane = newLane()
  const payer = await newPayer(10_000n)
  const payment = await payer.pays(randomHex(20), 700n)
  const facilitator = remote({ url: lane.url, ...settings })
  const says = (method: string, body: unknown, status = 200) =>
    lane.misbehave({ method, does: 'answer', status, body: JSON.stringify(body) })
  return { lane, payer, payment, facilitator, says }
}

/** What a facilitator says of a payment it has settled. */
function success(payment: ExactPayment, transaction: string = HASH) {
  return { success: true, transaction, network: payment.network, payer: payment.from }
}

/** The payment on the chain, as a facilitator would put it there. */
async function submit(payment: ExactPayment) {
  return send((await newKey()).address, payment.token, encodeTransfer(payment))
}

describe('the facilitator is asked', () => {
  it('with the payment as it came, the offer it answers, and the headers of the endpoint', async () => {
    const headers = { verify: { authorization: 'v' }, settle: { authorization: 's' } }
    const { lane, payment, facilitator } = await setUp({ headers })
    await facilitator.verify(payment)
    await facilitator.settle(payment, ID)
    const body = {
      x402Version: 2,
      paymentPayload: payment.wire.payload,
      paymentRequirements: payment.wire.requirements,
    }
    expect(await lane.seen('verify')).toMatchObject([{ params: body, headers: { authorization: 'v' } }])
    expect(await lane.seen('settle')).toMatchObject([{ params: body, headers: { authorization: 's' } }])
  })

  it('what it supports', async () => {
    const { facilitator, says } = await setUp()
    const kinds = [{ x402Version: 2, scheme: 'exact', network: 'eip155:84532' }]
    await says('supported', { kinds, extensions: [], signers: {} })
    expect(await facilitator.supported()).toEqual(kinds)
  })
})

describe('verifying', () => {
  it('accepts what the facilitator accepts', async () => {
    const { payment, facilitator, says } = await setUp()
    await says('verify', { isValid: true, payer: payment.from })
    expect(await facilitator.verify(payment)).toEqual({ ok: true, value: null })
  })

  it.each([
    ['insufficient_funds', 'exact_insufficient_funds'],
    ['invalid_exact_evm_insufficient_balance', 'exact_insufficient_funds'],
    ['invalid_exact_evm_nonce_already_used', 'exact_used'],
    ['invalid_exact_evm_payload_authorization_valid_before', 'exact_too_late'],
    ['invalid_exact_evm_payload_authorization_valid_after', 'exact_too_early'],
    ['invalid_exact_evm_payload_authorization_value_mismatch', 'exact_value'],
    ['invalid_exact_evm_signature', 'exact_signature'],
    ['something_new', 'exact_failed'],
  ])('refuses for %s', async (invalidReason, reason) => {
    const { payment, facilitator, says } = await setUp()
    await says('verify', { isValid: false, invalidReason })
    expect(await facilitator.verify(payment)).toEqual({
      ok: false,
      refusal: { reason, detail: invalidReason },
    })
  })

  it('says that nobody can tell while the facilitator is down [F16]', async () => {
    const { payment, facilitator, says } = await setUp()
    await says('verify', { isValid: false }, 503)
    expect(await facilitator.verify(payment)).toMatchObject({ refusal: { reason: 'chain_unreadable' } })
  })
})

describe('settling, on the facilitator’s word alone', () => {
  it('answers its transaction', async () => {
    const { payment, facilitator, says } = await setUp()
    await says('settle', success(payment))
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'settled', transaction: HASH })
  })

  it('answers its refusal', async () => {
    const { payment, facilitator, says } = await setUp()
    await says(
      'settle',
      { success: false, errorReason: 'insufficient_funds', transaction: '', network: '' },
      400,
    )
    const refused = { status: 'refused', reason: 'exact_insufficient_funds', detail: 'insufficient_funds' }
    expect(await facilitator.settle(payment, ID)).toEqual(refused)
  })

  it.each(['settlement_pending', 'unexpected_settle_error', 'invalid_transaction_state'])(
    'is unknown for %s [F16]',
    async (errorReason) => {
      const { payment, facilitator, says } = await setUp()
      await says('settle', { success: false, errorReason })
      expect(await facilitator.settle(payment, ID)).toEqual({ status: 'unknown' })
    },
  )

  const broken: [string, Fault][] = [
    ['a lost connection', { method: 'settle', does: 'drop' }],
    ['a 500 that says no', { method: 'settle', does: 'answer', status: 500, body: '{"success":false}' }],
    ['HTML', { method: 'settle', does: 'answer', body: '<html>welcome</html>' }],
    ['half an answer', { method: 'settle', does: 'answer', body: '{"success":tr' }],
    ['an answer without a verdict', { method: 'settle', does: 'answer', body: '{}' }],
    ['a 401', { method: 'settle', does: 'answer', status: 401, body: '{"error":"who are you"}' }],
    [
      'more than 64 KiB',
      { method: 'settle', does: 'answer', body: JSON.stringify({ extra: 'x'.repeat(70_000) }) },
    ],
  ]
  it.each(broken)('is unknown after %s [F16]', async (_, fault) => {
    const { lane, payment, facilitator } = await setUp()
    await lane.misbehave(fault)
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'unknown' })
  })

  it('is unknown when the facilitator takes too long [F16]', async () => {
    const { lane, payment, facilitator } = await setUp({ timeoutMs: 50 })
    await lane.misbehave({ method: 'settle', does: 'delay', ms: 400 })
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'unknown' })
  })

  it.each([
    ['names another payer', { payer: `0x${'11'.repeat(20)}` }],
    ['names another network', { network: 'eip155:1' }],
    ['names no transaction', { transaction: '' }],
    ['names half a transaction', { transaction: '0xabcd' }],
    ['names no payer', { payer: undefined }],
  ])('is unknown when a success %s [F15]', async (_, wrong) => {
    const { payment, facilitator, says } = await setUp()
    await says('settle', { ...success(payment), ...wrong })
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'unknown' })
  })

  it('takes a v1 answer’s network by its old name', async () => {
    const { payment, facilitator, says } = await setUp()
    const v1 = { ...payment, wire: { ...payment.wire, version: 1 as const } }
    await says('settle', { ...success(payment), network: 'base-sepolia' })
    expect(await facilitator.settle(v1, ID)).toMatchObject({ status: 'settled' })
  })

  it('asks the facilitator again what became of it [F16]', async () => {
    const { payment, facilitator, says } = await setUp()
    await says('settle', success(payment))
    expect(await facilitator.lookup(payment, ID)).toEqual({ status: 'settled', transaction: HASH })
  })

  it.each(['invalid_exact_evm_nonce_already_used', 'insufficient_funds', 'invalid_transaction_state'])(
    'is unknown for %s when an earlier answer was lost: the money may have moved then [F16]',
    async (errorReason) => {
      const { lane, payment, facilitator, says } = await setUp()
      await lane.misbehave({ method: 'settle', does: 'swallow' })
      expect(await facilitator.settle(payment, ID)).toEqual({ status: 'unknown' })
      await says('settle', { success: false, errorReason })
      expect(await facilitator.lookup(payment, ID)).toEqual({ status: 'unknown' })
    },
  )
})

describe('settling, with a node of our own', () => {
  const setUpWithChain = async () => {
    const node = newLane()
    return { ...(await setUp({ chain: chainAt(node.url) })), node }
  }

  it('believes a success that the node shows', async () => {
    const { payment, facilitator, says } = await setUpWithChain()
    const transaction = await submit(payment)
    await says('settle', success(payment, transaction))
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'settled', transaction })
  })

  it('does not believe a success that is nowhere [F15]', async () => {
    const { payment, facilitator, says } = await setUpWithChain()
    await says('settle', success(payment))
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'unknown' })
  })

  it('does not believe a success that is somebody else’s [F15]', async () => {
    const { payer, payment, facilitator, says } = await setUpWithChain()
    const other = await submit(await payer.pays(payment.to, payment.value))
    await says('settle', success(payment, other))
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'unknown' })
  })

  it('does not believe a refusal when the node shows the transfer [F15]', async () => {
    const { payment, facilitator, says } = await setUpWithChain()
    const transaction = await submit(payment)
    await says('settle', { success: false, errorReason: 'transaction_failed' })
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'settled', transaction })
  })

  it('believes a refusal when the authorization is unused', async () => {
    const { payment, facilitator, says } = await setUpWithChain()
    await says('settle', { success: false, errorReason: 'transaction_failed' })
    expect(await facilitator.settle(payment, ID)).toMatchObject({ status: 'refused', reason: 'exact_failed' })
  })

  it('is unknown while the node cannot be read', async () => {
    const { payment, facilitator, says, node } = await setUpWithChain()
    await says('settle', success(payment, await submit(payment)))
    await node.misbehave({ method: 'eth_getTransactionReceipt', does: 'drop' })
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'unknown' })
  })

  it('finds the transfer on the chain when the reply was lost, without the facilitator [F16]', async () => {
    const { lane, payment, facilitator } = await setUpWithChain()
    await lane.misbehave({ method: 'settle', does: 'drop' })
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'unknown' })
    const transaction = await submit(payment)
    expect(await facilitator.lookup(payment, ID)).toEqual({ status: 'settled', transaction })
    expect(await lane.seen('settle')).toHaveLength(1)
  })

  it('asks the facilitator again when the node shows nothing [F16]', async () => {
    const { lane, payment, facilitator, says } = await setUpWithChain()
    await lane.misbehave({ method: 'settle', does: 'drop' })
    expect(await facilitator.lookup(payment, ID)).toEqual({ status: 'unknown' })
    await says('settle', { success: false, errorReason: 'settlement_pending' })
    expect(await facilitator.lookup(payment, ID)).toEqual({ status: 'unknown' })
    await says('settle', { success: false, errorReason: 'insufficient_funds' })
    expect(await facilitator.lookup(payment, ID)).toMatchObject({ status: 'refused' })
  })

  it('finds that the nonce was used for another payment', async () => {
    const { payer, payment, facilitator } = await setUpWithChain()
    await submit(await payer.pays(randomHex(20), 1n, { nonce: payment.nonce }))
    expect(await facilitator.lookup(payment, ID)).toEqual({ status: 'refused', reason: 'exact_used' })
  })

  it('gives an authorization up when it has lapsed unused and that is final', async () => {
    const { payment, facilitator, node } = await setUpWithChain()
    const lapsed = { ...payment, validBefore: 1n }
    await node.misbehave({ method: 'eth_call', where: 'finalized', does: 'drop' })
    expect(await facilitator.lookup(lapsed, ID)).toEqual({ status: 'unknown' })
    await node.misbehave()
    expect(await facilitator.lookup(lapsed, ID)).toEqual({ status: 'refused', reason: 'exact_too_late' })
  })
})
