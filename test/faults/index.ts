/** The answers of docs/faults.md that `npm run faults` takes away, one change for each row or more. */
import type { Removal } from './removal.ts'
import { CHAIN } from './rows/chain.ts'
import { GATE_ROWS } from './rows/gate.ts'
import { INVARIANTS } from './rows/invariants.ts'
import { LEDGER } from './rows/ledger.ts'
import { PROOFS } from './rows/proofs.ts'
import { REQUESTS } from './rows/requests.ts'
import { REST } from './rows/rest.ts'
import { SIGNATURES } from './rows/signatures.ts'

/** See {@link Removal}. */
export const REMOVALS: readonly Removal[] = [
  ...PROOFS,
  ...SIGNATURES,
  ...REQUESTS,
  ...GATE_ROWS,
  ...LEDGER,
  ...CHAIN,
  ...REST,
  ...INVARIANTS,
]
