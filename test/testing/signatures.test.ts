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

/** The same signature with its s on the other side of the curve: as good to the mathematics, refused by the contract. */
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

describe('a voucher of a named authorizer', () => {
  it('with s at or below half the order and v 27 or 28 is good', async () => {
    const { config } = await open(rig, 1_000n)
    const seen = new Set<number>()
    for (let total = 1n; seen.size < 2; total++) {
      const row = await makeRow(config, total, total, rig.payer)
      seen.add(hexToBytes(row.signature)[64] ?? 0)
      expect(await refusedClaim(row)).toBe(null)
    }
    expect([...seen].sort()).toEqual([27, 28])
  })

  it.each(MALFORMED)('with %s is refused', async (_, change, expected) => {
    const { config } = await open(rig, 1_000n)
    const row = await makeRow(config, 300n, 300n, rig.payer)
    expect(await refusedClaim({ ...row, signature: change(row.signature) })).toBe(expected)
  })

  it('that is a contract is never asked: a key signs, or nobody', async () => {
    const { config } = await open(rig, 1_000n, { payerAuthorizer: WALLET })
    expect(await refusedClaim(await makeRow(config, 300n, 300n, rig.payer))).toBe('InvalidSignature')
  })

  it('is not the payer’s to sign', async () => {
    const { config } = await open(rig, 1_000n, { payerAuthorizer: rig.stranger.address })
    expect(await refusedClaim(await makeRow(config, 300n, 300n, rig.payer))).toBe('InvalidSignature')
  })

  it('of another channel is refused', async () => {
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
  ])('for another %s is refused', async (_, change) => {
    const { config } = await open(rig, 1_000n)
    const message = { channelId: channelId(config), maxClaimableAmount: 300n }
    const domain = { ...ESCROW_DOMAIN, ...change }
    const hash = hashTypedData({ domain, types: TYPES, primaryType: 'Voucher', message })
    const signature = await sign({ hash, privateKey: rig.payer.privateKey, to: 'hex' })
    const row = await makeRow(config, 300n, 300n, rig.payer)
    expect(await refusedClaim({ ...row, signature })).toBe('InvalidSignature')
  })
})

describe('a voucher of a payer that names no authorizer', () => {
  it('is good when the payer’s key signed it', async () => {
    const { config } = await open(rig, 1_000n, { payerAuthorizer: ZERO })
    expect(await refusedClaim(await makeRow(config, 300n, 300n, rig.payer))).toBe(null)
  })

  it.each(MALFORMED)('with %s is refused: InvalidSignature', async (_, change) => {
    const { config } = await open(rig, 1_000n, { payerAuthorizer: ZERO })
    const row = await makeRow(config, 300n, 300n, rig.payer)
    expect(await refusedClaim({ ...row, signature: change(row.signature) })).toBe('InvalidSignature')
  })

  it('is good when the payer is a contract that says so', async () => {
    await rig.chain.mint(WALLET, 1_000n)
    const { config } = await open(rig, 1_000n, { payer: WALLET, payerAuthorizer: ZERO })
    expect(await refusedClaim(await makeRow(config, 300n, 300n, rig.payer))).toBe(null)
    expect(await refusedClaim(await makeRow(config, 300n, 300n, rig.stranger))).toBe('InvalidSignature')
  })

  it('that the contract said yes to is refused when the contract says no by then: InvalidSignature', async () => {
    const fickle: Address = '0x00000000000000000000000000000000000f1c1e'
    await placeWallet(fickle)
    await rig.chain.mint(fickle, 1_000n)
    const { config } = await open(rig, 1_000n, { payer: fickle, payerAuthorizer: ZERO })
    const row = await makeRow(config, 300n, 300n, rig.payer)
    expect(await refusedClaim(row)).toBe(null)
    await send(rig, rig.payer.address, 'freeze', [], fickle)
    expect(await refusedClaim(row)).toBe('InvalidSignature')
  })

  it.each([
    ['answers nothing', '0x00'],
    ['reverts', '0x5f5ffd'],
    ['reverts with the selector', '0x631626ba7e60e01b5f5260205ffd'],
    ['answers the selector in the wrong place', '0x631626ba7e5f5260205ff3'],
    ['answers the selector and no whole word', '0x631626ba7e60e01b5f5260045ff3'],
  ])('is refused when the payer is a contract that %s', async (_, code) => {
    const { config } = await open(rig, 1_000n, { payerAuthorizer: ZERO })
    const row = await makeRow(config, 300n, 300n, rig.payer)
    await rig.chain.rpc('anvil_setCode', [rig.payer.address, code])
    const refused = await refusedClaim(row)
    await rig.chain.rpc('anvil_setCode', [rig.payer.address, '0x'])
    expect(refused).toBe('InvalidSignature')
  })
})

describe('a receiver’s authorizer', () => {
  it('may be a contract that signs claims', async () => {
    const { config } = await open(rig, 1_000n, { receiverAuthorizer: WALLET })
    const rows = [await makeRow(config, 300n, 300n, rig.payer)]
    const refused = (signature: Hex) =>
      refusal(rig, rig.stranger.address, 'claimWithSignature', [rows, signature])
    expect(await refused(await signBatch(rows, rig.payer))).toBe(null)
    expect(await refused(await signBatch(rows, rig.authorizer))).toBe('InvalidSignature')
  })

  it('may be a contract that signs refunds', async () => {
    const { config, id } = await open(rig, 1_000n, { receiverAuthorizer: WALLET })
    const args = [config, 10n, 0n, await signRefund(id, 0n, 10n, rig.payer)]
    expect(await refusal(rig, rig.stranger.address, 'refundWithSignature', args)).toBe(null)
  })

  it.each(MALFORMED)(
    'whose signature on a claim comes with %s is refused: InvalidSignature',
    async (_, change) => {
      const { config } = await open(rig, 1_000n)
      const rows = [await makeRow(config, 300n, 300n, rig.payer)]
      const signature = change(await signBatch(rows, rig.authorizer))
      expect(await refusal(rig, rig.stranger.address, 'claimWithSignature', [rows, signature])).toBe(
        'InvalidSignature',
      )
    },
  )

  it('that is nobody has signed nothing, malformed signatures included', async () => {
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

  it('cannot have its refund taken for a claim, nor its claim for a refund', async () => {
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
