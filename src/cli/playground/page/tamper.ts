/** Three ways to cheat with a payment that was sent, and what each must lead to. */
import { fromBase64, type Sent, toBase64 } from './exchange.ts'

/** How a crawler pays. */
export type Way = 'once' | 'tab' | 'credit'
/** How it cheats. */
export type Trick = 'replay' | 'path' | 'byte'

/** The buttons. */
export const TRICKS: Record<Trick, string> = {
  replay: 'Send it a second time',
  path: 'Use it for another page',
  byte: 'Change one byte of the signature',
}

/** Why the paywall answers as it does. */
export const WHY: Record<Way, Record<Trick, string>> = {
  once: {
    replay:
      'Served again, and not paid again. The chain takes an authorization once, so a lost answer costs a crawler nothing.',
    path: 'Refused. The ledger has stored which page this authorization paid for. It opens no other.',
    byte: 'Refused. The signature no longer belongs to your address, and a payment is checked before anything is done.',
  },
  tab: {
    replay:
      'Served again, and charged once. A voucher names a running total, and this total has been charged already.',
    path: 'Refused. A voucher names a running total. This total pays for the first page; a second page needs a higher one.',
    byte: 'Refused. Only your key can raise your total, and this signature is not from your key.',
  },
  credit: {
    replay: 'Served again, and charged once. The ledger has stored this signed request with its answer.',
    path: 'Refused. The signature covers the address of the page, so it fits no other.',
    byte: 'Refused. The signature no longer belongs to the key that the operator has on file.',
  },
}

/** Makes the request of a cheat from one that was sent. `other`: the URL of another page. */
export function tampered(sent: Sent, trick: Trick, other: string): Sent {
  if (trick === 'replay') return sent
  if (trick === 'path') return { ...sent, url: other }
  const { headers } = sent
  if (headers.signature !== undefined)
    return { ...sent, headers: { ...headers, signature: flipText(headers.signature) } }
  const payment = flipSignatures(fromBase64(headers['payment-signature'] ?? ''))
  return { ...sent, headers: { ...headers, 'payment-signature': toBase64(payment) } }
}

/** `label=:base64:` of RFC 9421: another letter in the middle. */
function flipText(signature: string): string {
  const at = signature.indexOf(':') + 8
  return `${signature.slice(0, at)}${signature[at] === 'A' ? 'B' : 'A'}${signature.slice(at + 1)}`
}

function flipSignatures(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(flipSignatures)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      name === 'signature' && typeof member === 'string' ? flipHex(member) : flipSignatures(member),
    ]),
  )
}

/** The fifth byte after `0x`, with its lowest bit turned. */
function flipHex(hex: string): string {
  const at = 2 + 2 * 4 + 1
  const digit = Number.parseInt(hex[at] ?? '0', 16) ^ 1
  return `${hex.slice(0, at)}${digit.toString(16)}${hex.slice(at + 1)}`
}
