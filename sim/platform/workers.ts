/** What `cloudflare:workers` exports, as far as the Worker uses it. */
export class DurableObject {
  readonly ctx: unknown
  readonly env: unknown

  constructor(ctx: unknown, env: unknown) {
    this.ctx = ctx
    this.env = env
  }
}

/** The base class of Workflows. */
export class WorkflowEntrypoint extends DurableObject {}

/** The base class of entry points. */
export class WorkerEntrypoint extends DurableObject {}

/** Lets work outlast its request. In the simulator a request's work goes on by itself, so this only looks after faults. */
export function waitUntil(promise: Promise<unknown>): void {
  promise.catch(() => undefined)
}
