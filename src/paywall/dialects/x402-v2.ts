/** x402 v2: `PAYMENT-SIGNATURE`, `PAYMENT-REQUIRED` and `PAYMENT-RESPONSE` (x402 v2 §5). */
import { accept, type Result, refuse, wire } from '../../protocol/refusal.ts'
import { encodeHeader, encodeText, isAscii } from '../../protocol/x402/header.ts'
import { acceptedIn, decodePayment, readEnvelope } from '../../protocol/x402/v2.ts'
import { SCHEME_NAMES, SCHEMES } from '../../schemes/index.ts'
import { type Dialect, fitting, form, type Paid } from './dialect.ts'

/** Bytes of JSON that make 2 KB of base64, less the longest error that may stand in place of the plain one. */
const MAX_JSON_BYTES = 1536 - 64

/**
 * Bytes that are kept for the URL of a page. Offers for further networks are left out for them, the last one first: what
 * is offered on the preferred network always stands. A payment may answer an offer that was left out.
 */
const ROOM_FOR_URL = 128

/** Reads `PAYMENT-SIGNATURE`. Only its shape is read: nothing is compared with an offer, nothing verified. */
export function parsePayment(header: string): Result<Paid> {
  const json = decodePayment(header)
  if (!json.ok) return json
  const accepted = acceptedIn(json.value)
  for (const scheme of SCHEME_NAMES) {
    const read = accepted && SCHEMES[scheme].read(accepted, json.value)
    if (read) return read.ok ? accept({ scheme, payment: read.value }) : read
  }
  const envelope = readEnvelope(json.value)
  return envelope.ok ? refuse('no_matching_offer') : envelope
}

/** x402 version 2. */
export const x402v2: Dialect = {
  pays: (headers) => headers.has('payment-signature'),

  read: (headers) => parsePayment(headers.get('payment-signature') ?? ''),

  challenge({ accepts: all, further, about, extensions }) {
    const rest = Object.keys(extensions).length > 0 ? { extensions } : {}
    const { code } = wire('payment_required')
    const formOf = (accepts: typeof all) =>
      form((url) => ({
        x402Version: 2,
        error: code,
        resource: { url, ...about },
        accepts,
        ...rest,
      }))
    const roomIn = (write: ReturnType<typeof form>) =>
      MAX_JSON_BYTES - new TextEncoder().encode(write('')).length
    let accepts = all
    for (let left = further; left > 0 && roomIn(formOf(accepts)) < ROOM_FOR_URL; left--)
      accepts = accepts.slice(0, -1)
    const plain = formOf(accepts)
    const isPlain = isAscii(plain(''))
    const written = (url: string) => (isPlain && isAscii(url) ? btoa(plain(url)) : encodeText(plain(url)))
    const room = roomIn(plain)
    const value = (url: string, reason: Parameters<typeof wire>[0], corrected: typeof accepts | null) =>
      reason === 'payment_required'
        ? written(url)
        : encodeHeader({
            x402Version: 2,
            error: wire(reason).code,
            resource: { url, ...about },
            accepts: corrected ?? accepts,
            ...(!corrected && rest),
          })
    return {
      header: ({ url, reason, corrected }) => [
        'payment-required',
        value(fitting(url, room), reason, corrected),
      ],
    }
  },

  receipt: (receipt) => ['payment-response', encodeHeader(receipt)],
}
