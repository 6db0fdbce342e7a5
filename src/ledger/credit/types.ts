/** One agent's standing on credit, and the words of its line's calls. Amounts in micro-dollars, times in Unix milliseconds. */
import type { Reason } from '../../protocol/refusal.ts'
import type { StatedEntry } from '../../protocol/statement.ts'
import type { LineTerms } from '../billing/types.ts'
import type { Totals } from '../totals.ts'

/** The terms of one line. What an agent may owe begins at `probation` and grows with what it has paid, up to `limit`. */
export type CreditTerms = LineTerms & { probation: bigint }

/** What the registry says of an agent. Of two, the one with the higher version is the newer. */
export type Enrolment = {
  agent: string
  name: string
  version: number
  /** Why the operator suspended it, or null. */
  suspended: string | null
  terms: CreditTerms
}

/** All that is known of one line. */
export type LineStanding = Totals & {
  enrolment: Enrolment
  openedAt: number
  /** The most that may be owed now. */
  limit: bigint
  /** Why nothing is charged, or null. */
  closed: Reason | null
}

/** What shows later that the agent signed: the text and its signature (base64), by the key of this JWK thumbprint. */
export type Evidence = { keyId: string; algorithm: string; signature: string; base: string }

/** Charge `price` for `request`, on a commitment that was verified. */
export type CommitmentOrder = {
  /** Names this operation; the same call may be repeated with it after an unknown outcome. */
  id: string
  /** Names the signature. */
  iou: string
  /** What may be used once: the nonce where there is one, else the signature. */
  once: string
  /** What the agent promised: the price, or more. */
  promised: bigint
  price: bigint
  /** What is bought: method, URL and the digest of a body. */
  request: string
  /** The host and the rule of its policy, for the statement. */
  site: string
  rule: string
  evidence: Evidence
  /** What the registry said of the agent lately; it opens the line, or changes its terms. */
  enrolment: Enrolment
}

/** `due` is what was charged, `at` when: a replay repeats both. */
export type LineAnswer =
  | { outcome: 'charged' | 'replayed'; entry: number; due: bigint; at: number }
  | { outcome: 'refused'; reason: Reason }

/** What an entry of a line can be. All but the first three carry a document. */
export type LineKind =
  | 'charge'
  | 'replay'
  | 'release'
  | 'terms'
  | 'statement'
  | 'invoice'
  | 'presented'
  | 'credit_note'
  | 'payment'
  | 'reversal'
  | 'failure'
  | 'attempt'
  | 'abandon'
  | 'stage'
  | 'told'

/** One line of the journal. Totals are those after the entry; the ceiling is what may be charged in all. */
export type LineEntry = Totals &
  StatedEntry & {
    kind: LineKind
    ceiling: bigint
    /** Of a charge: what may be used once, and how often it was charged before and released. */
    once: string | null
    attempt: number
    /** JSON: the evidence of a charge, or the document of another kind. */
    body: string | null
  }

/** An entry without its body: most of its weight, and no part of what is remembered. */
export type Remembered = Omit<LineEntry, 'body'>

/** The most that may be owed: never more than the limit, and at first the probation only (faults: C10). */
export function limitOf({ limit, probation }: CreditTerms, paid: bigint): bigint {
  const earned = probation + paid
  return earned < limit ? earned : limit
}

/** A document as text. Amounts are decimal strings. */
export function writeBody(document: object): string {
  return JSON.stringify(document, (_, value) => (typeof value === 'bigint' ? value.toString() : value))
}

const AMOUNTS: ReadonlySet<string> = new Set([
  'amount',
  'carriedIn',
  'carriedOut',
  'charged',
  'credited',
  'creditedNet',
  'limit',
  'net',
  'open',
  'paid',
  'probation',
  'released',
  'total',
  'vat',
])

/** Reads what {@link writeBody} wrote. */
export function readBody<Document>(body: string): Document {
  return JSON.parse(body, (key, value) =>
    typeof value === 'string' && AMOUNTS.has(key) ? BigInt(value) : value,
  ) as Document
}
