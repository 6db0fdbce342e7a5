/** The list of faults. A new part is a file in this folder, a type in `fail.ts`, its names in `known.ts`, and a line here. */
import type { Calendar } from '../calendar.ts'
import type { LabStage } from '../stage.ts'
import { failChain } from './chain.ts'
import { failCron } from './cron.ts'
import { failD1 } from './d1.ts'
import { failFacilitator } from './facilitator.ts'
import type { Fail, Mend } from './fail.ts'
import { mustBeFault, type Part } from './known.ts'
import { failOrigin } from './origin.ts'
import { failRpc } from './rpc.ts'
import { failStripe, failWebhooks } from './stripe.ts'
import { failWorker, type WorkerControl } from './worker.ts'

/** Parts that have one fault at a time: the next one replaces it. */
const ONE_AT_A_TIME: readonly Part[] = ['facilitator', 'origin', 'webhooks', 'd1', 'cron']

/** Faults of one lab. `mustBeOpen` throws once that is closed. */
export function failOf(
  stage: LabStage,
  calendar: Calendar,
  control: WorkerControl,
  mustBeOpen: () => void = () => {},
): Fail {
  let open: { part: Part; end: Mend }[] = []
  // Trap: an end may set what has changed since, such as a balance. It happens once, and not for a fault that was replaced.
  const close = async (fault: (typeof open)[number]) => {
    if (!open.includes(fault)) return
    open = open.filter((one) => one !== fault)
    await fault.end()
  }
  const fail = async (part: Part, fault: unknown, options: object | undefined, set: () => Promise<Mend>) => {
    mustBeOpen()
    mustBeFault(part, fault, options)
    const added = { part, end: await set() }
    open = open.filter((one) => one.part !== part || !ONE_AT_A_TIME.includes(part))
    open.push(added)
    return () => close(added)
  }
  return {
    facilitator: (fault, options) =>
      fail('facilitator', fault, options, () => failFacilitator(stage, fault, options)),
    rpc: (fault, options) => fail('rpc', fault, options, () => failRpc(stage, fault, options)),
    chain: (fault, options?: object) => fail('chain', fault, options, () => failChain(stage, fault)),
    origin: (fault, options) => fail('origin', fault, options, () => failOrigin(stage, fault, options)),
    stripe: (fault, options) => fail('stripe', fault, options, () => failStripe(stage, fault, options)),
    webhooks: (fault, options?: object) => fail('webhooks', fault, options, () => failWebhooks(stage, fault)),
    d1: (fault, options) => fail('d1', fault, options, () => failD1(stage, fault, options)),
    cron: (fault, options) => fail('cron', fault, options, () => failCron(calendar, fault, options)),
    async worker(fault, options?: object) {
      mustBeOpen()
      mustBeFault('worker', fault, options)
      await failWorker(stage, fault, control)
    },
    async mend() {
      mustBeOpen()
      for (const fault of [...open].reverse()) await close(fault)
    },
  }
}
