/** Why a signature is not good, or not yet known to be: words for a log, finer than what the wire says. */

/** What is wrong with a signature. It stays wrong however often the same request is sent. */
export type Flaw =
  /** A field is too large, no structured field, or says a thing twice. */
  | 'signature_input_unreadable'
  | 'signature_unreadable'
  | 'agent_unreadable'
  | 'too_many_signatures'
  /** `created`, `expires` or `keyid` is missing or of the wrong type; `nonce`, `alg` is of the wrong type. */
  | 'parameter_missing'
  | 'parameter_malformed'
  | 'created_in_the_future'
  | 'expired'
  | 'expires_before_created'
  | 'valid_too_long'
  /** What the signature covers is repeated, is not in the request, is of a kind not supported, or leaves out what it must cover. */
  | 'component_repeated'
  | 'component_absent'
  | 'component_unsupported'
  | 'component_not_covered'
  | 'target_not_covered'
  | 'agent_not_covered'
  | 'agent_ambiguous'
  | 'agent_not_https'
  | 'body_not_covered'
  | 'digest_unreadable'
  | 'digest_differs'
  /** The agent does not publish this key (any more), it is not valid now, or its secret is known to everybody. */
  | 'key_unknown'
  | 'key_not_current'
  | 'key_public_secret'
  | 'algorithm_differs'
  | 'signature_wrong'

/**
 * Why nothing can be said. `unsigned` and `agent_unknown` stay so; only `directory_unavailable` is worth asking again.
 * None of them is ever a debt.
 */
export type UnverifiedReason = 'unsigned' | 'agent_unknown' | 'directory_unavailable'

export type Flawed = { flaw: Flaw }

export function flawed(flaw: Flaw): Flawed {
  return { flaw }
}
