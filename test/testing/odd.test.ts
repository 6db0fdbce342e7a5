/** The escrow with misbehaving collectors and tokens. */
import { fileURLToPath } from 'node:url'
import { type Abi, encodeAbiParameters, encodeFunctionData, type Hex } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../src/protocol/evm/hex.ts'
import { USDC } from '../../src/testing/chain/chain.ts'
import { type Artifacts, compile } from '../../src/testing/chain/solidity.ts'
import { ESCROW_ABI } from './abi.ts'
import { place, type Rig, readChannel, refusal, send, startRig } from './harness.ts'
import { channelId, makeConfig, makeRow } from './paper.ts'

const COLLECTOR: Address = '0x0000000000000000000000000000000000000dd1'
const TOKENS = {
  AnswersNothing: '0x0000000000000000000000000000000000000dd2',
  AnswersFalse: '0x0000000000000000000000000000000000000dd3',
  Reverts: '0x0000000000000000000000000000000000000dd4',
} as const

let rig: Rig
let artifacts: Artifacts

beforeAll(async () => {
  rig = await startRig()
  artifacts = await compile(fileURLToPath(new URL('./contracts', import.meta.url)))
  await place(rig, creation('Reenterer'), COLLECTOR)
  for (const [habit, address] of Object.values(TOKENS).entries()) {
    const word = encodeAbiParameters([{ type: 'uint8' }], [habit]).slice(2)
    await place(rig, `${creation('OddToken')}${word}` as Hex, address)
  }
})
afterAll(() => rig.chain.stop())

function creation(name: string): Hex {
  const artifact = artifacts[name]
  if (artifact === undefined) throw new Error(`no contract ${name}`)
  return artifact.creation
}

/** A view that a collector may call, since it does not take the lock. */
const HARMLESS = encodeFunctionData({ abi: ESCROW_ABI, functionName: 'MIN_WITHDRAW_DELAY' })

async function openWith(token: Address) {
  const config = makeConfig(rig, { token })
  await send(rig, rig.stranger.address, 'deposit', [config, 1_000n, COLLECTOR, HARMLESS])
  return config
}

describe('collector that calls the escrow back', () => {
  it('can call a view', async () => {
    const config = await openWith(USDC)
    expect(await readChannel(rig, channelId(config))).toMatchObject({ balance: 1_000n })
  })

  it.each([
    'deposit',
    'claim',
    'claimWithSignature',
    'settle',
    'refund',
    'refundWithSignature',
    'initiateWithdraw',
    'finalizeWithdraw',
  ] as const)('cannot call %s, which fails with ReentrancyGuardReentrantCall', async (functionName) => {
    const config = makeConfig(rig)
    const abi: Abi = ESCROW_ABI
    const args: unknown[] = {
      deposit: [config, 1n, COLLECTOR, '0x'],
      claim: [[]],
      claimWithSignature: [[], '0x'],
      settle: [rig.receiver.address, USDC],
      refund: [config, 1n],
      refundWithSignature: [config, 1n, 0n, '0x'],
      initiateWithdraw: [config, 1n],
      finalizeWithdraw: [config],
    }[functionName]
    const callback = encodeFunctionData({ abi, functionName, args })
    const refused = await refusal(rig, rig.stranger.address, 'deposit', [config, 10n, COLLECTOR, callback])
    expect(refused).toBe('ReentrancyGuardReentrantCall')
  })
})

describe('escrow with an odd token', () => {
  it('accepts a transfer without a return value', async () => {
    const config = await openWith(TOKENS.AnswersNothing)
    await send(rig, rig.receiver.address, 'refund', [config, 400n])
    expect(await readChannel(rig, channelId(config))).toMatchObject({ balance: 600n })
  })

  it.each([
    ['AnswersFalse', 'SafeERC20FailedOperation'],
    ['Reverts', 'FailedCall'],
  ] as const)(
    'keeps the balance when the refund of a token that %s fails with %s',
    async (habit, expected) => {
      const config = await openWith(TOKENS[habit])
      expect(await refusal(rig, rig.receiver.address, 'refund', [config, 400n])).toBe(expected)
      expect(await readChannel(rig, channelId(config))).toMatchObject({ balance: 1_000n, nonce: 0n })
    },
  )

  it.each([
    ['AnswersFalse', 'SafeERC20FailedOperation'],
    ['Reverts', 'FailedCall'],
  ] as const)(
    'keeps the claimed total when the sweep of a token that %s fails with %s',
    async (habit, expected) => {
      const config = await openWith(TOKENS[habit])
      await send(rig, rig.receiver.address, 'claim', [[await makeRow(config, 300n, 300n, rig.payer)]])
      expect(await refusal(rig, rig.stranger.address, 'settle', [rig.receiver.address, TOKENS[habit]])).toBe(
        expected,
      )
      expect(await readChannel(rig, channelId(config))).toMatchObject({ totalClaimed: 300n })
    },
  )
})
