/**
 * One agent's standing on credit, and the words of its line's calls. Amounts in micro-dollars, times in Unix
 * milliseconds.
 */

import type { Reason } from '../../protocol/refusal.ts'
import type { StatedEntry } from '../../protocol/statement.ts'
import type { Totals } from '../totals.ts'
import type { Enrolment } from './terms.ts'

/** All that is known of one line. */
export type LineStanding = Totals & {
  enrolment: Enrolment
  openedAt: number
  /** The most that may be owed now. */
  limit: bigint
  /** Why nothing is charged, or null. */
  closed: Reason | null
}

/**
 * What shows later that the agent signed: the text and its signature (base64), by the key of this JWK
 * thumbprint.
 */
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
