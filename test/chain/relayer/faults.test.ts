/** The relayer when its node, its object or the chain fails. */
import { parseTransaction } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Hex } from '../../../src/protocol/evm/hex.ts'
import { anOrder, countOf, newKey, newRelayer, type RelayerRig, rpc } from '../harness.ts'

const TO_POOL = 'eth_sendRawTransaction'
const RECEIPT = 'eth_getTransactionReceipt'
const LOST = { method: TO_POOL, does: 'drop' } as const
const SWALLOWED = { method: TO_POOL, does: 'swallow' } as const
/** The node accepts the transaction and then loses it. */
const DROPPED = { method: TO_POOL, does: 'answer', result: `0x${'00'.repeat(32)}` } as const

/** Sets how many transactions of the key are final. */
const finalCount = (result: Hex) =>
  ({ method: 'eth_getTransactionCount', where: 'finalized', does: 'answer', result }) as const

// These tests provoke warnings on purpose.
beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
})

async function rawsSeen(relayer: RelayerRig): Promise<Hex[]> {
  return (await relayer.lane.seen(TO_POOL)).map((call) => (call.params as [Hex])[0])
}

async function makeStuck(relayer: RelayerRig): Promise<void> {
  await relayer.sql('UPDATE attempt SET at = at - 60000')
}

describe('relayer broadcast', () => {
  it('is repeated by the alarm with the same bytes if it never left [F5]', async () => {
    const relayer = await newRelayer()
    await relayer.lane.misbehave(LOST)
    const order = anOrder()
    const pending = await relayer.send(order, 0)
    expect(pending.status).toBe('pending')
    expect(await relayer.alarmAt()).not.toBeNull()

    await relayer.lane.misbehave()
    await relayer.alarm()
    expect(await relayer.outcome(order.id)).toMatchObject({ ...pending, status: 'mined' })
    expect(new Set(await rawsSeen(relayer)).size).toBe(1)
  })

  it('is repeated with the same bytes when the order is sent again [F5]', async () => {
    const relayer = await newRelayer()
    await relayer.lane.misbehave(LOST)
    const order = anOrder()
    const pending = await relayer.send(order, 0)
    await relayer.lane.misbehave()
    await relayer.kill()
    expect(await relayer.send(order)).toMatchObject({ ...pending, status: 'mined' })
    expect(await countOf(relayer.address)).toBe(1)
  })

  it('is mined once when the object is killed while it is in flight [F5]', async () => {
    const relayer = await newRelayer()
    await relayer.lane.misbehave({ method: TO_POOL, does: 'delay', ms: 200 })
    const order = anOrder()
    const sending = relayer.send(order).catch((thrown: Error) => thrown)
    let sent = await rawsSeen(relayer)
    while (sent.length === 0) sent = await rawsSeen(relayer)
    await relayer.kill()
    expect(await sending).toBeInstanceOf(Error)

    expect(await relayer.alarmAt()).not.toBeNull()
    await relayer.lane.misbehave()
    expect(await relayer.send(order)).toMatchObject({ status: 'mined' })
    expect(await relayer.attempts(order.id)).toHaveLength(1)
    expect(await countOf(relayer.address)).toBe(1)
  })

  it('is stored before it leaves [F5]', async () => {
    const relayer = await newRelayer()
    await relayer.lane.misbehave({ method: TO_POOL, does: 'delay', ms: 300 })
    const order = anOrder()
    const sending = relayer.send(order)
    let sent = await rawsSeen(relayer)
    while (sent.length === 0) sent = await rawsSeen(relayer)
    const [kept] = await relayer.attempts(order.id)
    expect(kept?.raw).toBe(sent[0])
    expect(await relayer.alarmAt()).not.toBeNull()
    await sending
  })

  it('is mined once when its reply is lost [F6]', async () => {
    const relayer = await newRelayer()
    await relayer.lane.misbehave(SWALLOWED)
    const order = anOrder()
    expect(await relayer.send(order)).toMatchObject({ status: 'mined' })
    expect(await relayer.send(order)).toMatchObject({ status: 'mined' })
    expect(await countOf(relayer.address)).toBe(1)
    expect(await relayer.attempts(order.id)).toHaveLength(1)
  })

  it('is pending while receipts cannot be read, then mined [F6]', async () => {
    const relayer = await newRelayer()
    await relayer.lane.misbehave({ method: RECEIPT, does: 'drop' })
    const order = anOrder()
    expect(await relayer.send(order, 0)).toMatchObject({ status: 'pending' })
    await relayer.lane.misbehave()
    expect(await relayer.outcome(order.id)).toMatchObject({ status: 'mined' })
  })

  it('keeps its one attempt when the node answers nonce too low [F6]', async () => {
    const relayer = await newRelayer()
    const error = { code: -32003, message: 'nonce too low' }
    await relayer.lane.misbehave({ method: TO_POOL, does: 'answer', error })
    const order = anOrder()
    expect(await relayer.send(order, 0)).toMatchObject({ status: 'pending' })
    await relayer.lane.misbehave()
    expect(await relayer.send(order)).toMatchObject({ status: 'mined' })
    expect(await relayer.attempts(order.id)).toHaveLength(1)
  })
})

describe('relayer with a stuck transaction', () => {
  it('replaces it at a higher fee, with the same nonce and content [F7]', async () => {
    const relayer = await newRelayer()
    await relayer.lane.misbehave(DROPPED)
    const order = anOrder()
    await relayer.send(order, 0)
    await makeStuck(relayer)
    await relayer.lane.misbehave()
    await relayer.alarm()

    const [second, first] = (await relayer.attempts(order.id)).map(({ raw }) => parseTransaction(raw ?? '0x'))
    expect(second).toMatchObject({ nonce: first?.nonce, to: first?.to, gas: first?.gas })
    expect(second?.data).toBe(first?.data)
    expect(second?.maxFeePerGas).toBeGreaterThan(first?.maxFeePerGas ?? 0n)
    expect(second?.maxPriorityFeePerGas).toBeGreaterThan(first?.maxPriorityFeePerGas ?? 0n)
    expect(await relayer.outcome(order.id)).toMatchObject({ status: 'mined' })
    expect(await countOf(relayer.address)).toBe(1)
  })

  it('does not replace it while it is young [F7]', async () => {
    const relayer = await newRelayer()
    await relayer.lane.misbehave(DROPPED)
    const order = anOrder()
    await relayer.send(order, 0)
    await relayer.alarm()
    expect(await relayer.attempts(order.id)).toHaveLength(1)
  })

  it('reports it mined when the first of its attempts is mined [F7]', async () => {
    const relayer = await newRelayer()
    await relayer.lane.misbehave(DROPPED)
    const order = anOrder()
    const first = await relayer.send(order, 0)
    await makeStuck(relayer)
    await relayer.alarm()
    const [, old] = await relayer.attempts(order.id)
    await rpc(TO_POOL, old?.raw)
    expect(await relayer.outcome(order.id)).toMatchObject({ ...first, status: 'mined' })
  })

  it('resends it unchanged at the maximum fee [F7]', async () => {
    const relayer = await newRelayer({ gas: { maxFee: 1_200_000_000n } })
    const highBaseFee = {
      method: 'eth_getBlockByNumber',
      does: 'answer',
      result: { timestamp: '0x1', baseFeePerGas: '0x3b9aca00' },
    } as const
    await relayer.lane.misbehave(DROPPED, highBaseFee)
    const order = anOrder()
    await relayer.send(order, 0)
    await makeStuck(relayer)
    await relayer.lane.misbehave(highBaseFee)
    await relayer.alarm()
    const attempts = await relayer.attempts(order.id)
    expect(attempts.map((attempt) => attempt.fees.maxFee)).toEqual([1_200_000_000n])
    expect(await relayer.outcome(order.id)).toMatchObject({ status: 'mined' })
  })

  it('sends it and the transactions behind it in the order of their nonces', async () => {
    const relayer = await newRelayer()
    await relayer.lane.misbehave({ ...LOST, times: 1 })
    const [first, second] = [anOrder(), anOrder()]
    await relayer.send(first, 0)
    expect(await relayer.send(second, 0)).toMatchObject({ status: 'pending' })
    await relayer.alarm()
    expect(await relayer.outcome(first.id)).toMatchObject({ status: 'mined' })
    expect(await relayer.outcome(second.id)).toMatchObject({ status: 'mined' })
  })
})

describe('relayer alarm', () => {
  it('never throws, and is set again while an order is open [E6]', async () => {
    const relayer = await newRelayer()
    await relayer.lane.misbehave(LOST)
    await relayer.send(anOrder(), 0)
    await relayer.lane.misbehave({ method: 'eth_getBalance', does: 'drop' }, LOST)
    await relayer.alarm()
    expect(await relayer.alarmAt()).not.toBeNull()
  })

  it('is not set again when no order is open and no block of one can be undone', async () => {
    const relayer = await newRelayer()
    await relayer.send(anOrder())
    await relayer.sql('UPDATE attempt SET at = at - 1200000')
    await relayer.alarm()
    expect(await relayer.alarmAt()).toBeNull()
  })

  it('asks the node for one count while no order is open', async () => {
    const relayer = await newRelayer()
    await relayer.send(anOrder())
    const asked = () =>
      Promise.all(
        ['eth_getTransactionCount', 'eth_getBalance', 'eth_getBlockByNumber'].map(
          async (method) => (await relayer.lane.seen(method)).length,
        ),
      )
    const [counts = 0, ...others] = await asked()
    await relayer.alarm()
    expect(await asked()).toEqual([counts + 1, ...others])
  })

  it('deletes the bytes of old mined attempts and keeps the order', async () => {
    const relayer = await newRelayer()
    const order = anOrder()
    const mined = await relayer.send(order)
    await relayer.sql('UPDATE attempt SET at = 0')
    await relayer.sql('UPDATE placed SET at = 0')
    await relayer.alarm()
    expect((await relayer.attempts(order.id))[0]?.raw).toBeNull()
    expect(await relayer.send(order)).toEqual(mined)
    expect(await countOf(relayer.address)).toBe(1)
  })
})

describe('relayer with a wrong transaction count', () => {
  const lie = { method: 'eth_getTransactionCount', does: 'answer', result: '0x3e8', times: 1 } as const

  it.each([0, 1])('throws before it signs anything, after %i orders [F9]', async (earlier) => {
    const relayer = await newRelayer()
    for (let sent = 0; sent < earlier; sent++) await relayer.send(anOrder())
    await relayer.lane.misbehave(lie)
    const order = anOrder()
    await expect(relayer.send(order)).rejects.toThrow('unreachable')
    expect(await relayer.outcome(order.id)).toEqual({ status: 'none' })
    expect(await relayer.send(order)).toMatchObject({ status: 'mined' })
    expect((await relayer.attempts(order.id)).map(({ nonce }) => nonce)).toEqual([earlier])
  })

  it('ignores a wrong second count [F9]', async () => {
    const relayer = await newRelayer()
    await rpc('anvil_setNonce', relayer.address, '0x7')
    await relayer.lane.misbehave({ ...lie, result: '0x7' }, lie)
    const order = anOrder()
    expect(await relayer.send(order)).toMatchObject({ status: 'mined' })
    expect((await relayer.attempts(order.id)).map(({ nonce }) => nonce)).toEqual([7])
  })
})

describe('relayer after a reorganization', () => {
  it('reports pending again when the receipt is gone, and sets the alarm [F8]', async () => {
    const relayer = await newRelayer()
    const order = anOrder()
    const mined = await relayer.send(order)
    await relayer.alarm()
    await relayer.lane.misbehave({ method: RECEIPT, does: 'answer', result: null })
    expect(await relayer.outcome(order.id, 0)).toMatchObject({ status: 'pending' })
    expect(await relayer.alarmAt()).not.toBeNull()

    await relayer.lane.misbehave()
    await relayer.alarm()
    expect(await relayer.outcome(order.id)).toEqual(mined)
  })

  it('is noticed within a minute although no order is open, before an authorization lapses [F8, sim seed 11]', async () => {
    const relayer = await newRelayer()
    await relayer.send(anOrder())
    await relayer.alarm()
    expect(await relayer.alarmAt()).toBeLessThanOrEqual(Date.now() + 60_000)
  })

  it('resends transactions at nonces that the chain no longer counts [F8]', async () => {
    const relayer = await newRelayer()
    const order = anOrder()
    await relayer.send(order)
    const before = (await rawsSeen(relayer)).length
    await relayer.lane.misbehave(
      { method: RECEIPT, does: 'answer', result: null },
      { method: 'eth_getTransactionCount', does: 'answer', result: '0x0' },
    )
    await relayer.alarm()
    const raws = await rawsSeen(relayer)
    expect(raws.slice(before)).toEqual(raws.slice(0, 1))
  })
})

describe('relayer with a nonce taken by another user of the key', () => {
  async function takenNonce() {
    const { key, address } = await newKey()
    const relayer = await newRelayer({ key })
    await relayer.lane.misbehave(LOST)
    const order = anOrder()
    await relayer.send(order, 0)
    const account = privateKeyToAccount(key)
    const rest = {
      chainId: 84532,
      nonce: 0,
      gas: 21_000n,
      maxFeePerGas: 10n ** 10n,
      maxPriorityFeePerGas: 1n,
    }
    await rpc(TO_POOL, await account.signTransaction({ type: 'eip1559', to: address, ...rest }))
    return { relayer, order, address }
  }

  it('keeps the order pending until the other transaction is final', async () => {
    const { relayer, order } = await takenNonce()
    await relayer.lane.misbehave(finalCount('0x0'))
    await relayer.alarm()
    expect(await relayer.outcome(order.id, 0)).toMatchObject({ status: 'pending' })
  })

  it('frees no order whose own transaction took the nonce', async () => {
    const relayer = await newRelayer()
    await relayer.lane.misbehave({ method: RECEIPT, does: 'drop' })
    const order = anOrder()
    await relayer.send(order, 0)
    await relayer.lane.misbehave(finalCount('0x1'))
    await relayer.alarm()
    expect(await relayer.outcome(order.id)).toMatchObject({ status: 'mined' })
  })

  it('frees no order whose receipt cannot be read', async () => {
    const relayer = await newRelayer()
    await relayer.lane.misbehave({ method: RECEIPT, does: 'drop' }, finalCount('0x1'))
    const order = anOrder()
    await relayer.send(order, 0)
    await relayer.alarm()
    expect(await relayer.outcome(order.id, 0)).toMatchObject({ status: 'pending' })
    expect(await relayer.alarmAt()).not.toBeNull()
  })

  it('gives the order another nonce once the other transaction is final', async () => {
    const { relayer, order, address } = await takenNonce()
    await relayer.lane.misbehave(finalCount('0x1'))
    await relayer.alarm()
    expect(await relayer.outcome(order.id)).toEqual({ status: 'none' })
    expect(await relayer.send(order)).toMatchObject({ status: 'mined' })
    expect(await countOf(address)).toBe(2)
  })
})
