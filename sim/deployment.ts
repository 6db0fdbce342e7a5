/** One deployment of the Worker: its objects, its read model, its workflow, and its isolates. */
import { readdirSync, readFileSync } from 'node:fs'
import type { Bindings } from '../src/app/bindings.ts'
import { describeProblems, readConfig } from '../src/config/config.ts'
import { DAY_MS } from '../src/platform/time.ts'
import type { Hex } from '../src/protocol/evm/hex.ts'
import { addressOf } from '../src/protocol/evm/secp256k1.ts'
import { NETWORK } from './chain/state.ts'
import { CODE, type Code, oldCode } from './code.ts'
import { Book } from './platform/d1.ts'
import type { ObjectClass } from './platform/host.ts'
import { Namespace } from './platform/namespace.ts'
import { type Owner, runAs } from './platform/owner.ts'
import { Engine } from './platform/workflow.ts'
import type { Answer } from './wire.ts'
import { world } from './world.ts'

/** The key of the relayer, and its address. */
export const RELAYER_KEY: Hex = `0x${'07'.repeat(32)}`
export const RELAYER = addressOf(RELAYER_KEY)
/** Its balance when all is well, in wei. */
export const RELAYER_WEI = 10n ** 18n
/** Where the money of the site goes. */
export const RECEIVER: Hex = `0x${'22'.repeat(20)}`
/** The host of the site. */
export const SITE = 'https://site.sim'

/** The class of each binding, by its name in the Worker. */
const OBJECTS = {
  ACCOUNT: 'Account',
  AUTHORIZATIONS: 'Authorizations',
  RELAYER: 'Relayer',
  LINES: 'CreditLine',
  AGENTS: 'Agents',
  DIRECTORIES: 'Directory',
  NUMBERS: 'Numbers',
  AUDIT: 'Audit',
} as const

type Binding = keyof typeof OBJECTS

/** An older version is replaced at each place at a time of its own, within so long. */
const RELEASE_MS = DAY_MS

const MIGRATIONS = readdirSync(new URL('../migrations', import.meta.url))
  .filter((file) => file.endsWith('.sql'))
  .sort()
  .map((file) => readFileSync(new URL(`../migrations/${file}`, import.meta.url), 'utf8'))

/** An answer that has left the Worker, whether or not it arrived. `askedAt` in Unix milliseconds. */
export type Left = { request: Request; answer: Answer; askedAt: number }

let runs = 0

/** The deployment under test. */
export class Deployment {
  readonly book = new Book(MIGRATIONS)
  readonly namespaces = new Map<Binding, Namespace>()
  readonly engine: Engine
  readonly isolates: Isolate[]
  /** Called when a request arrives (1), and when it has ended (-1). */
  onAsked: (request: Request, by: 1 | -1) => void = () => {}
  /** Called for each answer that leaves the Worker. */
  onLeft: (left: Left) => void = () => {}
  readonly #vars: Record<string, unknown>
  readonly #objectsEnv: object
  readonly #began: number
  /** When the present version replaces the older one, by place. */
  readonly #releases = new Map<string, number>()

  constructor(vars: Record<string, unknown>, isolates: number) {
    this.#vars = vars
    this.#began = world().now
    for (const [binding, name] of Object.entries(OBJECTS) as [Binding, (typeof OBJECTS)[Binding]][]) {
      const classOf = (host: string) => this.codeAt(host)[name] as ObjectClass
      this.namespaces.set(binding, new Namespace(binding.toLowerCase(), classOf, () => this.#objectsEnv))
    }
    this.engine = new Engine(
      () => this.codeAt('engine').Settlement as never,
      () => this.env(),
    )
    this.#objectsEnv = this.env()
    const read = readConfig(this.#objectsEnv)
    if (!read.ok) throw new Error(describeProblems(read.problems))
    this.isolates = Array.from({ length: isolates }, (_, at) => new Isolate(this, at))
  }

  /** Fresh bindings, with nodes of names of their own: an isolate's caches hang on them. */
  env(): Bindings {
    const run = ++runs
    const nodes = (this.#vars.NODES as string[]).map((node) => `https://${node}.node.sim/${run}`)
    const { NODES: _, ...vars } = this.#vars
    const made = {
      ...Object.fromEntries(this.namespaces),
      BOOK: this.book,
      SETTLEMENT: this.engine,
      CHAIN_READS: limiter('chain reads'),
      CHANNEL_READS: limiter('channel reads'),
      ORIGIN: 'https://origin.sim',
      RECEIVER,
      NETWORK: NETWORK.id,
      PRESET: 'none',
      RELAYER_KEY,
      RELAYER_ADDRESS: RELAYER,
      RPC_URL: nodes.join(','),
      ...vars,
    }
    return made as unknown as Bindings
  }

  /** The version that runs at a place now. The present one replaces the older one once, and for good. */
  codeAt(place: string): Code {
    const old = oldCode()
    return old && world().now < this.releaseAt(place) ? old : CODE
  }

  /** When the present version comes to a place, in Unix ms. */
  releaseAt(place: string): number {
    const known = this.#releases.get(place)
    if (known !== undefined) return known
    const at = this.#began + world().latency(`release ${place}`, RELEASE_MS)
    this.#releases.set(place, at)
    return at
  }

  /** Lets the present version replace the older one at all places, each in its time. */
  release(): void {
    if (!oldCode()) return
    const here = world()
    const come = (place: string, replace: () => void) => {
      const wait = this.releaseAt(place) - here.now
      if (wait <= 0) return
      here.after(wait, `release ${place}`, () => {
        here.count('version replaced')
        replace()
      })
    }
    for (const [at, isolate] of this.isolates.entries()) come(`isolate ${at}`, () => isolate.restart())
    for (const namespace of this.namespaces.values()) {
      const { onHost } = namespace
      namespace.onHost = (host, name) => {
        onHost(host, name)
        come(host.name, () => host.crash('The code of the object was updated.'))
      }
    }
  }

  namespace(binding: Binding): Namespace {
    const found = this.namespaces.get(binding)
    if (!found) throw new Error(`the deployment must bind ${binding}`)
    return found
  }

  /** The stub of an object, for actors and checks. */
  stub<Stub>(binding: Binding, name: string): Stub {
    return this.namespace(binding).getByName(name) as Stub
  }

  close(): void {
    this.book.close()
    for (const namespace of this.namespaces.values()) namespace.close()
  }
}

function limiter(what: string): RateLimit {
  return {
    limit: async () => ({ success: !world().choices.strikes('limited', what, 0.01) }),
  } as RateLimit
}

/** One isolate: the memory of the Worker at one place. A restart begins with nothing in memory. */
export class Isolate {
  readonly #deployment: Deployment
  readonly #number: number
  #env: Bindings
  #code: Code
  #generation = 0
  readonly #open = new Set<() => void>()

  constructor(deployment: Deployment, number: number) {
    this.#deployment = deployment
    this.#number = number
    this.#env = deployment.env()
    this.#code = deployment.codeAt(`isolate ${number}`)
  }

  /** Ends all requests, and drops all that was in memory. */
  restart(): void {
    this.#generation++
    this.#env = this.#deployment.env()
    this.#code = this.#deployment.codeAt(`isolate ${this.#number}`)
    world().count('isolate restarted')
    for (const end of [...this.#open]) end()
  }

  /** Answers a request; null once the isolate has ended. */
  fetch(request: Request): Promise<Answer | null> {
    const askedAt = world().now
    this.#deployment.onAsked(request, 1)
    return this.#run('request', async (env) => {
      const response = await this.#code.default.fetch(request as never, env)
      return answerOf(response as unknown as Response)
    }).then((answer) => {
      // A request of an isolate that has ended may have left a delivery behind.
      if (answer) this.#deployment.onAsked(request, -1)
      if (answer) this.#deployment.onLeft({ request, answer, askedAt })
      return answer
    })
  }

  /** Fires a cron trigger. */
  async scheduled(cron: string, scheduledTime: number): Promise<void> {
    const controller = { cron, scheduledTime, noRetry: () => {} } as ScheduledController
    await this.#run('cron', async (env) => this.#code.default.scheduled(controller, env))
  }

  #run<Value>(what: string, work: (env: Bindings) => Promise<Value>): Promise<Value | null> {
    const generation = this.#generation
    const who: Owner = {
      name: `${what} at ${this.#number}`,
      isAlive: () => generation === this.#generation,
      gate: () => null,
    }
    return new Promise((resolve, reject) => {
      const end = () => {
        this.#open.delete(end)
        resolve(null)
      }
      this.#open.add(end)
      runAs(who, () => work(this.#env)).then(
        (value) => {
          this.#open.delete(end)
          if (who.isAlive()) resolve(value)
        },
        (fault) => {
          this.#open.delete(end)
          if (who.isAlive()) reject(fault)
        },
      )
    })
  }
}

async function answerOf(response: Response): Promise<Answer> {
  return { status: response.status, headers: response.headers, body: await response.text() }
}
