/** Wraps the exports of a production Worker: its objects and entry on the lab’s clock. */
import { DurableObject, WorkflowEntrypoint } from 'cloudflare:workers'
import { ObjectAlarm } from './alarms.ts'
import type { LabBindings } from './bindings.ts'
import { isClockSet, setClock } from './clock.ts'
import { faultyBook } from './faulty-book.ts'
import { limitsOf } from './limits.ts'
import { recordedWorkflow } from './workflows.ts'

type ObjectClass = new (ctx: DurableObjectState, env: LabBindings) => DurableObject
type WorkflowClass = new (ctx: ExecutionContext, env: LabBindings) => WorkflowEntrypoint<LabBindings>

/** The calls that only the lab makes to an object. */
export type LabObject = DurableObject & {
  /** Rings an alarm that is due, and loads the object if it is not in memory. */
  labRing(): Promise<void>
  /** Sets the runtime’s alarm anew, after a jump. */
  labRearm(): Promise<void>
  /** Aborts the object, with what it has not stored yet. */
  labAbort(): Promise<void>
}

/** Wraps one export by what it is. Anything but an object or a Workflow stays as it is. */
export function wrap<Export>(name: string, exported: Export): Export {
  if (typeof exported !== 'function') return exported
  if (exported.prototype instanceof DurableObject)
    return wrapObject(name, exported as unknown as ObjectClass) as unknown as Export
  if (exported.prototype instanceof WorkflowEntrypoint)
    return wrapWorkflow(exported as unknown as WorkflowClass) as unknown as Export
  return exported
}

function wrapObject(name: string, base: ObjectClass): ObjectClass {
  return class extends base implements LabObject {
    readonly #alarm: ObjectAlarm
    readonly #bindings: LabBindings

    constructor(ctx: DurableObjectState, env: LabBindings) {
      const alarm = new ObjectAlarm(ctx, name)
      super(ctx, labEnv(env))
      this.#alarm = alarm
      this.#bindings = env
    }

    override async alarm(info?: AlarmInvocationInfo): Promise<void> {
      await readClock(this.#bindings)
      await this.#alarm.ring(() => super.alarm?.(info))
    }

    async labRing(): Promise<void> {
      await this.#alarm.ring(() => super.alarm?.())
    }

    labRearm(): Promise<void> {
      return this.#alarm.rearm()
    }

    async labAbort(): Promise<void> {
      this.ctx.abort('aborted by the lab')
    }
  }
}

function wrapWorkflow(base: WorkflowClass): WorkflowClass {
  return class extends base {
    constructor(ctx: ExecutionContext, env: LabBindings) {
      super(ctx, labEnv(env))
    }

    override async run(...call: Parameters<WorkflowEntrypoint<LabBindings>['run']>): Promise<unknown> {
      await readClock(this.env)
      return super.run(...call)
    }
  }
}

/** Wraps the default export. */
export function wrapEntry(entry: ExportedHandler<LabBindings>): ExportedHandler<LabBindings> {
  return {
    ...entry,
    async fetch(request, env, ctx) {
      if (!isClockSet()) await readClock(env)
      return entry.fetch?.(request, labEnv(env), ctx) ?? new Response(null, { status: 501 })
    },
    async scheduled(controller, env, ctx) {
      await readClock(env)
      await entry.scheduled?.(
        controller,
        { ...labEnv(env), SETTLEMENT: recordedWorkflow(env.SETTLEMENT) },
        ctx,
      )
    },
  }
}

/** A runtime that was killed starts with the real time, and asks the lab for its own. */
async function readClock({ LAB }: LabBindings): Promise<void> {
  if (!isClockSet()) setClock(Number(await (await LAB.fetch('http://lab/clock')).text()))
}

/** One copy for each: the Worker keeps its config by its bindings. */
const copies = new WeakMap<LabBindings, LabBindings>()

/** The Worker’s bindings, with faults of D1 and with rate limits on the lab’s clock. */
export function labEnv(env: LabBindings): LabBindings {
  const known = copies.get(env) ?? {
    ...env,
    ...limitsOf(env),
    ...(env.BOOK && { BOOK: faultyBook(env.BOOK) }),
  }
  copies.set(env, known)
  return known
}
