import { computeChannelId } from '@x402/evm/batch-settlement/client'
import fc from 'fast-check'
import { type Abi, domainSeparator, hashTypedData, toEventSelector, toFunctionSelector } from 'viem'
import { readContract } from 'viem/actions'
import { formatAbiItem } from 'viem/utils'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ChannelConfig } from '../../src/protocol/evm/channel.ts'
import { type Address, type Hex, toHex } from '../../src/protocol/evm/hex.ts'
import { CHAIN_ID, CONTRACTS, ESCROW, USDC } from '../../src/testing/chain/chain.ts'
import { type Artifacts, compile } from '../../src/testing/chain/solidity.ts'
import { ESCROW_ABI, USDC_ABI } from './abi.ts'
import { type Rig, startRig } from './harness.ts'
import { batchMessage, ESCROW_DOMAIN, type Row, TYPES, USDC_DOMAIN } from './paper.ts'

let rig: Rig
let artifacts: Artifacts

beforeAll(async () => {
  rig = await startRig()
  artifacts = await compile(CONTRACTS)
})
afterAll(() => rig.chain.stop())

const SELECTORS = {
  deposit: '0x140f1e75',
  claim: '0x29237b0c',
  claimWithSignature: '0xe43ce1f2',
  settle: '0x9db32a8f',
  refund: '0xdce4bfae',
  refundWithSignature: '0xb77433e9',
  initiateWithdraw: '0xcf5cf3dc',
  finalizeWithdraw: '0xe88377b1',
  multicall: '0xac9650d8',
  channels: '0x7a7ebd7b',
  pendingWithdrawals: '0xb7f06ebe',
  refundNonce: '0xf0dc792e',
  receivers: '0x21ff6389',
  getChannelId: '0x5e5e0b87',
  getVoucherDigest: '0x862bb199',
  getRefundDigest: '0xe25cf189',
  getClaimBatchDigest: '0x488ccc3b',
  eip712Domain: '0x84b0196e',
}

const TOPICS = {
  ChannelCreated: '0x69d8248d5566bdb2',
  ChannelClosed: '0x8d5942f197f362df',
  Deposited: '0x6c2a09353b5e75e7',
  Claimed: '0x36bd546bb573e892',
  Settled: '0x7337b4386b690fdb',
  Refunded: '0xa84286cf8ebc7903',
  WithdrawInitiated: '0xe4280d0d903c7f25',
  WithdrawFinalized: '0x546ce1e2242cd930',
}

const ERRORS = {
  InvalidSignature: '0x8baa579f',
  ClaimExceedsCeiling: '0xf1789775',
  ClaimExceedsBalance: '0x7d8242b6',
  InvalidRefundNonce: '0x164f1afe',
}

const TYPEHASHES = {
  CHANNEL_CONFIG_TYPEHASH: ['0x1c9a06ce', 'b308'],
  VOUCHER_TYPEHASH: ['0x1e1bd6ff', '9a69'],
  REFUND_TYPEHASH: ['0xbe23ad08', 'b216'],
  CLAIM_ENTRY_TYPEHASH: ['0x30b9a036', '0cf5'],
  CLAIM_BATCH_TYPEHASH: ['0x42bd57c0', '6d57'],
} as const

type Item<Type> = Extract<Abi[number], { type: Type }>

function find<Type extends 'function' | 'event' | 'error'>(type: Type, name: string): Item<Type> {
  const abi = artifacts.BatchSettlement?.abi ?? []
  const found = abi.find((item): item is Item<Type> => item.type === type && item.name === name)
  if (found === undefined) throw new Error(`no ${type} ${name}`)
  return found
}

/** The parts of an item that matter to callers: all except the names of its parameters. */
function shape(item: Abi[number]): string {
  const name = 'name' in item ? item.name : undefined
  const parameters: readonly Parameter[] = 'inputs' in item ? item.inputs : []
  const outputs = item.type === 'function' ? item.outputs.map(typeOf) : []
  return JSON.stringify([item.type, name, parameters.map(typeOf), outputs])
}

type Parameter = { type: string; indexed?: boolean; components?: readonly Parameter[] }

function typeOf({ type, indexed = false, components = [] }: Parameter): unknown {
  return [type, indexed, components.map(typeOf)]
}

describe('contract interface', () => {
  it.each(Object.entries(SELECTORS))('has the function %s at %s', (name, selector) => {
    expect(toFunctionSelector(find('function', name))).toBe(selector)
  })

  it.each(Object.entries(TOPICS))('has the event %s with a topic that starts %s', (name, topic) => {
    expect(toEventSelector(find('event', name)).slice(0, 18)).toBe(topic)
  })

  it.each(Object.entries(ERRORS))('has the error %s at %s', (name, selector) => {
    expect(toFunctionSelector(formatAbiItem(find('error', name)))).toBe(selector)
  })

  it.each([
    ['BatchSettlement', ESCROW_ABI],
    ['Usdc', USDC_ABI],
  ] as const)(
    'of %s has every item of the reference, with the same indexing and return types',
    (name, reference) => {
      const ours = (artifacts[name]?.abi ?? []).map(shape)
      const missing = reference.map(shape).filter((item) => !ours.includes(item))
      expect(missing).toEqual([])
    },
  )

  it.each(Object.entries(TYPEHASHES))('has the reference value of %s', async (name, [start, end]) => {
    const functionName = name as keyof typeof TYPEHASHES
    const hash = await readContract(rig.client, { address: ESCROW, abi: ESCROW_ABI, functionName })
    expect([hash.slice(0, 10), hash.slice(-4)]).toEqual([start, end])
  })

  it('limits the withdraw delay to between 15 minutes and 30 days', async () => {
    const at = { address: ESCROW, abi: ESCROW_ABI } as const
    expect(await readContract(rig.client, { ...at, functionName: 'MIN_WITHDRAW_DELAY' })).toBe(900)
    expect(await readContract(rig.client, { ...at, functionName: 'MAX_WITHDRAW_DELAY' })).toBe(2_592_000)
  })

  it('describes its domain by ERC-5267', async () => {
    const domain = await readContract(rig.client, {
      address: ESCROW,
      abi: ESCROW_ABI,
      functionName: 'eip712Domain',
    })
    const [fields, name, version, chainId, contract, salt, extensions] = domain
    expect([fields, name, version, chainId, contract.toLowerCase(), BigInt(salt), extensions]).toEqual([
      '0x0f',
      'x402 Batch Settlement',
      '1',
      84532n,
      ESCROW,
      0n,
      [],
    ])
  })

  it('has the domain of USDC on Base Sepolia', async () => {
    const at = { address: USDC, abi: USDC_ABI } as const
    const separator = await readContract(rig.client, { ...at, functionName: 'DOMAIN_SEPARATOR' })
    expect(separator).toBe(domainSeparator({ domain: USDC_DOMAIN }))
  })
})

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map(toHex)
const address = bytes(20) as fc.Arbitrary<Address>
const uint128 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n })
const config: fc.Arbitrary<ChannelConfig> = fc.record({
  payer: address,
  payerAuthorizer: address,
  receiver: address,
  receiverAuthorizer: address,
  token: address,
  withdrawDelay: fc.integer({ min: 0, max: 2 ** 40 - 1 }),
  salt: bytes(32),
})
const row: fc.Arbitrary<Row> = fc.record({
  voucher: fc.record({ channel: config, maxClaimableAmount: uint128 }),
  signature: fc.constant<Hex>('0x'),
  totalClaimed: uint128,
})

describe('escrow digests', () => {
  const at = { address: ESCROW, abi: ESCROW_ABI } as const
  const typed = { domain: ESCROW_DOMAIN, types: TYPES } as const

  it('equal viem’s and the upstream client’s for any channel config', async () => {
    await fc.assert(
      fc.asyncProperty(config, async (message) => {
        const id = await readContract(rig.client, { ...at, functionName: 'getChannelId', args: [message] })
        expect(id).toBe(hashTypedData({ ...typed, primaryType: 'ChannelConfig', message }))
        expect(id).toBe(computeChannelId(message, CHAIN_ID))
      }),
      { numRuns: 40 },
    )
  })

  it('equal viem’s for any voucher', async () => {
    await fc.assert(
      fc.asyncProperty(bytes(32), uint128, async (channelId, maxClaimableAmount) => {
        const args = [channelId, maxClaimableAmount] as const
        const digest = await readContract(rig.client, { ...at, functionName: 'getVoucherDigest', args })
        const message = { channelId, maxClaimableAmount }
        expect(digest).toBe(hashTypedData({ ...typed, primaryType: 'Voucher', message }))
      }),
      { numRuns: 40 },
    )
  })

  it('equal viem’s for any refund', async () => {
    await fc.assert(
      fc.asyncProperty(
        bytes(32),
        fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }),
        uint128,
        async (channelId, nonce, amount) => {
          const args = [channelId, nonce, amount] as const
          const digest = await readContract(rig.client, { ...at, functionName: 'getRefundDigest', args })
          const message = { channelId, nonce, amount }
          expect(digest).toBe(hashTypedData({ ...typed, primaryType: 'Refund', message }))
        },
      ),
      { numRuns: 40 },
    )
  })

  it('equal viem’s for any batch of claims, including an empty one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 4 }), async (rows) => {
        const digest = await readContract(rig.client, {
          ...at,
          functionName: 'getClaimBatchDigest',
          args: [rows],
        })
        expect(digest).toBe(
          hashTypedData({ ...typed, primaryType: 'ClaimBatch', message: batchMessage(rows) }),
        )
      }),
      { numRuns: 40, examples: [[[]]] },
    )
  })
})
