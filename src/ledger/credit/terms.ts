/** The terms of one credit line, as the registry of agents stores them. Amounts in micro-dollars. */
import type { Party, PeriodKind, RailName } from '../billing/types.ts'

export type LineTerms = {
  /** The most that may be owed. */
  limit: bigint
  period: PeriodKind
  rail: RailName
  /** Of the policy's prices; null for the public one. */
  tier: string | null
  buyer: Party
}

/**
 * The terms of one line. What an agent may owe begins at `probation` and grows with what it has paid, up to
 * `limit`.
 */
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

/** The most that may be owed: never more than the limit, and at first the probation only (faults: C10). */
export function limitOf({ limit, probation }: CreditTerms, paid: bigint): bigint {
  const earned = probation + paid
  return earned < limit ? earned : limit
}
