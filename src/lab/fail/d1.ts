/** Faults of D1, set inside the Worker. */
import type { LabStage } from '../stage.ts'
import { spanMs } from '../time.ts'
import type { D1Fault, Mend, Times } from './fail.ts'

/** Sets a fault for the Worker, its objects and its runs; the next one replaces it. A kill ends it. */
export async function failD1({ remote }: LabStage, fault: D1Fault, { times }: Times = {}): Promise<Mend> {
  const set = typeof fault === 'object' ? { slowMs: spanMs(fault.slow) } : fault
  await remote({ do: 'd1', fault: set, times: times ?? null })
  return async () => {
    await remote({ do: 'd1', fault: null, times: null })
  }
}
