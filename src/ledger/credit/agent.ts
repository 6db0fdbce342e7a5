/** A registered agent as data, without the object that stores it: code outside the Workers runtime reads it too. */
import type { CreditTerms, Enrolment } from './terms.ts'

/** The name of the registry's only object. */
export const REGISTRY = 'agents'

/** A public key as it was registered, and its JWK thumbprint (RFC 7638, RFC 8037). */
export type PinnedKey = { keyId: string; jwk: Record<string, string | number | boolean | string[]> }

/** A crawler with credit. Amounts in micro-dollars, times in Unix milliseconds. */
export type Agent = {
  id: string
  name: string
  /** The URL of its key directory, as it signs it; null if it is identified by pinned keys alone. */
  url: string | null
  /** Pinned keys, which replace the directory; null if the keys are read from `url`. */
  keys: PinnedKey[] | null
  terms: CreditTerms
  /** Why the operator suspended it, or null. */
  suspended: string | null
  createdAt: number
  /** Grows by one with each change, from 1. */
  version: number
}

/** The fields an operator sets to create an agent. */
export type AgentDraft = Pick<Agent, 'id' | 'name' | 'url' | 'keys' | 'terms'>

/** A partial change: missing fields and terms keep their values. */
export type AgentChange = Partial<Pick<Agent, 'name' | 'url' | 'keys'>> & { terms?: Partial<CreditTerms> }

/**
 * The result of a change. `unknown`: the agent was not found. `exists`: the id is taken by a different agent.
 * `url_taken`, `key_taken`: another agent uses the URL or key. `unidentified`: a URL or a pinned key is
 * required.
 */
export type Registered =
  | { outcome: 'registered'; agent: Agent }
  | { outcome: 'refused'; reason: 'unknown' | 'exists' | 'url_taken' | 'key_taken' | 'unidentified' }

/** Returns the part of an agent that its credit line stores. */
export function enrolmentOf({ id, name, version, suspended, terms }: Agent): Enrolment {
  return { agent: id, name, version, suspended, terms }
}
