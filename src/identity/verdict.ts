/** Why a signature is invalid or unverified: codes for logs, finer than those on the wire. */

/** Why a signature is invalid. The same request stays invalid when sent again. */
export type Flaw =
  /** A field is too large, has a duplicate, or is not a valid structured field. */
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
  /** A covered component is repeated, absent or unsupported, or a required one is not covered. */
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
  /** The agent does not publish this key (any more), it is not valid now, or its private half is public. */
  | 'key_unknown'
  | 'key_not_current'
  | 'key_public_secret'
  | 'algorithm_differs'
  | 'signature_wrong'

/**
 * Why a signature is unverified. Only `directory_unavailable` may change when the same request is sent again. None of them
 * may become a debt.
 */
export type UnverifiedReason = 'unsigned' | 'agent_unknown' | 'directory_unavailable'

/** An invalid signature or part of one. */
export type Flawed = { flaw: Flaw }

/** Makes a {@link Flawed}. */
export function flawed(flaw: Flaw): Flawed {
  return { flaw }
}
