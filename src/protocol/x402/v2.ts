/** x402 v2 as it stands on the wire, and the reader of `PAYMENT-SIGNATURE` (x402 v2 §5). */

import * as v from 'valibot'
import { accept, type Result, refuse } from '../refusal.ts'
import { type CreditAccepted, type CreditPayload, isCreditNetwork, readCommitment } from './commitment.ts'
import { decodeHeader } from './header.ts'
import {
  type ChannelPayload,
  checkVersion,
  type ExactPayload,
  read,
  readChannel,
  readExact,
} from './payload.ts'
import { CHANNEL, EXACT, type PaymentRequirements } from './types.ts'

type Envelope = {
  /** CAIP-2, also for v1. */
  network: string
  /** The payer's echo of the resource and of the extensions, as they came. */
  resource?: unknown
  extensions?: Record<string, unknown>
}

/** `accepted` is the offer as the payer echoes it; v1 echoes none. */
export type ExactPayment = Envelope & {
  version: 1 | 2
  scheme: 'exact'
  accepted: PaymentRequirements | null
  payload: ExactPayload
}

export type ChannelPayment = Envelope & {
  version: 2
  scheme: 'channel'
  accepted: PaymentRequirements
  payload: ChannelPayload
}

/** `crawl-exact` and `crawl-max` are Pay Per Crawl's spellings, which echo no offer. */
export type CreditPayment = Envelope & {
  version: 2 | 'crawl-exact' | 'crawl-max'
  scheme: 'credit'
  accepted: CreditAccepted | null
  payload: CreditPayload
}

export type Payment = ExactPayment | ChannelPayment | CreditPayment

const record = v.record(v.string(), v.unknown())

const envelope = v.object({
  accepted: v.object({
    scheme: v.string(),
    network: v.string(),
    amount: v.string(),
    asset: v.string(),
    payTo: v.string(),
    maxTimeoutSeconds: v.number(),
    extra: v.nullish(record, {}),
  }),
  payload: record,
  resource: v.nullish(v.unknown()),
  extensions: v.nullish(record),
})

/** Reads `PAYMENT-SIGNATURE`. Only its shape is looked at: nothing is compared with an offer, nothing verified. */
export function parsePayment(header: string): Result<Payment> {
  const json = decodeHeader(header)
  if (!json.ok) return json
  const version = checkVersion(json.value, 2)
  if (!version.ok) return version
  const credit = readCredit(json.value)
  if (credit) return credit
  const known = read(envelope, json.value)
  if (!known.ok) return known
  const { accepted, payload, resource, extensions } = known.value
  const { scheme, network } = accepted
  const rest = { network, accepted, ...(resource != null && { resource }), ...(extensions && { extensions }) }
  if (scheme === EXACT && network.startsWith('eip155:')) {
    const exact = readExact(payload)
    return exact.ok ? accept({ version: 2, scheme: 'exact', ...rest, payload: exact.value }) : exact
  }
  if (scheme === CHANNEL && network.startsWith('eip155:')) {
    const channel = readChannel(payload)
    return channel.ok ? accept({ version: 2, scheme: 'channel', ...rest, payload: channel.value }) : channel
  }
  return refuse('no_matching_offer')
}

const onCredit = v.object({
  accepted: v.object({ scheme: v.literal(CHANNEL), network: v.pipe(v.string(), v.check(isCreditNetwork)) }),
})

/** A commitment, where the accepted offer is one on credit. */
function readCredit(json: unknown): Result<CreditPayment> | undefined {
  if (!v.is(onCredit, json)) return undefined
  const known = readCommitment(json)
  if (!known.ok) return known
  const { network } = known.value.accepted
  return accept({ version: 2, scheme: 'credit', network, ...known.value })
}
