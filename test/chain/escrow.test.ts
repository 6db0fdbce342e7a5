/** Calls and events of the escrow, checked against the contract on the chain. */
import { toEventSelector, toFunctionSelector } from 'viem'
import { describe, expect, it } from 'vitest'
import { readChannels, readReceiver } from '../../src/chain/channels.ts'
import {
  encodeClaim,
  encodeDeposit,
  encodeMulticall,
  encodeRefund,
  encodeSweep,
  escrowAbi,
  escrowEvents,
  revertReason,
} from '../../src/chain/escrow.ts'
import { readBalance } from '../../src/chain/token.ts'
import { channelId } from '../../src/protocol/evm/eip712.ts'
import type { Address } from '../../src/protocol/evm/hex.ts'
import { chainAt, newRelayer, type RelayerRig, randomHex } from './harness.ts'
import { newPayer } from './payer.ts'

/** A relayer, a receiver, and a payer's channel with `amount` in it. */
async function openChannel(amount: bigint) {
  const [relayer, payer] = await Promise.all([newRelayer(), newPayer()])
  const chain = chainAt(relayer.lane.url)
  const receiver: Address = randomHex(20)
  const config = payer.channelTo(receiver, relayer.address)
  const deposit = await payer.deposits(config, amount)
  const opened = await order(relayer, 'deposit', encodeDeposit(config, amount, chain.collector, deposit))
  return {
    relayer,
    payer,
    chain,
    receiver,
    config,
    opened,
    id: channelId(config, chain.chainId, chain.escrow),
  }
}

async function order(relayer: RelayerRig, id: string, data: `0x${string}`) {
  const outcome = await relayer.send({ id, to: chainAt('').escrow, data })
  if (outcome.status !== 'mined') throw new Error(JSON.stringify(outcome))
  return escrowEvents(chainAt('').escrow, outcome.logs)
}

describe('escrow calls', () => {
  it('deposit into a channel and read its balance', async () => {
    const { chain, id, opened, relayer } = await openChannel(5_000n)
    expect(opened).toEqual([{ kind: 'deposited', channelId: id, amount: 5_000n }])
    const [state] = await readChannels(chain, [id])
    expect(state).toMatchObject({
      balance: 5_000n,
      totalClaimed: 0n,
      withdrawRequestedAt: 0,
      refundNonce: 0n,
    })
    expect(await readBalance(chain, relayer.address)).toBe(0n)
  })

  it('claim the amount owed and sweep it to the receiver', async () => {
    const { relayer, payer, chain, receiver, config, id } = await openChannel(5_000n)
    const claimed = await order(relayer, 'claim', encodeClaim([await payer.owes(config, 1_200n)]))
    expect(claimed).toEqual([{ kind: 'claimed', channelId: id, amount: 1_200n }])
    expect(await readReceiver(chain, receiver)).toMatchObject({ claimed: 1_200n, swept: 0n })

    const swept = await order(relayer, 'sweep', encodeSweep(receiver, chain.token))
    expect(swept).toEqual([{ kind: 'swept', receiver, amount: 1_200n }])
    expect(await readReceiver(chain, receiver)).toMatchObject({ claimed: 1_200n, swept: 1_200n })
    expect(await readBalance(chain, receiver)).toBe(1_200n)
  })

  it('claim and refund in one transaction', async () => {
    const { relayer, payer, chain, config, id } = await openChannel(5_000n)
    const before = await readBalance(chain, payer.address)
    const calls = [encodeClaim([await payer.owes(config, 800n)]), encodeRefund(config, 4_200n)]
    const events = await order(relayer, 'refund', encodeMulticall(calls))
    expect(events.map((event) => event.kind)).toEqual(['claimed', 'refunded'])
    expect(await readBalance(chain, payer.address)).toBe(before + 4_200n)
    const [state] = await readChannels(chain, [id])
    expect(state).toMatchObject({ balance: 800n, totalClaimed: 800n, refundNonce: 1n })
  })

  it('return the name of the error when one row of a batch is bad [F4]', async () => {
    const { relayer, payer, chain, config } = await openChannel(5_000n)
    const other = await newPayer()
    const strange = other.channelTo(config.receiver, relayer.address)
    const data = encodeClaim([await payer.owes(config, 10n), await other.owes(strange, 10n)])
    const outcome = await relayer.send({ id: 'claim', to: chain.escrow, data })
    expect(outcome).toEqual({ status: 'refused', reason: 'ClaimExceedsBalance' })
  })
})

describe('escrow ABI', () => {
  const selectors = Object.fromEntries(
    escrowAbi.filter((item) => item.type === 'function').map((item) => [item.name, toFunctionSelector(item)]),
  )
  const topics = Object.fromEntries(
    escrowAbi
      .filter((item) => item.type === 'event')
      .map((item) => [item.name, toEventSelector(item).slice(0, 18)]),
  )

  it('has the selectors of the deployed contract', () => {
    expect(selectors).toEqual({
      deposit: '0x140f1e75',
      claim: '0x29237b0c',
      claimWithSignature: '0xe43ce1f2',
      settle: '0x9db32a8f',
      refund: '0xdce4bfae',
      refundWithSignature: '0xb77433e9',
      multicall: '0xac9650d8',
      channels: '0x7a7ebd7b',
      pendingWithdrawals: '0xb7f06ebe',
      refundNonce: '0xf0dc792e',
      receivers: '0x21ff6389',
    })
  })

  it('has the topics of the deployed contract', () => {
    expect(topics).toEqual({
      Deposited: '0x6c2a09353b5e75e7',
      Claimed: '0x36bd546bb573e892',
      Settled: '0x7337b4386b690fdb',
      Refunded: '0xa84286cf8ebc7903',
    })
  })
})

describe('revertReason', () => {
  it('returns the name of the error, its message, or unknown', () => {
    expect(revertReason('0xf1789775')).toBe('ClaimExceedsCeiling')
    const words =
      '0x08c379a0000000000000000000000000000000000000000000000000000000000000002000000000000000000000000000000000000000000000000000000000000000036e6f2100000000000000000000000000000000000000000000000000000000000'
    expect(revertReason(`${words}0`.slice(0, 2 + 8 + 192) as `0x${string}`)).toBe('no!')
    expect(revertReason('0xdeadbeef')).toBe('unknown')
    expect(revertReason('0x')).toBe('unknown')
    expect(revertReason(undefined)).toBe('unknown')
  })
})
