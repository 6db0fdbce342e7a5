/** `exact` without bindings: its payment, its words and its needs. */
import { networks } from '../../protocol/evm/network.ts'
import { accept } from '../../protocol/refusal.ts'
import { type ExactPayload, readExact } from '../../protocol/x402/payload.ts'
import { EXACT, type PaymentRequirements } from '../../protocol/x402/types.ts'
import { type Envelope, readEnvelope } from '../../protocol/x402/v2.ts'
import type { SchemeKind } from '../payment.ts'

/** A signed transfer. x402 v1 echoes no offer. */
export type ExactPayment = Omit<Envelope, 'accepted' | 'payload'> & {
  version: 1 | 2
  scheme: 'exact'
  accepted: PaymentRequirements | null
  payload: ExactPayload
}

/** x402 `exact` on EVM. */
export const exact: SchemeKind<ExactPayment> = {
  read({ scheme, network }, json) {
    if (scheme !== EXACT || !network.startsWith('eip155:')) return undefined
    const envelope = readEnvelope(json)
    if (!envelope.ok) return envelope
    const payload = readExact(envelope.value.payload)
    if (!payload.ok) return payload
    return accept({ version: 2, scheme: 'exact', ...envelope.value, payload: payload.value })
  },

  readV1({ scheme, network, payload }) {
    if (scheme !== EXACT) return undefined
    const read = readExact(payload)
    if (!read.ok) return read
    return accept({ version: 1, scheme: 'exact', network, accepted: null, payload: read.value })
  },

  // The amount would be the same again, and so would the refusal.
  offeredAfter: (reason) => reason !== 'exact_below_gas',

  lowers: false,
  counts: false,

  describe: (network) => ({
    title: 'At once',
    text: `a signed USDC transfer on ${networks.get(network)?.title ?? network}`,
    code: EXACT,
  }),

  gas: (isSet) => (isSet('FACILITATOR_URL') ? [] : ['payment']),

  needs: (isSet) => (isSet('FACILITATOR_URL') ? [] : [{ place: 'RPC_URL' }, { place: 'RELAYER_KEY' }]),
}
