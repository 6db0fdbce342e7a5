/** The terms of credit. Amounts in micro-dollars. */
import type { Party, PeriodKind, RailName } from '../billing/types.ts'

/** The terms that a billing run uses. */
export type LineTerms = {
  /** The credit limit: the most that may be owed. */
  limit: bigint
  period: PeriodKind
  rail: RailName
  /** The price tier of the policy; null for the public prices. */
  tier: string | null
  buyer: Party
}

/**
 * The terms of one line. Its limit starts at `probation` and grows with what the agent has paid, up to
 * `limit`.
 */
export type CreditTerms = LineTerms & { probation: bigint }

/** One version of an agent, from the registry. The higher `version` is the newer one. */
export type Enrolment = {
  agent: string
  name: string
  version: number
  /** Why the operator suspended it, or null. */
  suspended: string | null
  terms: CreditTerms
}

/** Returns what may be owed now: the initial limit plus everything paid, at most `limit` (faults: C10). */
export function limitOf({ limit, probation }: CreditTerms, paid: bigint): bigint {
  const earned = probation + paid
  return earned < limit ? earned : limit
}
