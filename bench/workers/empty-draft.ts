/** Replaces src/schemes/channel/purchase.ts: makes an empty call to the object, and returns one usual receipt. */
import { accept, type Result } from '../../src/protocol/refusal.ts'
import type { SettleResponse } from '../../src/protocol/x402/types.ts'
import type { ChannelPayment } from '../../src/schemes/channel/payment.ts'
import type { Charge } from '../../src/schemes/scheme.ts'
import type { Empty } from './empty.ts'

type Ports = { accounts: DurableObjectNamespace<Empty> }

export class ChannelPurchase {
  readonly #ports: Ports
  readonly #payment: ChannelPayment

  constructor(_terms: unknown, ports: Ports, payment: ChannelPayment) {
    this.#ports = ports
    this.#payment = payment
  }

  async charge(): Promise<Result<Charge>> {
    const { channelId } = this.#payment.payload.voucher
    await this.#ports.accounts.getByName(channelId).call()
    return accept({ settle: async () => accept(RECEIPT), release: async () => null })
  }
}

const RECEIPT: SettleResponse = {
  success: true,
  transaction: '',
  network: 'eip155:84532',
  payer: `0x${'1'.repeat(40)}`,
  amount: '',
  extra: {
    chargedAmount: '1000',
    channelState: {
      channelId: `0x${'2'.repeat(64)}`,
      balance: '500000000',
      totalClaimed: '0',
      withdrawRequestedAt: 0,
      refundNonce: '0',
      chargedCumulativeAmount: '10000000',
    },
  },
}
