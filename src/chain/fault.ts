/** Faults of a chain or a facilitator. They never lead to a refusal: the client has done nothing wrong. */

/**
 * `unreachable`: no answer, or a broken one. `wrong_chain`: the node serves another chain. `stale`: the node's newest block is
 * too old. `disagreement`: two nodes answer a question about money differently.
 * `unfunded`: the relayer cannot pay for gas. `fee_too_high`: gas costs more than the relayer may spend.
 */
export type FaultCode = 'unreachable' | 'wrong_chain' | 'stale' | 'disagreement' | 'unfunded' | 'fee_too_high'

/**
 * Thrown when a request to a chain or facilitator fails. The message contains the code, because properties do not survive
 * a Durable Object call. Texts of nodes and facilitators enter a message only after `cutSecrets`.
 */
export class ChainFault extends Error {
  readonly code: FaultCode

  constructor(code: FaultCode, message: string) {
    super(`${code}: ${message}`)
    this.name = 'ChainFault'
    this.code = code
  }
}
