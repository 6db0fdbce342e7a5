/** What goes wrong between us and a chain or a facilitator: the world is broken, and nobody is to be refused for it. */

/**
 * `unreachable`: no answer, or a broken one. `wrong_chain`: the node speaks for another chain than the configured one.
 * `unfunded`: the relayer cannot pay for gas. `fee_too_high`: gas costs more than the relayer may spend.
 */
export type FaultCode = 'unreachable' | 'wrong_chain' | 'unfunded' | 'fee_too_high'

/**
 * Thrown when a question could not be asked or answered. The code stands in the message too, since properties do not
 * survive a Durable Object call. Messages never hold the node's URL: it may contain a key.
 */
export class ChainFault extends Error {
  readonly code: FaultCode

  constructor(code: FaultCode, message: string) {
    super(`${code}: ${message}`)
    this.name = 'ChainFault'
    this.code = code
  }
}
