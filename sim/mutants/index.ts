/** All mutants. */
import type { Mutant } from '../mutant.ts'
import type { Size } from '../story.ts'
import { CHANNEL_MUTANTS } from './channels.ts'
import { CREDIT_MUTANTS } from './credit.ts'
import { EXACT_MUTANTS } from './exact.ts'
import { REQUEST_MUTANTS } from './requests.ts'
import { SETTLEMENT_MUTANTS } from './settlement.ts'

/** All mutants. */
export const MUTANTS: readonly Mutant[] = [
  ...among({ channels: 2, exacts: 0, credits: 0 }, [...CHANNEL_MUTANTS, ...SETTLEMENT_MUTANTS]),
  ...among({ channels: 0, exacts: 2, credits: 0 }, EXACT_MUTANTS),
  ...among({ channels: 0, exacts: 0, credits: 2 }, CREDIT_MUTANTS),
  ...REQUEST_MUTANTS,
]

function among(size: Partial<Size>, mutants: readonly Mutant[]): Mutant[] {
  return mutants.map((mutant) => ({ among: size, ...mutant }))
}
