import { expect, it } from 'vitest'
import { encodeTransfer, findTransfer, readHolding } from '../../src/chain/token.ts'
import { chainAt, newKey, newLane, randomHex, rpc } from './harness.ts'
import { newPayer, send } from './payer.ts'

it('finds a transfer of long ago, searching back some blocks at a time and no further than it must [F16]', async () => {
  const lane = newLane()
  const chain = chainAt(lane.url)
  const payer = await newPayer()
  const payment = await payer.pays(randomHex(20), 700n)
  const { time } = await readHolding(chain, payment)
  const sent = await send((await newKey()).address, payment.token, encodeTransfer(payment))
  await rpc('anvil_mine', '0x8')
  const searches = async () => (await lane.seen('eth_getLogs')).length
  expect(await findTransfer(chain, payment, time, 2n)).toBe(sent)
  expect(await searches()).toBe(3)
  // Nobody can have used it before it was taken: what is older is not asked for.
  expect(await findTransfer(chain, payment, time + 1_000n, 2n)).toBeUndefined()
  expect(await searches()).toBe(4)
})
