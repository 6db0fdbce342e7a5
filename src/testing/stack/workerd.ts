/** The Worker in workerd on this machine, from `wrangler.toml` and the source, with nothing changed but its vars. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  convertV4MiniflareOptions,
  Log,
  LogLevel,
  Miniflare,
  type Request,
  type Response,
  type V4WorkerOptions,
} from 'miniflare'
import { planWorker, type WorkerPlan } from './plan.ts'
import { siblingModule } from './sibling.ts'

export type WorkerOptions = {
  /** A free one unless given. */
  port: number | undefined
  /** They replace those of `wrangler.toml`. Includes secrets, which the runtime treats the same. */
  vars: Record<string, string>
  /** Binds the registry of sites, as the comment in `wrangler.toml` says. */
  registry?: boolean
  /** The day (UTC) before which figures are sample data: the console says so on every page. */
  sampleBefore?: string
  /** Where Durable Objects, D1 and Workflows are kept. */
  directory: string
  /** Receives each line that the Worker and the runtime print. */
  log(line: string): void
  /** The Worker to run in place of the source. */
  plan?: WorkerPlan
  /** Starts without the console. */
  isAlone?: boolean
  /** An entrypoint with a socket of its own on 127.0.0.1, at a port that stays when the runtime restarts. */
  socket?: { entrypoint: string; port: number }
  /** Services that the Worker may call: functions of this process, or servers without the runtime's proxy before them. */
  services?: Record<
    string,
    ((request: Request) => Response) | { external: { address: string; http: object } }
  >
}

/**
 * `direct` leads to the Worker past the tools' own front, which answers some requests in its stead. `console`: the console's
 * own address, or the Worker's without one. `book`: the Worker's D1 database, for tests that put figures of past days into it.
 */
export type RunningWorker = {
  url: string
  direct: string
  console: string
  book(): Promise<D1Database>
  /** The ids of the objects of a class that were ever made. */
  objects(className: string): Promise<string[]>
  /** Drops one object from memory, if it is there. */
  evict(className: string, id: string): Promise<void>
  stop(): Promise<void>
}

/** The root of the repository, or of the package. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** Bundles the Worker, starts it on 127.0.0.1 and applies its migrations. Needs no internet access. */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { port, directory, log } = options
  const [plan, consolePlan] = await Promise.all([
    options.plan ?? planSource(options.vars),
    options.isAlone ? null : planConsole(),
  ])
  const ours = process.listeners('SIGTERM')
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: port ?? 0,
      resourcePersistencePath: directory,
      unsafeTriggerHandlers: true,
      cf: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.NONE),
      handleStructuredLogs: ({ level, message }) => log(`${level}: ${message}`),
      workers: [
        workerOptions(plan, options),
        ...(consolePlan ? [consoleOptions(consolePlan, options.sampleBefore)] : []),
      ],
    }),
  )
  // It would end this process at the signal, before the other parts of the stack are put away.
  for (const listener of process.listeners('SIGTERM')) {
    if (!ours.includes(listener)) process.off('SIGTERM', listener)
  }
  try {
    const url = (await miniflare.ready).origin
    const direct = (await miniflare.unsafeGetDirectURL()).origin
    const console = consolePlan ? (await miniflare.unsafeGetDirectURL(consolePlan.name)).origin : url
    for (const binding of Object.keys(plan.migrations))
      await migrate(await miniflare.getD1Database(binding), plan.migrations[binding] ?? [])
    return {
      url,
      direct,
      console,
      book: () => miniflare.getD1Database('BOOK'),
      objects: (className) => miniflare.listDurableObjectIds(className, plan.name),
      evict: (className, id) =>
        miniflare.unsafeEvictDurableObject(plan.name, className, { id }).catch(unlessGone),
      stop: () => miniflare.dispose(),
    }
  } catch (cause) {
    await miniflare.dispose()
    throw cause
  }
}

/** An object that is not in memory needs no eviction. */
function unlessGone(cause: unknown): void {
  if (!String(cause).includes('not currently running')) throw cause
}

/** The entry that a deployment with these vars has. docs/billing.md: an operator who takes cards deploys the one with Stripe. */
function planSource(vars: Record<string, string>): Promise<WorkerPlan> {
  const entry = vars.STRIPE_SECRET_KEY === undefined ? '../../worker' : '../../worker-stripe'
  return planWorker({ config: join(ROOT, 'wrangler.toml'), main: siblingModule(import.meta.url, entry) })
}

function planConsole(): Promise<WorkerPlan> {
  return planWorker({
    config: join(ROOT, 'wrangler.console.toml'),
    main: siblingModule(import.meta.url, '../../console/worker'),
  })
}

function workerOptions(
  plan: WorkerPlan,
  { vars, registry, socket, services }: WorkerOptions,
): V4WorkerOptions {
  const direct = { host: '127.0.0.1', port: 0 }
  return {
    ...plan.options,
    // With LISTS, each firing would fetch the lists of crawlers' addresses from the internet.
    kvNamespaces: { ...withoutLists(plan), ...(registry && { HOSTS: 'HOSTS' }) },
    durableObjects: {
      ...plan.options.durableObjects,
      ...(registry && { SITES: { className: 'Sites', useSQLite: true } }),
    },
    name: plan.name,
    modules: plan.modules,
    modulesRoot: '/',
    // Not those of `.dev.vars`, which belong to somebody's `wrangler dev`.
    bindings: { ...plan.vars, ...vars },
    ...(services && { serviceBindings: services }),
    unsafeDirectSockets: [direct, ...(socket ? [{ host: '127.0.0.1', ...socket }] : [])],
  }
}

function withoutLists({ options }: WorkerPlan) {
  const { LISTS: _, ...others } = options.kvNamespaces ?? {}
  return others
}

/** The console, from `wrangler.console.toml`. It has a socket of its own, as it has a hostname of its own when deployed. */
function consoleOptions(
  { name, modules, options, vars }: WorkerPlan,
  sampleBefore: string | undefined,
): V4WorkerOptions {
  return {
    ...options,
    name,
    modules,
    modulesRoot: '/',
    bindings: { ...vars, ...(sampleBefore && { SAMPLE_BEFORE: sampleBefore }) },
    assets: {
      directory: options.assets?.directory ?? '',
      binding: 'ASSETS',
      routerConfig: { invoke_user_worker_ahead_of_assets: false, has_user_worker: true },
    },
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  }
}

/** Applies what is missing, each file in one transaction, and writes it down where `wrangler d1 migrations` does. */
async function migrate(
  book: Awaited<ReturnType<Miniflare['getD1Database']>>,
  migrations: { name: string; statements: string[] }[],
): Promise<void> {
  await book
    .prepare(
      `CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE,
         applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)`,
    )
    .run()
  const { results } = await book.prepare('SELECT name FROM d1_migrations').all<{ name: string }>()
  const applied = new Set(results.map(({ name }) => name))
  for (const { name, statements } of migrations) {
    if (applied.has(name)) continue
    await book.batch([
      ...statements.map((statement) => book.prepare(statement)),
      book.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(name),
    ])
  }
}
