/** The engine of Workflows: durable steps, retries, and an engine that is killed and goes on. */
import { world } from '../world.ts'
import { type Owner, outward, runAs } from './owner.ts'

type Step = { retries: { limit: number } }
type Entry = new (ctx: unknown, env: never) => { run(event: unknown, step: unknown): Promise<unknown> }
type Instance = { id: string; params: unknown; steps: Map<string, string>; status: string; tries: number }

const FIRST_PAUSE_MS = 15_000
/** The engine gives up an instance that was killed this often. */
const MOST_STARTS = 50

/** Stops the code of an attempt that was killed. */
const forever = new Promise<never>(() => {})

/** One Workflow. */
export class Engine {
  readonly instances = new Map<string, Instance>()
  readonly #classNow: () => Entry
  readonly #env: () => object

  constructor(classNow: () => Entry, env: () => object) {
    this.#classNow = classNow
    this.#env = env
  }

  async create({ id, params }: { id: string; params: unknown }): Promise<unknown> {
    return outward(async () => {
      const here = world()
      await here.sleep(here.latency('engine', 10), `create ${id}`)
      if (here.choices.strikes('engine fails', 'create', 0.02)) throw new Error('engine is down')
      if (this.instances.has(id)) throw new Error(`instance.already_exists: ${id}`)
      const instance = { id, params: structuredClone(params), steps: new Map(), status: 'running', tries: 0 }
      this.instances.set(id, instance)
      this.#start(instance)
      if (here.choices.strikes('engine answer lost', 'create', 0.02)) throw new Error('engine answer lost')
      return { id }
    })
  }

  async get(id: string): Promise<{ status(): Promise<{ status: string }> }> {
    const instance = this.instances.get(id)
    if (!instance) throw new Error(`instance.not_found: ${id}`)
    return { status: async () => ({ status: instance.status }) }
  }

  /** Whether an instance still runs. */
  get isBusy(): boolean {
    return [...this.instances.values()].some(({ status }) => status === 'running')
  }

  #start(instance: Instance): void {
    const here = world()
    let isAlive = true
    const who: Owner = { name: `run ${instance.id}`, isAlive: () => isAlive, gate: () => null }
    const kill = () => {
      isAlive = false
      here.count('run killed')
      if (instance.tries++ > MOST_STARTS) instance.status = 'errored'
      else here.after(5_000, `restart ${instance.id}`, () => this.#start(instance))
    }
    const end = (status: string) => {
      if (isAlive) instance.status = status
    }
    const step = { do: this.#doer(instance, kill, who), sleep: sleeper(instance) }
    const event = { payload: instance.params, instanceId: instance.id, timestamp: new Date() }
    runAs(who, async () => new (this.#classNow())({}, this.#env() as never).run(event, step)).then(
      () => end('complete'),
      (fault) => {
        here.note(`run ${instance.id} failed ${fault}`)
        end('errored')
      },
    )
  }

  #doer({ id, steps }: Instance, kill: () => void, who: Owner) {
    return async (
      name: string,
      { retries: { limit } }: Step,
      work: () => Promise<unknown>,
    ): Promise<unknown> => {
      const here = world()
      const known = steps.get(name)
      if (known !== undefined) return JSON.parse(known)
      for (let attempt = 0; ; attempt++) {
        if (here.choices.strikes('run killed', `${id} before ${name}`, 0.01)) {
          kill()
          return forever
        }
        here.note(`step ${name}`)
        const done = await attemptOf(work)
        if (here.choices.strikes('run killed', `${id} after ${name}`, 0.01)) {
          kill()
          return forever
        }
        if (!who.isAlive()) return forever
        if (done.ok) {
          steps.set(name, JSON.stringify(done.value))
          return JSON.parse(JSON.stringify(done.value))
        }
        here.note(`step ${name} failed ${done.fault}`)
        if (attempt >= limit) throw done.fault
        await here.sleep(FIRST_PAUSE_MS * 2 ** attempt, `retry ${name}`)
      }
    }
  }
}

async function attemptOf(
  work: () => Promise<unknown>,
): Promise<{ ok: true; value: unknown } | { ok: false; fault: unknown }> {
  try {
    return { ok: true, value: await work() }
  } catch (fault) {
    return { ok: false, fault }
  }
}

function sleeper({ steps }: Instance) {
  return async (name: string, ms: number): Promise<void> => {
    if (steps.has(name)) return
    await world().sleep(ms, `sleep ${name}`)
    steps.set(name, 'null')
  }
}
