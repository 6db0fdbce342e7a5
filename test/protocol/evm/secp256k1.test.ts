import { env } from 'cloudflare:test'
import fc from 'fast-check'
import { encodeFunctionData, parseAbi, recoverAddress } from 'viem'
import { privateKeyToAddress, sign } from 'viem/accounts'
import { describe, expect, it } from 'vitest'
import { transferAuthorizationDigest } from '../../../src/protocol/evm/eip712.ts'
import { type Address, fromHex, type Hex, toHex } from '../../../src/protocol/evm/hex.ts'
import { networks } from '../../../src/protocol/evm/network.ts'
import { addressOf, recover, sign as signed, signedBy } from '../../../src/protocol/evm/secp256k1.ts'

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const word = (value: bigint) => value.toString(16).padStart(64, '0')

const key: Hex = `0x${'42'.repeat(32)}`
const payer = privateKeyToAddress(key).toLowerCase() as Address
const digest = fromHex(`0x${'5a'.repeat(32)}`)
const signature = await sign({ hash: toHex(digest), privateKey: key, to: 'hex' })
const [r, s, v] = [signature.slice(2, 66), signature.slice(66, 130), signature.slice(130)]
const highS = word(ORDER - BigInt(`0x${s}`))
const otherV = v === '1b' ? '1c' : '1b'

/** A payer's signature, then variants that must not count as its signature. */
const twins: [string, Hex][] = [
  ['the signature itself', signature],
  ['its high-s twin', `0x${r}${highS}${otherV}`],
  ['its high-s twin with the same v', `0x${r}${highS}${v}`],
  ['the other v', `0x${r}${s}${otherV}`],
  ['v 0', `0x${r}${s}00`],
  ['v 1', `0x${r}${s}01`],
  ['v 29', `0x${r}${s}1d`],
  ['v 255', `0x${r}${s}ff`],
  ['64 bytes', `0x${r}${s}`],
  ['64 bytes, compact (EIP-2098)', `0x${r}${word(BigInt(`0x${s}`) | (v === '1c' ? 1n << 255n : 0n))}`],
  ['66 bytes', `0x${r}${s}${v}00`],
  ['no bytes', '0x'],
  ['r zero', `0x${word(0n)}${s}${v}`],
  ['s zero', `0x${r}${word(0n)}${v}`],
  ['r the order', `0x${word(ORDER)}${s}${v}`],
  ['s the order', `0x${r}${word(ORDER)}${v}`],
  ['r above the order', `0x${'f'.repeat(64)}${s}${v}`],
  ['all zero', `0x${'00'.repeat(64)}1b`],
  ['all ones', `0x${'ff'.repeat(65)}`],
  ['a letter for a zero', `0x${signature.slice(2).replace('0', 'g')}`],
  ['another prefix', `00${signature.slice(2)}` as Hex],
  ['r and s swapped', `0x${s}${r}${v}`],
]

/** The checks that OpenZeppelin's ECDSA and Circle's ECRecover make before `ecrecover`. */
async function expected(hash: Hex, candidate: Hex): Promise<Address | undefined> {
  if (!/^0x[0-9a-f]{128}1[bc]$/i.test(candidate) || BigInt(`0x${candidate.slice(66, 130)}`) > ORDER / 2n) {
    return undefined
  }
  const recovered = await recoverAddress({ hash, signature: candidate }).catch(() => undefined)
  return recovered?.toLowerCase() as Address | undefined
}

const keys = fc.bigInt({ min: 1n, max: ORDER - 1n }).map((secret): Hex => `0x${word(secret)}`)
const hashes = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => toHex(bytes))
const changes = fc.array(fc.record({ at: fc.nat(64), byte: fc.nat(255) }), { maxLength: 3 })

describe('secp256k1 signatures', () => {
  it.each(twins)('give the contract’s verdict on %s [B1]', async (_, candidate) => {
    const address = await expected(toHex(digest), candidate)
    expect(recover(digest, candidate)).toBe(address)
    expect(signedBy(digest, candidate, payer)).toBe(address === payer)
    expect(candidate === signature).toBe(address === payer)
  })

  it('reject every variant for a cached key too [B1]', () => {
    expect(signedBy(digest, signature, payer)).toBe(true)
    for (const [name, candidate] of twins.slice(1)) {
      expect(signedBy(digest, candidate, payer), name).toBe(false)
    }
  })

  it('give the verdict of the token contract on the chain [B1]', async () => {
    const { id, usdc } = networks.get('eip155:84532') ?? expect.fail('no Base Sepolia')
    expect(id).toBe('eip155:84532')
    const authorization = {
      from: payer,
      to: payer,
      value: 0n,
      validAfter: 0n,
      validBefore: 1n << 40n,
      nonce: `0x${'b1'.repeat(32)}` as Hex,
    }
    const hash = transferAuthorizationDigest(authorization, usdc)
    const good = await sign({ hash: toHex(hash), privateKey: key, to: 'hex' })
    const candidates = twinsOf(good)
    const verdicts = await Promise.all(candidates.map((each) => transfers(usdc.address, authorization, each)))
    expect(candidates.map((each) => signedBy(hash, each, payer))).toEqual(verdicts)
    expect(verdicts.filter(Boolean)).toHaveLength(1)
  })

  it('recover the same address as viem, for any key and digest', async () => {
    await fc.assert(
      fc.asyncProperty(keys, hashes, async (privateKey, hash) => {
        const made = await sign({ hash, privateKey, to: 'hex' })
        const address = privateKeyToAddress(privateKey).toLowerCase() as Address
        expect(recover(fromHex(hash), made)).toBe(address)
        expect(signedBy(fromHex(hash), made, address)).toBe(true)
        expect(addressOf(privateKey)).toBe(address)
      }),
      { numRuns: 60 },
    )
  })

  it('give the contract’s verdict on a signature with changed bytes [B1]', async () => {
    await fc.assert(
      fc.asyncProperty(keys, hashes, changes, async (privateKey, hash, bytes) => {
        const made = fromHex(await sign({ hash, privateKey, to: 'hex' }))
        for (const { at, byte } of bytes) made[at] = byte
        expect(recover(fromHex(hash), toHex(made))).toBe(await expected(hash, toHex(made)))
      }),
      { numRuns: 120 },
    )
  })

  it('give the contract’s verdict on random bytes [B1]', async () => {
    const junk = fc.uint8Array({ minLength: 0, maxLength: 70 }).map((bytes) => toHex(bytes))
    const shaped = fc
      .tuple(fc.uint8Array({ minLength: 64, maxLength: 64 }), fc.constantFrom('1b', '1c'))
      .map(([rs, last]): Hex => `${toHex(rs)}${last}`)
    await fc.assert(
      fc.asyncProperty(hashes, fc.oneof(junk, shaped), async (hash, candidate) => {
        expect(recover(fromHex(hash), candidate)).toBe(await expected(hash, candidate))
      }),
    )
  })

  it('accept a signature in upper case', () => {
    expect(signedBy(digest, `0x${signature.slice(2).toUpperCase()}`, payer)).toBe(true)
  })

  it('verify for the signer’s address only, cached or not', async () => {
    const other: Hex = `0x${'43'.repeat(32)}`
    const otherAddress = addressOf(other)
    const theirs = await sign({ hash: toHex(digest), privateKey: other, to: 'hex' })
    expect(signedBy(digest, theirs, otherAddress)).toBe(true)
    expect(signedBy(digest, signature, otherAddress)).toBe(false)
    expect(signedBy(digest, theirs, payer)).toBe(false)
    expect(signedBy(digest, signature, `0x${'00'.repeat(20)}`)).toBe(false)
  })

  it('verify correctly after more signers than the cache holds', () => {
    for (let i = 0; i < 4200; i++) {
      // Another digest makes the same signature that of another key.
      const other = fromHex(`0x${word(BigInt(i))}`)
      expect(signedBy(other, signature, recover(other, signature) ?? payer)).toBe(true)
      expect(signedBy(other, signature, payer)).toBe(false)
    }
    expect(signedBy(digest, signature, payer)).toBe(true)
  })

  it.each([`0x${word(0n)}`, `0x${word(ORDER)}`, '0x', `0x${'11'.repeat(31)}`] as Hex[])(
    'throw for %s as a private key',
    (text) => {
      expect(() => addressOf(text)).toThrow(RangeError)
    },
  )

  it('throw for a digest that is not 32 bytes long', () => {
    expect(() => recover(new Uint8Array(31), signature)).toThrow(RangeError)
  })

  it('are the same as viem’s, for any key and digest', async () => {
    const same = fc.asyncProperty(hashes, keys, async (hash, privateKey) => {
      expect(signed(fromHex(hash), privateKey)).toBe(await sign({ hash, privateKey, to: 'hex' }))
    })
    await fc.assert(same)
  })

  it('throw when signing with an invalid key', () => {
    for (const invalid of [word(0n), word(ORDER), '42', '']) {
      expect(() => signed(digest, `0x${invalid}`)).toThrow(RangeError)
    }
  })
})

/** Variants like {@link twins}, of another signature. */
function twinsOf(good: Hex): Hex[] {
  const [r, s, v] = [good.slice(2, 66), good.slice(66, 130), good.slice(130)]
  const high = word(ORDER - BigInt(`0x${s}`))
  const flipped = v === '1b' ? '1c' : '1b'
  const rest = [`${r}${high}${flipped}`, `${r}${high}${v}`, `${r}${s}${flipped}`, `${r}${s}00`, `${r}${s}01`]
  return [good, ...[...rest, `${r}${s}`, `${r}${s}${v}00`, '', `${s}${r}${v}`].map((hex): Hex => `0x${hex}`)]
}

const ABI = parseAbi([
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature)',
])

/** Whether the token on the local chain would execute the transfer. */
async function transfers(
  token: Address,
  { from, to, value, validAfter, validBefore, nonce }: Parameters<typeof transferAuthorizationDigest>[0],
  signature: Hex,
): Promise<boolean> {
  const args = [from, to, value, validAfter, validBefore, nonce, signature] as const
  const data = encodeFunctionData({ abi: ABI, functionName: 'transferWithAuthorization', args })
  const { RPC_URL } = env as unknown as { RPC_URL: string }
  const answer = await fetch(RPC_URL, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'eth_call',
      params: [{ to: token, data }, 'latest'],
    }),
  })
  const { error } = (await answer.json()) as { error?: { message: string } }
  if (error && !/revert/i.test(error.message)) throw new Error(error.message)
  return !error
}
