/** `exact` payments settled by a facilitator over HTTP, which may lie, fail or not answer. */
import { HTTPFacilitatorClient } from '@x402/core/server'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { SignedTransfer } from '../../../src/chain/facilitator/facilitator.ts'
import { type RemoteSettings, remote, TIMEOUT_MS } from '../../../src/chain/facilitator/remote.ts'
import { encodeTransfer } from '../../../src/chain/token.ts'
import { LEASE_MS } from '../../../src/ledger/exact/authorizations.ts'
import type { RpcFault } from '../../../src/testing/chain/rpc-proxy.ts'
import { chainAt, newKey, newLane, randomHex } from '../harness.ts'
import { newPayer, send } from '../payer.ts'

const ID = 'exact:1'
const HASH = `0x${'ab'.repeat(32)}` as const

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
})

/** A facilitator whose answers a test sets, and a payment for it. */
async function setUp(settings: Partial<RemoteSettings> = {}) {
  const lane = newLane()
  const payer = await newPayer(10_000n)
  const payment = await payer.pays(randomHex(20), 700n)
  const facilitator = remote({ url: lane.url, ...settings })
  const returns = (method: string, body: unknown, status = 200) =>
    lane.misbehave({ method, does: 'answer', status, body: JSON.stringify(body) })
  return { lane, payer, payment, facilitator, returns }
}

/** The answer of a facilitator that settled a payment. */
function success(payment: SignedTransfer, transaction: string = HASH) {
  return { success: true, transaction, network: payment.network, payer: payment.from }
}

/** Sends the payment to the chain, as a facilitator would. */
async function submit(payment: SignedTransfer) {
  return send((await newKey()).address, payment.token, encodeTransfer(payment))
}

describe('remote facilitator requests', () => {
  it('contain the payment as received, the matching offer and the headers of the endpoint', async () => {
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

  it('wait as long as upstream’s servers do, and less than a reservation’s lease [F16]', () => {
    const upstream = new HTTPFacilitatorClient() as unknown as { timeoutMs: number }
    expect(TIMEOUT_MS).toBe(upstream.timeoutMs)
    expect(TIMEOUT_MS).toBeLessThan(LEASE_MS)
  })

  it('read the supported kinds', async () => {
    const { facilitator, returns } = await setUp()
    const kinds = [{ x402Version: 2, scheme: 'exact', network: 'eip155:84532' }]
    await returns('supported', { kinds, extensions: [], signers: {} })
    expect(await facilitator.supported()).toEqual(kinds)
  })
})

describe('remote facilitator verify', () => {
  it('refuses without the credentials that the facilitator quotes [G4]', async () => {
    const headers = { verify: { authorization: 'Bearer canary-of-the-facilitator' } }
    const { payment, facilitator, returns } = await setUp({ headers })
    await returns('verify', { isValid: false, invalidReason: 'bad token canary-of-the-facilitator' })
    const answer = await facilitator.verify(payment)
    expect(answer).toMatchObject({ ok: false, refusal: { detail: 'bad token [cut]' } })
    await returns('verify', 'Bearer canary-of-the-facilitator is unknown', 400)
    expect(JSON.stringify(await facilitator.verify(payment))).not.toContain('canary')
  })

  it('accepts a payment that the facilitator accepts', async () => {
    const { payment, facilitator, returns } = await setUp()
    await returns('verify', { isValid: true, payer: payment.from })
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
  ])('refuses %s as %s', async (invalidReason, reason) => {
    const { payment, facilitator, returns } = await setUp()
    await returns('verify', { isValid: false, invalidReason })
    expect(await facilitator.verify(payment)).toEqual({
      ok: false,
      refusal: { reason, detail: invalidReason },
    })
  })

  it('returns chain_unreadable while the facilitator is down [F16]', async () => {
    const { payment, facilitator, returns } = await setUp()
    await returns('verify', { isValid: false }, 503)
    expect(await facilitator.verify(payment)).toMatchObject({ refusal: { reason: 'chain_unreadable' } })
  })
})

describe('remote facilitator settle without a node', () => {
  it('returns the facilitator’s transaction', async () => {
    const { payment, facilitator, returns } = await setUp()
    await returns('settle', success(payment))
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'settled', transaction: HASH })
  })

  it('returns the facilitator’s refusal', async () => {
    const { payment, facilitator, returns } = await setUp()
    await returns(
      'settle',
      { success: false, errorReason: 'insufficient_funds', transaction: '', network: '' },
      400,
    )
    const refused = {
      status: 'refused',
      reason: 'exact_insufficient_funds',
      isFinal: false,
      detail: 'insufficient_funds',
    }
    expect(await facilitator.settle(payment, ID)).toEqual(refused)
  })

  it.each([undefined, null])('accepts a success that leaves its payer out as %s [F15]', async (payer) => {
    const { payment, facilitator, returns } = await setUp()
    await returns('settle', { ...success(payment), payer })
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'settled', transaction: HASH })
  })

  it('asks once more at once when the facilitator has sent the transfer and waits for it [F16]', async () => {
    const { lane, payment, facilitator } = await setUp()
    const pending = { success: false, errorReason: 'settlement_pending', transaction: HASH }
    await lane.misbehave(
      { method: 'settle', does: 'answer', body: JSON.stringify(pending), times: 1 },
      { method: 'settle', does: 'answer', body: JSON.stringify(success(payment)) },
    )
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'settled', transaction: HASH })
    const [first, second, ...more] = await lane.seen('settle')
    expect([second?.params, more]).toEqual([first?.params, []])
  })

  it.each([
    'settlement_pending',
    'unexpected_settle_error',
    'invalid_transaction_state',
    'invalid_exact_evm_nonce_already_used',
    'invalid_exact_evm_transaction_failed',
    'invalid_exact_evm_payload_authorization_valid_after',
    'a reason of its own',
  ])('returns unknown for %s [F16]', async (errorReason) => {
    const { payment, facilitator, returns } = await setUp()
    await returns('settle', { success: false, errorReason })
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'unknown' })
  })

  const broken: [string, RpcFault][] = [
    ['a lost connection', { method: 'settle', does: 'drop' }],
    ['a 500 with a refusal', { method: 'settle', does: 'answer', status: 500, body: '{"success":false}' }],
    ['HTML', { method: 'settle', does: 'answer', body: '<html>welcome</html>' }],
    ['half an answer', { method: 'settle', does: 'answer', body: '{"success":tr' }],
    ['an answer without a verdict', { method: 'settle', does: 'answer', body: '{}' }],
    ['a 401', { method: 'settle', does: 'answer', status: 401, body: '{"error":"who are you"}' }],
    [
      'more than 64 KiB',
      { method: 'settle', does: 'answer', body: JSON.stringify({ extra: 'x'.repeat(70_000) }) },
    ],
  ]
  it.each(broken)('returns unknown after %s [F16]', async (_, fault) => {
    const { lane, payment, facilitator } = await setUp()
    await lane.misbehave(fault)
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'unknown' })
  })

  it('returns unknown when the facilitator times out [F16]', async () => {
    const { lane, payment, facilitator } = await setUp({ timeoutMs: 50 })
    await lane.misbehave({ method: 'settle', does: 'delay', ms: 400 })
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'unknown' })
  })

  it.each([
    ['names another payer', { payer: `0x${'11'.repeat(20)}` }],
    ['names another network', { network: 'eip155:1' }],
    ['names no transaction', { transaction: '' }],
    ['names half a transaction', { transaction: '0xabcd' }],
    ['names half a payer', { payer: '0x11' }],
  ])('returns unknown when a success %s [F15]', async (_, wrong) => {
    const { payment, facilitator, returns } = await setUp()
    await returns('settle', { ...success(payment), ...wrong })
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'unknown' })
  })

  it('accepts the v1 name of the network in a v1 answer', async () => {
    const { payment, facilitator, returns } = await setUp()
    const v1 = { ...payment, wire: { ...payment.wire, version: 1 as const } }
    await returns('settle', { ...success(payment), network: 'base-sepolia' })
    expect(await facilitator.settle(v1, ID)).toMatchObject({ status: 'settled' })
  })

  it('returns unknown in find and sends no request without a node [F16]', async () => {
    const { lane, payment, facilitator } = await setUp()
    expect(await facilitator.find(payment, ID)).toMatchObject({ status: 'unknown' })
    expect(await lane.seen('settle')).toEqual([])
  })

  it('asks the facilitator again in lookup [F16]', async () => {
    const { payment, facilitator, returns } = await setUp()
    await returns('settle', success(payment))
    expect(await facilitator.lookup(payment, ID)).toEqual({ status: 'settled', transaction: HASH })
  })

  it.each(['invalid_exact_evm_nonce_already_used', 'insufficient_funds', 'invalid_transaction_state'])(
    'returns unknown for %s in lookup after a lost answer, as the money may have moved [F16]',
    async (errorReason) => {
      const { lane, payment, facilitator, returns } = await setUp()
      await lane.misbehave({ method: 'settle', does: 'swallow' })
      expect(await facilitator.settle(payment, ID)).toEqual({ status: 'unknown' })
      await returns('settle', { success: false, errorReason })
      expect(await facilitator.lookup(payment, ID)).toEqual({ status: 'unknown' })
    },
  )
})

describe('remote facilitator settle with a node', () => {
  const setUpWithChain = async () => {
    const node = newLane()
    return { ...(await setUp({ chain: chainAt(node.url) })), node }
  }

  it('accepts a success that the node confirms', async () => {
    const { payment, facilitator, returns } = await setUpWithChain()
    const transaction = await submit(payment)
    await returns('settle', success(payment, transaction))
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'settled', transaction })
  })

  it('returns unknown for a success without a transfer on the chain [F15]', async () => {
    const { payment, facilitator, returns } = await setUpWithChain()
    await returns('settle', success(payment))
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'unknown' })
  })

  it('returns unknown for a success that names another payment’s transaction [F15]', async () => {
    const { payer, payment, facilitator, returns } = await setUpWithChain()
    const other = await submit(await payer.pays(payment.to, payment.value))
    await returns('settle', success(payment, other))
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'unknown' })
  })

  it('returns settled for a refusal when the node shows the transfer [F15]', async () => {
    const { payment, facilitator, returns } = await setUpWithChain()
    const transaction = await submit(payment)
    await returns('settle', { success: false, errorReason: 'transaction_failed' })
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'settled', transaction })
  })

  it.each(['transaction_failed', 'insufficient_funds', ''])(
    'returns unknown for the refusal "%s" while the payer could still be charged [F15, I9]',
    async (errorReason) => {
      const { payment, facilitator, returns } = await setUpWithChain()
      await returns('settle', { success: false, errorReason })
      expect(await facilitator.settle(payment, ID)).toEqual({ status: 'unknown' })
    },
  )

  it('accepts a refusal when the node shows that the payer lacks the money', async () => {
    const { payer, facilitator, returns } = await setUpWithChain()
    const payment = await payer.pays(randomHex(20), 10_001n)
    await returns('settle', { success: false, errorReason: 'transaction_failed' })
    const refused = { status: 'refused', reason: 'exact_insufficient_funds', isFinal: false }
    expect(await facilitator.settle(payment, ID)).toMatchObject(refused)
  })

  it('finds the late settlement of a payment that it refused [F15, F16, I9]', async () => {
    const { payment, facilitator, returns } = await setUpWithChain()
    await returns('settle', { success: false, errorReason: 'transaction_failed' })
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'unknown' })
    const transaction = await submit(payment)
    expect(await facilitator.find(payment, ID)).toEqual({ status: 'settled', transaction })
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'settled', transaction })
  })

  it('accepts in verify what has already paid the receiver [A7]', async () => {
    const { payment, facilitator, returns } = await setUpWithChain()
    await returns('verify', { isValid: false, invalidReason: 'invalid_exact_evm_nonce_already_used' })
    expect(await facilitator.verify(payment)).toMatchObject({ refusal: { reason: 'exact_used' } })
    await submit(payment)
    expect(await facilitator.verify(payment)).toEqual({ ok: true, value: null })
  })

  it('returns unknown while the node cannot be read', async () => {
    const { payment, facilitator, returns, node } = await setUpWithChain()
    await returns('settle', success(payment, await submit(payment)))
    await node.misbehave({ method: 'eth_getTransactionReceipt', does: 'drop' })
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'unknown' })
  })

  it('finds the transfer on the chain after a lost reply, without the facilitator [F16]', async () => {
    const { lane, payment, facilitator } = await setUpWithChain()
    await lane.misbehave({ method: 'settle', does: 'drop' })
    expect(await facilitator.settle(payment, ID)).toEqual({ status: 'unknown' })
    const transaction = await submit(payment)
    expect(await facilitator.lookup(payment, ID)).toEqual({ status: 'settled', transaction })
    expect(await lane.seen('settle')).toHaveLength(1)
  })

  it('asks the facilitator again when the node shows nothing [F16]', async () => {
    const { lane, payment, facilitator, returns } = await setUpWithChain()
    await lane.misbehave({ method: 'settle', does: 'drop' })
    expect(await facilitator.lookup(payment, ID)).toEqual({ status: 'unknown' })
    await returns('settle', { success: false, errorReason: 'settlement_pending' })
    expect(await facilitator.lookup(payment, ID)).toEqual({ status: 'unknown' })
    await returns('settle', { success: false, errorReason: 'invalid_exact_evm_signature' })
    expect(await facilitator.lookup(payment, ID)).toMatchObject({ status: 'refused', isFinal: false })
  })

  it('returns exact_used in lookup when another payment used the nonce', async () => {
    const { payer, payment, facilitator } = await setUpWithChain()
    await submit(await payer.pays(randomHex(20), 1n, { nonce: payment.nonce }))
    expect(await facilitator.lookup(payment, ID)).toMatchObject({ status: 'refused', reason: 'exact_used' })
  })

  it('returns exact_too_late in lookup once the unused lapse is final', async () => {
    const { payment, facilitator, node } = await setUpWithChain()
    const lapsed = { ...payment, validBefore: 1n }
    await node.misbehave({ method: 'eth_call', where: 'finalized', does: 'drop' })
    expect(await facilitator.lookup(lapsed, ID)).toEqual({ status: 'unknown' })
    await node.misbehave()
    const late = { status: 'refused', reason: 'exact_too_late', isFinal: true }
    expect(await facilitator.lookup(lapsed, ID)).toEqual(late)
  })
})
