/** Faults of the hosted facilitator, set in its thread. */
import type { LabStage } from '../stage.ts'
import { spanMs } from '../time.ts'
import type { FacilitatorFault, Mend, Times } from './fail.ts'

/** Sets a fault; the next one replaces it. @throws unless the lab has a hosted facilitator */
export async function failFacilitator(
  { facilitator }: LabStage,
  fault: FacilitatorFault,
  { times }: Times = {},
): Promise<Mend> {
  if (!facilitator) throw new Error("the lab must have a facilitator: openLab({ facilitator: 'hosted' })")
  await facilitator.misbehave(
    typeof fault === 'object' ? { slowMs: spanMs(fault.slow) } : fault,
    times ?? null,
  )
  return () => facilitator.misbehave(null, null)
}
