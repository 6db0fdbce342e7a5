/** Signed transactions, compared with viem's. */
import fc from 'fast-check'
import { parseTransaction } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, it } from 'vitest'
import { signTransaction } from '../../../src/chain/relayer/transaction.ts'
import { toHex } from '../../../src/protocol/evm/hex.ts'

const key = toHex(new Uint8Array(32).fill(0x42))
const account = privateKeyToAccount(key)

const chainId = fc.integer({ min: 1, max: 2 ** 31 })
const wei = fc.bigInt({ min: 0n, max: 1n << 64n })
const transaction = fc.record({
  to: fc.uint8Array({ minLength: 20, maxLength: 20 }).map(toHex),
  data: fc.uint8Array({ maxLength: 300 }).map(toHex),
  gas: fc.bigInt({ min: 0n, max: 1n << 24n }),
  nonce: fc.nat(),
  fees: fc.tuple(wei, wei).map(([tip, over]) => ({ tip, maxFee: tip + over })),
})

describe('transaction signing', () => {
  it('returns the same bytes as viem', async () => {
    const same = fc.asyncProperty(chainId, transaction, async (id, { to, data, gas, nonce, fees }) => {
      const { raw } = signTransaction(key, id, { to, data, gas, nonce, fees })
      const { tip: maxPriorityFeePerGas, maxFee: maxFeePerGas } = fees
      const rest = { to, data, gas, nonce, maxFeePerGas, maxPriorityFeePerGas }
      expect(raw).toBe(await account.signTransaction({ type: 'eip1559', chainId: id, ...rest }))
    })
    await fc.assert(same, { numRuns: 100 })
  })

  it('returns the same bytes as viem when r or s is shorter than a word', async () => {
    const [to, fees] = [toHex(new Uint8Array(20).fill(1)), { tip: 1n, maxFee: 2n }]
    const short = new Set<string>()
    for (let nonce = 0; nonce < 5_000 && short.size < 2; nonce++) {
      const { raw } = signTransaction(key, 1, { to, data: '0x', gas: 21_000n, nonce, fees })
      const { r = '0x', s = '0x' } = parseTransaction(raw)
      const found = [BigInt(r) >> 248n === 0n && 'r', BigInt(s) >> 248n === 0n && 's'].filter(
        (name) => name !== false,
      )
      if (found.length === 0) continue
      for (const name of found) short.add(name)
      const same = { maxFeePerGas: 2n, maxPriorityFeePerGas: 1n, type: 'eip1559', chainId: 1 } as const
      expect(raw).toBe(await account.signTransaction({ ...same, to, data: '0x', gas: 21_000n, nonce }))
    }
    expect(short).toEqual(new Set(['r', 's']))
  })
})
