/**
 * The state of a credit line, and the arguments and results of its calls. Micro-dollars, Unix milliseconds.
 */

import type { Reason } from '../../protocol/refusal.ts'
import type { StatedEntry } from '../../protocol/statement.ts'
import type { StoredAnswer } from '../stored-answers.ts'
import type { Totals } from '../totals.ts'
import type { Enrolment } from './terms.ts'
import type { Step } from './volume.ts'

/** The state of one credit line. */
export type LineStanding = Totals & {
  enrolment: Enrolment
  openedAt: number
  /** The most that may be owed now. */
  limit: bigint
  /** The reason for refusing every charge, or null. */
  closed: Reason | null
}

/** Proof that the agent signed: the signature base, its signature (base64), and the key's JWK thumbprint. */
export type Evidence = { keyId: string; algorithm: string; signature: string; base: string }

/** Charges `price` for `request`, on a verified commitment. */
export type CommitmentOrder = {
  /** The idempotency key: repeat the call with it after an unknown outcome. */
  id: string
  /** The id of the signature. */
  iou: string
  /** The single-use key: the nonce, or the signature if the nonce is missing. */
  once: string
  /** The amount that the agent promised, at least the price. */
  promised: bigint
  price: bigint
  /** The resource: method, URL and body digest. */
  request: string
  /** Whether the method has effects: its replays get the stored answer, and the origin is not asked again. */
  hasEffects?: boolean
  /** Lower prices from a number of pages in a month on, ascending. An older Worker sends none. */
  steps?: readonly Step[]
  /** Requests of which one may be open to the agent: then nothing is charged. An older Worker sends none. */
  opened?: readonly string[]
  /** How long the charge keeps its request open, in milliseconds. */
  openMs?: number
  /** The site's id or host, and the policy rule, for the statement. */
  site: string
  rule: string
  /** The version of the site's policy. An older Worker sends none, and none of `who`. */
  policy?: number
  /** The asker, as `identity/who.ts` writes it. */
  who?: string | null
  evidence: Evidence
  /** A recent version of the agent. Opens the line, or changes its terms if it is newer. */
  enrolment: Enrolment
}

/**
 * The result of an order. `due` is the amount charged, `at` its time; a replay returns the same two values, and
 * for a method with effects the stored answer. `opened`: the agent has paid for the page before, by the charge `entry`.
 */
export type LineAnswer =
  | {
      outcome: 'charged' | 'replayed' | 'opened'
      entry: number
      due: bigint
      at: number
      answer?: StoredAnswer
    }
  | { outcome: 'refused'; reason: Reason }

/** The kinds of journal entries. All but the first four carry a document. */
export type LineKind =
  | 'charge'
  | 'replay'
  | 'release'
  | 'lower'
  | 'terms'
  | 'statement'
  | 'draft'
  | 'invoice'
  | 'presented'
  | 'note_draft'
  | 'credit_note'
  | 'payment'
  | 'reversal'
  | 'failure'
  | 'attempt'
  | 'refuse'
  | 'abandon'
  | 'stage'
  | 'told'
  | 'named'

/** One journal entry, with the totals after it. The ceiling is the most that `charged` may reach. */
export type LineEntry = Totals &
  StatedEntry & {
    kind: LineKind
    ceiling: bigint
    /** For a charge: its single-use key, and how often that was charged and released before. */
    once: string | null
    attempt: number
    /** For a charge and what takes it back: the version of the site's policy, and who asked. Null in earlier versions. */
    policy: number | null
    who: string | null
    /** JSON: the evidence of a charge, or the document of another kind. */
    body: string | null
  }

/** An entry without its body, which is most of its size and not needed in memory. */
export type Remembered = Omit<LineEntry, 'body'>
