import { encodeAbiParameters, type Hex, parseSignature, serializeSignature, toHex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { readContract } from 'viem/actions'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../src/protocol/evm/hex.ts'
import { CONTRACTS, type LocalAccount, USDC } from '../../src/testing/chain/chain.ts'
import { compile } from '../../src/testing/chain/solidity.ts'
import { USDC_ABI } from './abi.ts'
import { balanceOf, now, place, type Rig, refusal, send, startRig } from './harness.ts'
import { FOREVER, TYPES, USDC_DOMAIN } from './paper.ts'

const WALLET: Address = '0x00000000000000000000000000000000000aa11e'
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

let rig: Rig
beforeAll(async () => {
  rig = await startRig()
  const { Wallet } = await compile(CONTRACTS)
  const owner = encodeAbiParameters([{ type: 'address' }], [rig.payer.address])
  await place(rig, `${Wallet?.creation}${owner.slice(2)}` as Hex, WALLET)
  await rig.chain.mint(WALLET, 1_000n)
})
afterAll(() => rig.chain.stop())

type Authorization = {
  from: Address
  to: Address
  value: bigint
  validAfter: bigint
  validBefore: bigint
  nonce: Hex
}

let nonces = 0n

/** A fresh authorization from the payer to the receiver, signed by `signer`. */
async function authorize(
  kind: 'TransferWithAuthorization' | 'ReceiveWithAuthorization',
  changes: Partial<Authorization> = {},
  signer: LocalAccount = rig.payer,
) {
  const message: Authorization = {
    from: rig.payer.address,
    to: rig.receiver.address,
    value: 100n,
    validAfter: 0n,
    validBefore: FOREVER,
    nonce: toHex(++nonces, { size: 32 }),
    ...changes,
  }
  const account = privateKeyToAccount(signer.privateKey)
  const signature = await account.signTypedData({
    domain: USDC_DOMAIN,
    types: TYPES,
    primaryType: kind,
    message,
  })
  const { from, to, value, validAfter, validBefore, nonce } = message
  return { message, signature, fields: [from, to, value, validAfter, validBefore, nonce] as unknown[] }
}

function split(signature: Hex): unknown[] {
  const { r, s, v } = parseSignature(signature)
  return [v, r, s]
}

async function refused(name: string, args: unknown[], from = rig.stranger.address) {
  return refusal(rig, from, name, args, USDC)
}

describe('USDC transferWithAuthorization', () => {
  it('moves the payer’s tokens for any sender, with a signature in one piece', async () => {
    const { fields, signature, message } = await authorize('TransferWithAuthorization')
    const before = await balanceOf(rig, message.to)
    await send(rig, rig.stranger.address, 'transferWithAuthorization', [...fields, signature], USDC)
    expect(await balanceOf(rig, message.to)).toBe(before + 100n)
  })

  it('moves the payer’s tokens with a signature in three pieces', async () => {
    const { fields, signature, message } = await authorize('TransferWithAuthorization')
    const before = await balanceOf(rig, message.to)
    await send(rig, rig.stranger.address, 'transferWithAuthorization', [...fields, ...split(signature)], USDC)
    expect(await balanceOf(rig, message.to)).toBe(before + 100n)
  })

  it('rejects an authorization sent twice', async () => {
    const { fields, signature } = await authorize('TransferWithAuthorization')
    await send(rig, rig.stranger.address, 'transferWithAuthorization', [...fields, signature], USDC)
    const answer = await refused('transferWithAuthorization', [...fields, ...split(signature)])
    expect(answer).toBe('FiatTokenV2: authorization is used or canceled')
  })

  it('marks the nonce as used', async () => {
    const { fields, signature, message } = await authorize('TransferWithAuthorization')
    const args = [message.from, message.nonce] as const
    const state = () =>
      readContract(rig.client, { address: USDC, abi: USDC_ABI, functionName: 'authorizationState', args })
    expect(await state()).toBe(false)
    await send(rig, rig.stranger.address, 'transferWithAuthorization', [...fields, signature], USDC)
    expect(await state()).toBe(true)
  })

  it('rejects an authorization in the seconds validAfter and validBefore', async () => {
    const second = await now(rig)
    const early = await authorize('TransferWithAuthorization', { validAfter: second })
    const late = await authorize('TransferWithAuthorization', { validBefore: second })
    expect([
      await refused('transferWithAuthorization', [...early.fields, early.signature]),
      await refused('transferWithAuthorization', [...late.fields, late.signature]),
    ]).toEqual(['FiatTokenV2: authorization is not yet valid', 'FiatTokenV2: authorization is expired'])
  })

  it('rejects an amount above the payer’s balance', async () => {
    const { fields, signature } = await authorize('TransferWithAuthorization', { value: 10n ** 18n })
    const answer = await refused('transferWithAuthorization', [...fields, signature])
    expect(answer).toBe('ERC20: transfer amount exceeds balance')
  })

  it('rejects a signature by another key', async () => {
    const { fields, signature } = await authorize('TransferWithAuthorization', {}, rig.stranger)
    expect(await refused('transferWithAuthorization', [...fields, signature])).toBe(
      'FiatTokenV2: invalid signature',
    )
  })

  it('rejects a signature for receiveWithAuthorization', async () => {
    const { fields, signature } = await authorize('ReceiveWithAuthorization')
    expect(await refused('transferWithAuthorization', [...fields, signature])).toBe(
      'FiatTokenV2: invalid signature',
    )
  })

  it('rejects the high-s twin of its signature', async () => {
    const { fields, signature } = await authorize('TransferWithAuthorization')
    const { r, s, yParity } = parseSignature(signature)
    const twin = serializeSignature({ r, s: toHex(N - BigInt(s), { size: 32 }), yParity: 1 - yParity })
    expect(await refused('transferWithAuthorization', [...fields, twin])).toBe(
      'FiatTokenV2: invalid signature',
    )
  })

  it.each([
    ['from', 0, (): unknown => rig.stranger.address],
    ['to', 1, (): unknown => WALLET],
    ['value', 2, (): unknown => 99n],
    ['validAfter', 3, (): unknown => 1n],
    ['validBefore', 4, (): unknown => FOREVER + 1n],
    ['nonce', 5, (): unknown => toHex(++nonces, { size: 32 })],
  ] as const)('rejects an authorization with a changed %s', async (_, index, other) => {
    const { fields, signature } = await authorize('TransferWithAuthorization')
    expect(await refused('transferWithAuthorization', [...fields, signature])).toBe(null)
    const changed = fields.with(index, other())
    const answer = await refused('transferWithAuthorization', [...changed, signature])
    expect(answer).toBe('FiatTokenV2: invalid signature')
  })

  it('asks a payer that is a contract to verify the signature', async () => {
    const { fields, signature } = await authorize('TransferWithAuthorization', { from: WALLET })
    expect(await refused('transferWithAuthorization', [...fields, signature])).toBe(null)
    const foreign = await authorize('TransferWithAuthorization', { from: WALLET }, rig.stranger)
    const answer = await refused('transferWithAuthorization', [...foreign.fields, foreign.signature])
    expect(answer).toBe('FiatTokenV2: invalid signature')
  })
})

describe('USDC receiveWithAuthorization', () => {
  it.each([
    ['one piece', (signature: Hex) => [signature]],
    ['three pieces', split],
  ] as const)('moves the tokens when the receiver sends it, with a signature in %s', async (_, pieces) => {
    const { fields, signature, message } = await authorize('ReceiveWithAuthorization')
    const before = await balanceOf(rig, message.to)
    const args = [...fields, ...pieces(signature)]
    await send(rig, rig.receiver.address, 'receiveWithAuthorization', args, USDC)
    expect(await balanceOf(rig, message.to)).toBe(before + 100n)
  })

  it('rejects any other sender', async () => {
    const { fields, signature } = await authorize('ReceiveWithAuthorization')
    const answer = await refused('receiveWithAuthorization', [...fields, signature])
    expect(answer).toBe('FiatTokenV2: caller must be the payee')
  })
})

describe('USDC cancelAuthorization', () => {
  async function cancel(signer: LocalAccount) {
    const { fields, signature, message } = await authorize('TransferWithAuthorization')
    const { from: authorizer, nonce } = message
    const account = privateKeyToAccount(signer.privateKey)
    const cancellation = await account.signTypedData({
      domain: USDC_DOMAIN,
      types: TYPES,
      primaryType: 'CancelAuthorization',
      message: { authorizer, nonce },
    })
    return { payment: [...fields, signature], args: [authorizer, nonce, cancellation] as const }
  }

  it('cancels an authorization before it is used', async () => {
    const { payment, args } = await cancel(rig.payer)
    await send(rig, rig.stranger.address, 'cancelAuthorization', [...args], USDC)
    const answer = await refused('transferWithAuthorization', payment)
    expect(answer).toBe('FiatTokenV2: authorization is used or canceled')
  })

  it('accepts a signature in three pieces', async () => {
    const [authorizer, nonce, signature] = (await cancel(rig.payer)).args
    expect(await refused('cancelAuthorization', [authorizer, nonce, ...split(signature)])).toBe(null)
  })

  it('rejects a signature by another key', async () => {
    const { args } = await cancel(rig.stranger)
    expect(await refused('cancelAuthorization', [...args])).toBe('FiatTokenV2: invalid signature')
  })

  it('rejects a used authorization', async () => {
    const { payment, args } = await cancel(rig.payer)
    await send(rig, rig.stranger.address, 'transferWithAuthorization', payment, USDC)
    expect(await refused('cancelAuthorization', [...args])).toBe(
      'FiatTokenV2: authorization is used or canceled',
    )
  })
})

describe('USDC token', () => {
  it('transfers tokens of the sender', async () => {
    const before = await balanceOf(rig, WALLET)
    await send(rig, rig.payer.address, 'transfer', [WALLET, 7n], USDC)
    expect(await balanceOf(rig, WALLET)).toBe(before + 7n)
  })

  it('allows a spender to move the approved amount and no more', async () => {
    const from = rig.payer.address
    await send(rig, from, 'approve', [rig.stranger.address, 7n], USDC)
    await send(rig, rig.stranger.address, 'transferFrom', [from, WALLET, 7n], USDC)
    const answer = await refused('transferFrom', [from, WALLET, 1n])
    expect(answer).toBe('ERC20: transfer amount exceeds allowance')
  })

  it('rejects a blacklisted account as payer and as receiver', async () => {
    await send(rig, rig.stranger.address, 'blacklist', [WALLET], USDC)
    const answers = [
      await refused('transfer', [WALLET, 1n], rig.payer.address),
      await refused('transfer', [rig.payer.address, 1n], WALLET),
    ]
    await send(rig, rig.stranger.address, 'unBlacklist', [WALLET], USDC)
    expect(new Set(answers)).toEqual(new Set(['Blacklistable: account is blacklisted']))
  })

  it('has six decimals and the name, symbol and version of USDC on Base Sepolia', async () => {
    const at = { address: USDC, abi: USDC_ABI } as const
    expect([
      await readContract(rig.client, { ...at, functionName: 'decimals' }),
      await readContract(rig.client, { ...at, functionName: 'name' }),
      await readContract(rig.client, { ...at, functionName: 'symbol' }),
      await readContract(rig.client, { ...at, functionName: 'version' }),
    ]).toEqual([6, 'USDC', 'USDC', '2'])
  })
})
