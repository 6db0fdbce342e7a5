/** Faults of the Worker: killed, evicted, aborted. */
import type { LabStage } from '../stage.ts'
import type { WorkerFault } from './fail.ts'

/** The means of a lab to stop its Worker. */
export type WorkerControl = { kill(): Promise<void>; evict(): Promise<void> }

/** Lets a fault happen. */
export async function failWorker(stage: LabStage, fault: WorkerFault, control: WorkerControl): Promise<void> {
  if (fault === 'killed') return control.kill()
  if (fault === 'evicted') return control.evict()
  await stage.remote({ do: 'abort', className: classOf(fault.aborts), name: fault.aborts })
}

/** The class of an account’s object, by the form of its id. */
function classOf(account: string): string {
  if (/^0x[0-9a-f]{64}$/.test(account)) return 'Account'
  return account.startsWith('eip155:') ? 'Authorizations' : 'CreditLine'
}
