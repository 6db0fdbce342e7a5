/** Credit without bindings: its payment, its words and its needs. */
import { accept, type Reason } from '../../protocol/refusal.ts'
import {
  type CreditAccepted,
  type CreditPayload,
  isCreditNetwork,
  readCommitment,
} from '../../protocol/x402/commitment.ts'
import { CHANNEL } from '../../protocol/x402/types.ts'
import type { SchemeKind } from '../payment.ts'

/** A commitment. Pay Per Crawl echoes no offer: `accepted` is null there, and the amount is in micro-dollars. */
export type CreditPayment = {
  scheme: 'credit'
  /** The billing network, `<operator>:402`. */
  network: string
  /** `offer`: the amount of the offer echoed, in units of the network. `exact`, `most`: a price that the request names. */
  promise: 'offer' | 'exact' | 'most'
  /** The header that states the promise, which the signature must cover. */
  field: string
  accepted: CreditAccepted | null
  payload: CreditPayload
}

/** After these refusals only schemes that pay at once are offered. */
const EXHAUSTED: ReadonlySet<Reason> = new Set(['credit_exhausted', 'credit_suspended', 'credit_unpaid'])

/** x402 `batch-settlement` on the operator's own billing network, and Pay Per Crawl. */
export const credit: SchemeKind<CreditPayment> = {
  read({ scheme, network }, json) {
    if (scheme !== CHANNEL || !isCreditNetwork(network)) return undefined
    const known = readCommitment(json)
    if (!known.ok) return known
    return accept({ scheme: 'credit', network, promise: 'offer', field: 'payment-signature', ...known.value })
  },

  readNamedPrice: ({ promise, amount, field }, network) => ({
    scheme: 'credit',
    network,
    promise,
    field,
    accepted: null,
    payload: { amount },
  }),

  offeredAfter: (reason) => !EXHAUSTED.has(reason),

  lowers: true,
  counts: true,

  describe: (network) => ({
    title: 'On credit',
    text: 'sign each request (RFC 9421), pay an invoice for the period',
    code: network,
  }),

  needs: () => [
    { place: 'REGISTRATION_URL' },
    { place: 'LINES', binding: 'CreditLine' },
    { place: 'AGENTS', binding: 'Agents' },
    { place: 'DIRECTORIES', binding: 'Directory' },
  ],

  // Both are `batch-settlement` on the wire, and clients of channels take the first such offer.
  after: 'channel',
}
