/** x402 v2 on the wire: the envelope in `PAYMENT-SIGNATURE` (x402 v2 §5). */
import * as v from 'valibot'
import { accept, type Result } from '../refusal.ts'
import { decodeHeader } from './header.ts'
import { checkVersion, read } from './payload.ts'
import type { PaymentRequirements } from './types.ts'

/** A payment before its scheme has read the payload. */
export type Envelope = {
  /** CAIP-2. */
  network: string
  /** The offer as the payer echoes it. */
  accepted: PaymentRequirements
  payload: Record<string, unknown>
  /** The payer's echo of the resource and of the extensions, as they came. */
  resource?: unknown
  extensions?: Record<string, unknown>
}

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

/** Decodes `PAYMENT-SIGNATURE` into JSON of version 2. */
export function decodePayment(header: string): Result<unknown> {
  const json = decodeHeader(header)
  if (!json.ok) return json
  const version = checkVersion(json.value, 2)
  return version.ok ? json : version
}

/** Reads an envelope's shape. Nothing is compared with an offer, nothing verified. */
export function readEnvelope(json: unknown): Result<Envelope> {
  const known = read(envelope, json)
  if (!known.ok) return known
  const { accepted, payload, resource, extensions } = known.value
  return accept({
    network: accepted.network,
    accepted,
    payload,
    ...(resource != null && { resource }),
    ...(extensions && { extensions }),
  })
}

const named = v.object({ accepted: v.object({ scheme: v.string(), network: v.string() }) })

/** Scheme and network of the offer that a payment accepts; undefined where the envelope names none. */
export function acceptedIn(json: unknown): { scheme: string; network: string } | undefined {
  return v.is(named, json) ? json.accepted : undefined
}
