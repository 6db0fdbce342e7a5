/** Verifies the same vouchers with viem or our code. Timed from outside, since a Worker's clock stands still while it runs. */
import { verifyTypedData } from 'viem'
import { voucherDigest } from '../../src/protocol/evm/eip712.ts'
import type { Address, Hex } from '../../src/protocol/evm/hex.ts'
import { signedBy } from '../../src/protocol/evm/secp256k1.ts'

type Signed = { channelId: Hex; maxClaimableAmount: string; signature: Hex }
type Order = {
  by: 'viem' | 'us'
  /** How often to verify all of them, so that the request itself hardly counts. */
  times: number
  chainId: number
  escrow: Address
  payer: Address
  vouchers: Signed[]
}

const types = {
  Voucher: [
    { name: 'channelId', type: 'bytes32' },
    { name: 'maxClaimableAmount', type: 'uint128' },
  ],
} as const

export default {
  async fetch(request) {
    const order = await request.json<Order>()
    const verify = order.by === 'viem' ? byViem : byUs
    let valid = 0
    for (let time = 0; time < order.times; time++) {
      for (const voucher of order.vouchers) if (await verify(order, voucher)) valid++
    }
    return Response.json({ valid })
  },
} satisfies ExportedHandler

function byViem({ chainId, escrow, payer }: Order, { channelId, ...voucher }: Signed): Promise<boolean> {
  return verifyTypedData({
    address: payer,
    domain: { name: 'x402 Batch Settlement', version: '1', chainId, verifyingContract: escrow },
    types,
    primaryType: 'Voucher',
    message: { channelId, maxClaimableAmount: BigInt(voucher.maxClaimableAmount) },
    signature: voucher.signature,
  })
}

function byUs({ chainId, escrow, payer }: Order, { channelId, ...voucher }: Signed): boolean {
  const maxClaimableAmount = BigInt(voucher.maxClaimableAmount)
  return signedBy(voucherDigest({ channelId, maxClaimableAmount }, chainId, escrow), voucher.signature, payer)
}
