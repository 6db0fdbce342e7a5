/** Channels without bindings: their payment, their words and their needs. */
import { networks } from '../../protocol/evm/network.ts'
import { accept } from '../../protocol/refusal.ts'
import { type ChannelPayload, readChannel } from '../../protocol/x402/payload.ts'
import { CHANNEL } from '../../protocol/x402/types.ts'
import { type Envelope, readEnvelope } from '../../protocol/x402/v2.ts'
import type { SchemeKind } from '../payment.ts'

/** A voucher, alone or with a deposit or a refund. */
export type ChannelPayment = Omit<Envelope, 'payload'> & { scheme: 'channel'; payload: ChannelPayload }

/** x402 `batch-settlement` on EVM. */
export const channel: SchemeKind<ChannelPayment> = {
  read({ scheme, network }, json) {
    if (scheme !== CHANNEL || !network.startsWith('eip155:')) return undefined
    const envelope = readEnvelope(json)
    if (!envelope.ok) return envelope
    const payload = readChannel(envelope.value.payload)
    if (!payload.ok) return payload
    return accept({ scheme: 'channel', ...envelope.value, payload: payload.value })
  },

  // Clients take the first `batch-settlement` entry and read the account's state from its `extra`
  // (x402 batch-settlement §Recovery After State Loss).
  correct: (offer, terms) => ({ ...offer, extra: { ...offer.extra, ...terms } }),

  offeredAfter: () => true,

  lowers: true,
  counts: false,

  standsOn: ({ hasEscrow }) => hasEscrow,

  describe: (network) => ({
    title: 'On a tab',
    text: `open a channel on ${networks.get(network)?.title ?? network}, sign a voucher for each page, settle every midnight (UTC)`,
    code: CHANNEL,
  }),

  gas: () => ['deposit', 'refund', 'claim'],

  needs: () => [{ place: 'RPC_URL' }, { place: 'RELAYER_KEY' }],
}
