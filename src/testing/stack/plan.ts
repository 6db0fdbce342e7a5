/** The parts of a Worker for a local runtime: its bundle, its options and its migrations, from a `wrangler.toml` or stored before. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Json, V4ModuleDefinition } from 'miniflare'

/** Statements of one migration of D1. */
type Migration = { name: string; statements: string[] }

/** Those that this program reads; the others go to the runtime as they are. */
type RuntimeOptions = Record<string, unknown> & {
  durableObjects?: Record<string, { className: string; useSQLite?: boolean }>
  additionalUnboundDurableObjects?: { className: string }[]
  kvNamespaces?: Record<string, { id: string }>
  ratelimits?: Record<string, { namespace_id: string; simple: { limit: number; period?: 10 | 60 } }>
  workflows?: Record<string, { name: string; className: string }>
  assets?: { directory: string }
}

export type WorkerPlan = {
  name: string
  modules: V4ModuleDefinition[]
  /** Options of Miniflare, without modules and vars. Plain JSON. */
  options: RuntimeOptions
  vars: Record<string, Json>
  /** By the binding of the database. */
  migrations: Record<string, Migration[]>
}

export type PlanOptions = {
  /** The `wrangler.toml`. */
  config: string
  /** The module to bundle; that of the config by default. */
  main?: string
  /** Writes another entry over the module: the text of it, with the classes that the runtime needs. */
  wrap?: (main: string, classes: string[]) => { text: string; folder: string }
}

const PLAN = 'plan.json'

/** Reads `wrangler.toml` and bundles the Worker of it. Needs wrangler and esbuild, and no internet access. */
export async function planWorker({ config: path, main, wrap }: PlanOptions): Promise<WorkerPlan> {
  const [wrangler, { bundle }] = await Promise.all([import('wrangler'), import('./bundle.ts')])
  const config = wrangler.unstable_readConfig({ config: path }, { hideWarnings: true })
  const { workerOptions, define } = wrangler.unstable_getMiniflareWorkerOptions(config)
  const entry = main ?? resolve(dirname(path), config.main ?? '')
  const {
    rootPath: _,
    modulesRules: __,
    bindings: ___,
    ...options
  } = workerOptions as unknown as RuntimeOptions
  const made = [options.durableObjects, options.workflows, options.additionalUnboundDurableObjects]
  const classes = made.flatMap((some) => Object.values(some ?? {}).map(({ className }) => className))
  const modules = await bundle(wrap ? wrap(entry, [...new Set(classes)]) : entry, {
    define,
    // A wrapped bundle is never deployed: its traces are worth more than its size.
    minify: !wrap && (config.minify ?? false),
  })
  const migrations: WorkerPlan['migrations'] = {}
  for (const { binding, migrations_dir: folder } of config.d1_databases) {
    const files = join(dirname(path), folder ?? 'migrations')
    migrations[binding] = await readMigrations(files, wrangler.unstable_splitSqlQuery)
  }
  return {
    name: config.name ?? 'worker',
    modules,
    options,
    vars: config.vars as Record<string, Json>,
    migrations,
  }
}

async function readMigrations(folder: string, split: (sql: string) => string[]): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort()
  return Promise.all(
    files.map(async (name) => ({
      name,
      statements: split(await readFile(join(folder, name), 'utf8')),
    })),
  )
}

type StoredModule = { type: 'ESModule' | 'CompiledWasm'; file: string }

/** Stores a plan in a folder, for {@link loadPlan}. */
export async function storePlan({ modules, ...plan }: WorkerPlan, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const stored: StoredModule[] = []
  for (const { type, path, contents } of modules) {
    if (type !== 'ESModule' && type !== 'CompiledWasm') throw new Error(`a ${type} cannot be stored`)
    const file = path.replace(/^\//, '')
    stored.push({ type, file })
    await writeFile(join(folder, file), contents ?? '')
  }
  await writeFile(join(folder, PLAN), JSON.stringify({ ...plan, modules: stored }))
}

/** Loads a plan of {@link storePlan}; undefined where none is stored. Needs neither wrangler nor esbuild. */
export async function loadPlan(folder: string): Promise<WorkerPlan | undefined> {
  const text = await readFile(join(folder, PLAN), 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined
    throw cause
  })
  if (text === undefined) return undefined
  const { modules, ...plan } = JSON.parse(text) as Omit<WorkerPlan, 'modules'> & { modules: StoredModule[] }
  return {
    ...plan,
    modules: await Promise.all(
      modules.map(async ({ type, file }): Promise<V4ModuleDefinition> => {
        const contents = await readFile(join(folder, file))
        return type === 'ESModule'
          ? { type, path: `/${file}`, contents: contents.toString() }
          : { type, path: `/${file}`, contents: new Uint8Array(contents) }
      }),
    ),
  }
}
