/** All mutants. */
import type { Mutant } from '../mutant.ts'
import { CHANNEL_MUTANTS } from './channels.ts'
import { CREDIT_MUTANTS } from './credit.ts'
import { EXACT_MUTANTS } from './exact.ts'
import { REQUEST_MUTANTS } from './requests.ts'
import { SETTLEMENT_MUTANTS } from './settlement.ts'

/** All mutants. */
export const MUTANTS: readonly Mutant[] = [
  ...CHANNEL_MUTANTS,
  ...CREDIT_MUTANTS,
  ...EXACT_MUTANTS,
  ...REQUEST_MUTANTS,
  ...SETTLEMENT_MUTANTS,
]
