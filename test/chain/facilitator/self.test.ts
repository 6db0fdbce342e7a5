/** `exact` payments settled by our own relayer. */
import { encodeFunctionData, parseAbi } from 'viem'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { relayed } from '../../../src/chain/facilitator/self.ts'
import { encodeTransfer, moved, readBalance } from '../../../src/chain/token.ts'
import type { Address } from '../../../src/protocol/evm/hex.ts'
import { chainAt, newKey, newRelayer, randomHex, rpc } from '../harness.ts'
import { newPayer, send } from '../payer.ts'

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
})

async function setUp(funds = 10_000n) {
  const [relayer, payer] = await Promise.all([newRelayer(), newPayer(funds)])
  const chain = chainAt(relayer.lane.url)
  const receiver: Address = randomHex(20)
  return {
    relayer,
    payer,
    chain,
    receiver,
    facilitator: relayed(chain, relayer),
    id: `exact:${randomHex(6)}`,
  }
}

describe('verifying', () => {
  it('accepts what would settle, in one round trip', async () => {
    const { facilitator, payer, receiver, relayer } = await setUp()
    expect(await facilitator.verify(await payer.pays(receiver, 10_000n))).toEqual({ ok: true, value: null })
    expect(await relayer.lane.seen('eth_call')).toHaveLength(1)
  })

  it('refuses more than the payer holds', async () => {
    const { facilitator, payer, receiver } = await setUp()
    const verdict = await facilitator.verify(await payer.pays(receiver, 10_001n))
    expect(verdict).toMatchObject({ refusal: { reason: 'exact_insufficient_funds' } })
  })

  it('refuses an authorization that was used', async () => {
    const { facilitator, payer, receiver, id } = await setUp()
    const payment = await payer.pays(receiver, 1n)
    await facilitator.settle(payment, id)
    expect(await facilitator.verify(payment)).toMatchObject({ refusal: { reason: 'exact_used' } })
  })

  it('says that the chain cannot be read, rather than anything about the payment [B7]', async () => {
    const { facilitator, payer, receiver, relayer } = await setUp()
    await relayer.lane.misbehave({ method: 'eth_call', does: 'drop' })
    const verdict = await facilitator.verify(await payer.pays(receiver, 1n))
    expect(verdict).toMatchObject({ refusal: { reason: 'chain_unreadable' } })
  })
})

describe('settling', () => {
  it('moves the money and tells the transaction', async () => {
    const { facilitator, payer, receiver, chain, id } = await setUp()
    const payment = await payer.pays(receiver, 700n)
    const settled = await facilitator.settle(payment, id)
    expect(settled).toMatchObject({ status: 'settled' })
    expect(await readBalance(chain, receiver)).toBe(700n)
    expect(await facilitator.lookup(payment, id)).toEqual(settled)
  })

  it('moves the money once, however often it is asked with the same id [A1]', async () => {
    const { facilitator, payer, receiver, chain, id } = await setUp()
    const payment = await payer.pays(receiver, 700n)
    const all = await Promise.all(Array.from({ length: 5 }, () => facilitator.settle(payment, id)))
    all.push(await facilitator.settle(payment, id))
    expect(new Set(all.map((settled) => JSON.stringify(settled))).size).toBe(1)
    expect(await readBalance(chain, receiver)).toBe(700n)
  })

  it('is refused when the payer has moved the money since [A8]', async () => {
    const { facilitator, payer, receiver, chain, id } = await setUp()
    const payment = await payer.pays(receiver, 700n)
    expect(await facilitator.verify(payment)).toMatchObject({ ok: true })
    await send(payer.address, chain.token, transferAll(10_000n))
    const refused = { status: 'refused', reason: 'exact_insufficient_funds' }
    expect(await facilitator.settle(payment, id)).toMatchObject(refused)
    expect(await facilitator.lookup(payment, id)).toMatchObject({ status: 'refused' })
  })

  it('is refused when the payer has used the authorization’s nonce for another since [A8]', async () => {
    const { facilitator, payer, receiver, id } = await setUp()
    const payment = await payer.pays(receiver, 700n)
    const used = await payer.pays(randomHex(20), 1n, { nonce: payment.nonce })
    await send((await newKey()).address, used.token, encodeTransfer(used))
    expect(await facilitator.settle(payment, id)).toMatchObject({ status: 'refused', reason: 'exact_used' })
  })

  it('is refused when somebody else has submitted the authorization first [A7]', async () => {
    const { facilitator, payer, receiver, id } = await setUp()
    const payment = await payer.pays(receiver, 700n)
    await send((await newKey()).address, payment.token, encodeTransfer(payment))
    expect(await facilitator.settle(payment, id)).toMatchObject({ status: 'refused', reason: 'exact_used' })
  })

  it('is refused when somebody else’s submission is mined just before ours [A7]', async () => {
    const { facilitator, payer, receiver, relayer, chain, id } = await setUp()
    const payment = await payer.pays(receiver, 700n)
    await relayer.lane.misbehave({ method: 'eth_estimateGas', does: 'answer', result: '0x186a0' })
    await send((await newKey()).address, payment.token, encodeTransfer(payment))
    expect(await facilitator.settle(payment, id)).toMatchObject({ status: 'refused', reason: 'exact_used' })
    expect(await readBalance(chain, receiver)).toBe(700n)
  })

  it('is refused when the authorization has lapsed [A9]', async () => {
    const { facilitator, payer, receiver, id } = await setUp()
    const payment = await payer.pays(receiver, 700n, { validBefore: 1n })
    expect(await facilitator.settle(payment, id)).toMatchObject({ status: 'refused', reason: 'exact_failed' })
  })

  it('is refused when the token succeeds and moves nothing [A10]', async () => {
    const { facilitator, payer, receiver, id } = await setUp()
    const silent = randomHex(20)
    await rpc('anvil_setCode', silent, '0x00')
    const payment = { ...(await payer.pays(receiver, 700n)), token: silent }
    expect(await facilitator.settle(payment, id)).toMatchObject({ status: 'refused', reason: 'exact_failed' })
  })

  it('is unknown while nobody knows, and settled once it is known [F6]', async () => {
    const { facilitator, payer, receiver, relayer, chain, id } = await setUp()
    const payment = await payer.pays(receiver, 700n)
    await relayer.lane.misbehave({ method: 'eth_getTransactionReceipt', does: 'drop' })
    const impatient = relayed(chain, { ...relayer, send: (order) => relayer.send(order, 0) })
    expect(await impatient.settle(payment, id)).toEqual({ status: 'unknown' })
    await relayer.lane.misbehave()
    expect(await facilitator.lookup(payment, id)).toMatchObject({ status: 'settled' })
    expect(await readBalance(chain, receiver)).toBe(700n)
  })

  it('is unknown while the chain cannot be reached, and may be settled afterwards [B7]', async () => {
    const { facilitator, payer, receiver, relayer, id } = await setUp()
    const payment = await payer.pays(receiver, 700n)
    await relayer.lane.misbehave({ method: 'eth_estimateGas', does: 'drop' })
    expect(await facilitator.settle(payment, id)).toEqual({ status: 'unknown' })
    await relayer.lane.misbehave()
    expect(await facilitator.lookup(payment, id)).toMatchObject({
      status: 'refused',
      detail: 'nothing was sent',
    })
    expect(await facilitator.settle(payment, id)).toMatchObject({ status: 'settled' })
  })

  it('is unknown when the relayer itself fails [E3]', async () => {
    const { chain, payer, receiver, id } = await setUp()
    const broken = () => Promise.reject(new Error('the object was reset'))
    const facilitator = relayed(chain, { send: broken, outcome: broken })
    const payment = await payer.pays(receiver, 700n)
    expect(await facilitator.settle(payment, id)).toEqual({ status: 'unknown' })
    expect(await facilitator.lookup(payment, id)).toEqual({ status: 'unknown' })
  })
})

describe('the proof of a transfer', () => {
  it('is one authorization and one transfer of exactly this payment, by the token itself [A6]', async () => {
    const { relayer, payer, receiver } = await setUp()
    const payment = await payer.pays(receiver, 700n)
    const outcome = await relayer.send({ id: 'one', to: payment.token, data: encodeTransfer(payment) })
    const logs = outcome.status === 'mined' ? outcome.logs : []
    expect(moved(logs, payment)).toBe(true)
    expect(moved(logs, { ...payment, value: 699n })).toBe(false)
    expect(moved(logs, { ...payment, to: randomHex(20) })).toBe(false)
    expect(moved(logs, { ...payment, from: randomHex(20) })).toBe(false)
    expect(moved(logs, { ...payment, nonce: randomHex(32) })).toBe(false)
    expect(moved(logs, { ...payment, token: randomHex(20) })).toBe(false)
    expect(moved(logs.slice(1), payment)).toBe(false)
    expect(moved(logs.slice(0, 1), payment)).toBe(false)
  })
})

function transferAll(value: bigint) {
  const abi = parseAbi(['function transfer(address to, uint256 value) returns (bool)'])
  return encodeFunctionData({ abi, args: [randomHex(20), value] })
}
