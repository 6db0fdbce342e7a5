import { pad, toEventSelector } from 'viem'
import { expect, it } from 'vitest'
import { encodeTransfer, findTransfer, readHolding } from '../../src/chain/token.ts'
import { chainAt, newKey, newLane, randomHex, rpc } from './harness.ts'
import { newPayer, send } from './payer.ts'

/** A payment that was mined, and the chain's time before. */
async function submitted() {
  const lane = newLane()
  const chain = chainAt(lane.url)
  const payer = await newPayer()
  const payment = await payer.pays(randomHex(20), 700n)
  const { time } = await readHolding(chain, payment)
  const sent = await send((await newKey()).address, payment.token, encodeTransfer(payment))
  return { lane, chain, payment, time, sent }
}

it('findTransfer searches back in steps of blocks, and stops at the transfer or at the given time [F16]', async () => {
  const { lane, chain, payment, time, sent } = await submitted()
  await rpc('anvil_mine', '0x8')
  const searches = async () => (await lane.seen('eth_getLogs')).length
  expect(await findTransfer(chain, payment, time, 2n)).toBe(sent)
  expect(await searches()).toBe(3)
  // No transfer can be older than the reservation, so older blocks are not searched.
  expect(await findTransfer(chain, payment, time + 1_000n, 2n)).toBeUndefined()
  expect(await searches()).toBe(4)
})

it('findTransfer rejects a log of a cancellation that its receipt does not show [F9]', async () => {
  const { lane, chain, payment, time, sent } = await submitted()
  const cancelled = toEventSelector('AuthorizationCanceled(address,bytes32)')
  const log = { transactionHash: sent, topics: [cancelled, pad(payment.from), payment.nonce] }
  await lane.misbehave({ method: 'eth_getLogs', does: 'answer', result: [log] })
  expect(await findTransfer(chain, payment, time)).toBe(sent)
})
