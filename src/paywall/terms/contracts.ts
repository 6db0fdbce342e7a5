/** The contracts of a policy: the price of one confirmed crawler. Pure. */
import type { Asker } from '../../identity/classify.ts'
import type { Adjustable } from './adjust.ts'

/** A price in micro-dollars, for requests before `endsAt` (Unix milliseconds). */
export type Contract = { price: bigint; endsAt: number }

/** Contracts by the name of a crawler, in lower case, or by the host of a signing agent. */
export type Contracts = ReadonlyMap<string, Contract>

/** The part of a request that a contract is found from. `signer`: the host of an agent whose signature is valid. */
export type Contracted = { asker: Asker; signer?: string | undefined; now?: number }

/** The decision at the price of the contract, where a charge has one. It replaces every other price. */
export function contracted<Decision extends Adjustable>(
  contracts: Contracts | undefined,
  decision: Decision,
  { asker, signer, now }: Contracted,
): Decision {
  if (!contracts || decision.action !== 'charge' || now === undefined) return decision
  const named = asker.claim === 'confirmed' ? asker.name?.toLowerCase() : undefined
  const contract = contracts.get(signer ?? '') ?? contracts.get(named ?? '')
  if (!contract || now >= contract.endsAt) return decision
  const factors = [...(decision.factors ?? []), 'contract']
  return { ...decision, price: contract.price, steps: undefined, factors }
}
