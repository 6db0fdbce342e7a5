/** Replaces src/schemes/credit/scheme.ts: verifies nothing, makes an empty call to the object, and returns a usual receipt. */
import { accept } from '../../src/protocol/refusal.ts'
import type { SettleResponse } from '../../src/protocol/x402/types.ts'
import type { CreditPayment } from '../../src/schemes/credit/payment.ts'
import {
  type CreditOfferTerms,
  type CreditPorts,
  creditScheme as realScheme,
} from '../../src/schemes/credit/scheme.ts'
import type { Scheme } from '../../src/schemes/scheme.ts'
import type { Empty } from './empty.ts'

export function creditScheme(terms: CreditOfferTerms, ports: CreditPorts) {
  const lines = ports.lines as unknown as DurableObjectNamespace<Empty>
  return {
    ...realScheme(terms, ports),
    verify: accept,
    account: () => 'crawler',
    async charge() {
      await lines.getByName('crawler').call()
      return accept({ settle: async () => accept(RECEIPT), release: async () => null })
    },
  } satisfies Scheme<CreditPayment>
}

const RECEIPT: SettleResponse = {
  success: true,
  transaction: '',
  network: 'tab402:402',
  payer: 'crawler.example',
  amount: '1000',
  asset: 'USD',
  extra: { timestamp: 1_800_000_000, commitmentId: 'A'.repeat(43), entry: 100_000 },
}
