/** One charge, followed through all that the operator's export has of it. */
import { expect, it } from 'vitest'
import { escrowEvents } from '../../src/chain/escrow.ts'
import type { Log } from '../../src/chain/log.ts'
import { voucherDigest } from '../../src/protocol/evm/eip712.ts'
import type { Hex } from '../../src/protocol/evm/hex.ts'
import { recover } from '../../src/protocol/evm/secp256k1.ts'
import { rpc } from '../chain/harness.ts'
import { newReceiver, openChannel, runOf } from '../settlement/harness.ts'
import { newOperator } from './harness.ts'

type Shown = {
  account: string
  kind: string
  amount: string
  charged: string
  redeemed: string
  request: string
  max: string
  signature: Hex
  transaction: Hex
}

it('shows a charge with its request, its signature and the transaction that settled it [I14]', async () => {
  const setup = await newReceiver()
  const { chainId, escrow } = setup.chain
  const { id, config, charge } = await openChannel(setup)
  await charge(30n)
  expect((await runOf(setup)).status).toBe('settled')
  await charge(5n)
  const { text } = await (await newOperator()).get('/api/export/entries.ndjson?evidence=true')
  const entries = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Shown)
    .filter(({ account }) => account === id)
  const sold = entries.find(({ kind }) => kind === 'charge')
  expect(sold).toMatchObject({ amount: '30', charged: '30', max: '30', request: expect.any(String) })
  const { max = '0', signature = '0x' } = sold ?? {}
  const voucher = { channelId: id, maxClaimableAmount: BigInt(max), signature }
  expect(recover(voucherDigest(voucher, chainId, escrow), signature)).toBe(config.payerAuthorizer)
  const settled = entries.find(({ kind, redeemed }) => kind === 'chain' && BigInt(redeemed) >= BigInt(max))
  const { logs } = await rpc<{ logs: Log[] }>('eth_getTransactionReceipt', settled?.transaction)
  expect(escrowEvents(escrow, logs)).toContainEqual({ kind: 'claimed', channelId: id, amount: 30n })
})
