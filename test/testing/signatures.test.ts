import {
  encodeAbiParameters,
  type Hex,
  hashTypedData,
  hexToBytes,
  parseSignature,
  serializeSignature,
  toHex,
} from 'viem'
import { sign } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../src/protocol/evm/hex.ts'
import { CONTRACTS } from '../../src/testing/chain/chain.ts'
import { compile } from '../../src/testing/chain/solidity.ts'
import { place, type Rig, refusal, send, startRig, ZERO } from './harness.ts'
import {
  channelId,
  ESCROW_DOMAIN,
  makeConfig,
  makeRow,
  open,
  type Row,
  signBatch,
  signRefund,
  TYPES,
} from './paper.ts'

/** secp256k1's order. */
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const WALLET: Address = '0x00000000000000000000000000000000000aa11e'

let rig: Rig
beforeAll(async () => {
  rig = await startRig()
  await placeWallet(WALLET)
})
afterAll(() => rig.chain.stop())

/** A contract account that signs with the payer's key. */
async function placeWallet(address: Address): Promise<void> {
  const { Wallet } = await compile(CONTRACTS)
  const owner = encodeAbiParameters([{ type: 'address' }], [rig.payer.address])
  await place(rig, `${Wallet?.creation}${owner.slice(2)}` as Hex, address)
}

/** The signature with the negated s: mathematically valid, but rejected by the contract. */
function twin(signature: Hex): Hex {
  const { r, s, yParity } = parseSignature(signature)
  return serializeSignature({ r, s: toHex(N - BigInt(s), { size: 32 }), yParity: 1 - yParity })
}

function withV(signature: Hex, v: number): Hex {
  return `${signature.slice(0, -2)}${v.toString(16).padStart(2, '0')}` as Hex
}

/** EIP-2098: 64 bytes, with the parity in the highest bit of s. */
function compact(signature: Hex): Hex {
  const { r, s, yParity } = parseSignature(signature)
  const top = BigInt(s) | (BigInt(yParity) << 255n)
  return `${r}${top.toString(16).padStart(64, '0')}`
}

const MALFORMED: [string, (signature: Hex) => Hex, string][] = [
  ['its high-s twin', twin, 'ECDSAInvalidSignatureS'],
  [
    'v 0 or 1 in place of 27 or 28',
    (signature) => withV(signature, parseSignature(signature).yParity),
    'ECDSAInvalidSignature',
  ],
  ['v 29', (signature) => withV(signature, 29), 'ECDSAInvalidSignature'],
  ['64 bytes', compact, 'ECDSAInvalidSignatureLength'],
  ['66 bytes', (signature) => `${signature}00`, 'ECDSAInvalidSignatureLength'],
  ['no bytes', () => '0x', 'ECDSAInvalidSignatureLength'],
  ['r and s of zero', () => `0x${'00'.repeat(64)}1b`, 'ECDSAInvalidSignature'],
  [
    'r above the order',
    (signature) => `0x${'ff'.repeat(32)}${signature.slice(66)}` as Hex,
    'ECDSAInvalidSignature',
  ],
]

async function refusedClaim(row: Row) {
  return refusal(rig, rig.receiver.address, 'claim', [[row]])
}

describe('escrow voucher with a payer authorizer', () => {
  it('is accepted with s at or below half the order and v 27 or 28', async () => {
    const { config } = await open(rig, 1_000n)
    const seen = new Set<number>()
    for (let total = 1n; seen.size < 2; total++) {
      const row = await makeRow(config, total, total, rig.payer)
      seen.add(hexToBytes(row.signature)[64] ?? 0)
      expect(await refusedClaim(row)).toBe(null)
    }
    expect([...seen].sort()).toEqual([27, 28])
  })

  it.each(MALFORMED)('is rejected with %s', async (_, change, expected) => {
    const { config } = await open(rig, 1_000n)
    const row = await makeRow(config, 300n, 300n, rig.payer)
    expect(await refusedClaim({ ...row, signature: change(row.signature) })).toBe(expected)
  })

  it('is rejected if the authorizer is a contract, which is not asked', async () => {
    const { config } = await open(rig, 1_000n, { payerAuthorizer: WALLET })
    expect(await refusedClaim(await makeRow(config, 300n, 300n, rig.payer))).toBe('InvalidSignature')
  })

  it('is rejected if the payer signed it instead', async () => {
    const { config } = await open(rig, 1_000n, { payerAuthorizer: rig.stranger.address })
    expect(await refusedClaim(await makeRow(config, 300n, 300n, rig.payer))).toBe('InvalidSignature')
  })

  it('is rejected for another channel', async () => {
    const [mine, other] = [await open(rig, 1_000n), await open(rig, 1_000n)]
    const { signature } = await makeRow(other.config, 300n, 300n, rig.payer)
    const row = await makeRow(mine.config, 300n, 300n, rig.payer)
    expect(await refusedClaim({ ...row, signature })).toBe('InvalidSignature')
  })

  it.each([
    ['chain', { chainId: 8453 }],
    ['contract', { verifyingContract: ZERO }],
    ['name', { name: 'x402 Batch Settlement ' }],
    ['version', { version: '2' }],
  ])('is rejected if signed for another %s', async (_, change) => {
    const { config } = await open(rig, 1_000n)
    const message = { channelId: channelId(config), maxClaimableAmount: 300n }
    const domain = { ...ESCROW_DOMAIN, ...change }
    const hash = hashTypedData({ domain, types: TYPES, primaryType: 'Voucher', message })
    const signature = await sign({ hash, privateKey: rig.payer.privateKey, to: 'hex' })
    const row = await makeRow(config, 300n, 300n, rig.payer)
    expect(await refusedClaim({ ...row, signature })).toBe('InvalidSignature')
  })
})

describe('escrow voucher without a payer authorizer', () => {
  it('is accepted if the payer’s key signed it', async () => {
    const { config } = await open(rig, 1_000n, { payerAuthorizer: ZERO })
    expect(await refusedClaim(await makeRow(config, 300n, 300n, rig.payer))).toBe(null)
  })

  it.each(MALFORMED)('is rejected with %s as InvalidSignature', async (_, change) => {
    const { config } = await open(rig, 1_000n, { payerAuthorizer: ZERO })
    const row = await makeRow(config, 300n, 300n, rig.payer)
    expect(await refusedClaim({ ...row, signature: change(row.signature) })).toBe('InvalidSignature')
  })

  it('is accepted if the payer is a contract that accepts the signature', async () => {
    await rig.chain.mint(WALLET, 1_000n)
    const { config } = await open(rig, 1_000n, { payer: WALLET, payerAuthorizer: ZERO })
    expect(await refusedClaim(await makeRow(config, 300n, 300n, rig.payer))).toBe(null)
    expect(await refusedClaim(await makeRow(config, 300n, 300n, rig.stranger))).toBe('InvalidSignature')
  })

  it('is rejected once the payer’s contract no longer accepts the signature', async () => {
    const revocable: Address = '0x00000000000000000000000000000000000f1c1e'
    await placeWallet(revocable)
    await rig.chain.mint(revocable, 1_000n)
    const { config } = await open(rig, 1_000n, { payer: revocable, payerAuthorizer: ZERO })
    const row = await makeRow(config, 300n, 300n, rig.payer)
    expect(await refusedClaim(row)).toBe(null)
    await send(rig, rig.payer.address, 'freeze', [], revocable)
    expect(await refusedClaim(row)).toBe('InvalidSignature')
  })

  it.each([
    ['answers nothing', '0x00'],
    ['reverts', '0x5f5ffd'],
    ['reverts with the selector', '0x631626ba7e60e01b5f5260205ffd'],
    ['answers the selector in the wrong place', '0x631626ba7e5f5260205ff3'],
    ['answers the selector in less than a word', '0x631626ba7e60e01b5f5260045ff3'],
  ])('is rejected if the payer is a contract that %s', async (_, code) => {
    const { config } = await open(rig, 1_000n, { payerAuthorizer: ZERO })
    const row = await makeRow(config, 300n, 300n, rig.payer)
    await rig.chain.rpc('anvil_setCode', [rig.payer.address, code])
    const refused = await refusedClaim(row)
    await rig.chain.rpc('anvil_setCode', [rig.payer.address, '0x'])
    expect(refused).toBe('InvalidSignature')
  })
})

describe('escrow receiver authorizer', () => {
  it('can be a contract that signs claims', async () => {
    const { config } = await open(rig, 1_000n, { receiverAuthorizer: WALLET })
    const rows = [await makeRow(config, 300n, 300n, rig.payer)]
    const refused = (signature: Hex) =>
      refusal(rig, rig.stranger.address, 'claimWithSignature', [rows, signature])
    expect(await refused(await signBatch(rows, rig.payer))).toBe(null)
    expect(await refused(await signBatch(rows, rig.authorizer))).toBe('InvalidSignature')
  })

  it('can be a contract that signs refunds', async () => {
    const { config, id } = await open(rig, 1_000n, { receiverAuthorizer: WALLET })
    const args = [config, 10n, 0n, await signRefund(id, 0n, 10n, rig.payer)]
    expect(await refusal(rig, rig.stranger.address, 'refundWithSignature', args)).toBe(null)
  })

  it.each(MALFORMED)('is rejected for a claim signature with %s as InvalidSignature', async (_, change) => {
    const { config } = await open(rig, 1_000n)
    const rows = [await makeRow(config, 300n, 300n, rig.payer)]
    const signature = change(await signBatch(rows, rig.authorizer))
    expect(await refusal(rig, rig.stranger.address, 'claimWithSignature', [rows, signature])).toBe(
      'InvalidSignature',
    )
  })

  it('cannot be the zero address with a malformed signature', async () => {
    const config = makeConfig(rig, { receiverAuthorizer: ZERO })
    const signature = withV(await signRefund(channelId(config), 0n, 10n, rig.authorizer), 29)
    const refused = await refusal(rig, rig.stranger.address, 'refundWithSignature', [
      config,
      10n,
      0n,
      signature,
    ])
    expect(refused).toBe('InvalidSignature')
  })

  it('cannot use a refund signature for a claim, or the reverse', async () => {
    const { config, id } = await open(rig, 1_000n)
    const rows = [await makeRow(config, 300n, 300n, rig.payer)]
    const [claim, refund] = [
      await signBatch(rows, rig.authorizer),
      await signRefund(id, 0n, 300n, rig.authorizer),
    ]
    const claimed = await refusal(rig, rig.stranger.address, 'claimWithSignature', [rows, refund])
    const refunded = await refusal(rig, rig.stranger.address, 'refundWithSignature', [
      config,
      300n,
      0n,
      claim,
    ])
    expect([claimed, refunded]).toEqual(['InvalidSignature', 'InvalidSignature'])
  })
})
