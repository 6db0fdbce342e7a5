/** Workflows as the lab starts them: at once and without the engine, or by the engine and on record. */

/** A Workflow that was started. */
export type StartedRun = { id: string; kind: string; params: unknown }

/** The direct runs of this isolate: a second firing of a window starts nothing. */
const directRuns = new Set<string>()

/** Stands in place of the Workflow’s binding: `start` receives each new instance. */
export function directWorkflow(start: (run: StartedRun) => void): Workflow {
  const instance = (id: string) => ({ id, status: async () => ({ status: 'running' }) })
  const workflow = {
    async create({ id = '', params }: WorkflowInstanceCreateOptions) {
      if (directRuns.has(id)) throw new Error(`${id} exists already`)
      directRuns.add(id)
      start({ id, kind: kindOf(params), params })
      return instance(id)
    },
    get: async (id: string) => {
      if (!directRuns.has(id)) throw new Error('instance not found')
      return instance(id)
    },
  }
  return workflow as unknown as Workflow
}

let started: StartedRun[] = []

/** The same binding, which also records the instances that it starts. */
export function recordedWorkflow(workflow: Workflow): Workflow {
  const recorded = {
    async create(options: WorkflowInstanceCreateOptions) {
      const instance = await workflow.create(options)
      started.push({ id: instance.id, kind: kindOf(options.params), params: options.params })
      return instance
    },
    get: (id: string) => workflow.get(id),
  }
  return recorded as unknown as Workflow
}

/** The instances on record since the last call. */
export function takeStarted(): StartedRun[] {
  const taken = started
  started = []
  return taken
}

function kindOf(params: unknown): string {
  return (params as { kind?: string } | undefined)?.kind ?? ''
}
