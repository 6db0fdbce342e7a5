/** The list of faults. A new part is a file in this folder, a type in `fail.ts`, and a line here. */
import type { Calendar } from '../calendar.ts'
import type { LabStage } from '../stage.ts'
import { failChain } from './chain.ts'
import { failCron } from './cron.ts'
import { failD1 } from './d1.ts'
import { failFacilitator } from './facilitator.ts'
import type { Fail, Mend } from './fail.ts'
import { failOrigin } from './origin.ts'
import { failRpc } from './rpc.ts'
import { failStripe, failWebhooks } from './stripe.ts'
import { failWorker, type WorkerControl } from './worker.ts'

/** Faults of one lab. */
export function failOf(stage: LabStage, calendar: Calendar, control: WorkerControl): Fail {
  let open: Mend[] = []
  const kept = async (failing: Promise<Mend>): Promise<Mend> => {
    const mend = await failing
    open.push(mend)
    return mend
  }
  return {
    facilitator: (fault, options) => kept(failFacilitator(stage, fault, options)),
    rpc: (fault, options) => kept(failRpc(stage, fault, options)),
    chain: (fault) => kept(failChain(stage, fault)),
    origin: (fault, options) => kept(failOrigin(stage, fault, options)),
    stripe: (fault, options) => kept(failStripe(stage, fault, options)),
    webhooks: (fault) => kept(failWebhooks(stage, fault)),
    d1: (fault, options) => kept(failD1(stage, fault, options)),
    cron: (fault, options) => kept(failCron(calendar, fault, options)),
    worker: (fault) => failWorker(stage, fault, control),
    async mend() {
      const mends = open
      open = []
      for (const mend of mends.reverse()) await mend()
    },
  }
}
