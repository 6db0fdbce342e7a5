/** The Worker in workerd on this machine, from `wrangler.toml` and the source, with nothing changed but its vars. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type V4ModuleDefinition } from 'miniflare'
import {
  unstable_getMiniflareWorkerOptions as optionsOf,
  unstable_readConfig as readConfig,
  unstable_splitSqlQuery as splitSql,
} from 'wrangler'
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
}

/**
 * `direct` leads to the Worker past the tools' own front, which answers some requests in its stead. `console`: the console's
 * own address. `book`: the Worker's D1 database, for tests that put figures of past days into it.
 */
export type RunningWorker = {
  url: string
  direct: string
  console: string
  book(): Promise<D1Database>
  stop(): Promise<void>
}

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** Bundles the Worker, starts it on 127.0.0.1 and applies its migrations. Needs no internet access. */
export async function startWorker({
  port,
  vars,
  registry,
  sampleBefore,
  directory,
  log,
}: WorkerOptions): Promise<RunningWorker> {
  const config = readConfig({ config: join(ROOT, 'wrangler.toml') }, { hideWarnings: true })
  const { workerOptions, define } = optionsOf(config)
  // docs/billing.md: an operator who takes cards deploys the entry with Stripe.
  const entry = vars.STRIPE_SECRET_KEY === undefined ? '../../worker' : '../../worker-stripe'
  const modules = await bundle(siblingModule(import.meta.url, entry), {
    define,
    minify: config.minify ?? false,
  })
  const ours = process.listeners('SIGTERM')
  const consoleWorker = await consoleOptions(sampleBefore)
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
        {
          ...workerOptions,
          // With LISTS, each firing would fetch the lists of crawlers' addresses from the internet.
          kvNamespaces: registry ? ['HOSTS'] : [],
          durableObjects: {
            ...(workerOptions.durableObjects as Record<string, { className: string }>),
            ...(registry && { SITES: { className: 'Sites', useSQLite: true } }),
          },
          name: config.name ?? 'worker',
          modules,
          modulesRoot: '/',
          // Not those of `.dev.vars`, which belong to somebody's `wrangler dev`.
          bindings: { ...config.vars, ...vars },
          unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
        },
        consoleWorker,
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
    const console = (await miniflare.unsafeGetDirectURL(consoleWorker.name)).origin
    for (const { binding, migrations_dir: folder } of config.d1_databases) {
      await migrate(await miniflare.getD1Database(binding), join(ROOT, folder ?? 'migrations'))
    }
    const book = () => miniflare.getD1Database('BOOK')
    return { url, direct, console, book, stop: () => miniflare.dispose() }
  } catch (cause) {
    await miniflare.dispose()
    throw cause
  }
}

/** The console, from `wrangler.console.toml`. It has a socket of its own, as it has a hostname of its own when deployed. */
async function consoleOptions(sampleBefore: string | undefined) {
  const config = readConfig({ config: join(ROOT, 'wrangler.console.toml') }, { hideWarnings: true })
  const { workerOptions, define } = optionsOf(config)
  const modules = await bundle(siblingModule(import.meta.url, '../../console/worker'), {
    define,
    minify: config.minify ?? false,
  })
  return {
    ...workerOptions,
    name: config.name ?? 'console',
    modules,
    modulesRoot: '/',
    bindings: { ...config.vars, ...(sampleBefore && { SAMPLE_BEFORE: sampleBefore }) },
    assets: {
      directory: join(ROOT, config.assets?.directory ?? ''),
      binding: 'ASSETS',
      routerConfig: { invoke_user_worker_ahead_of_assets: false, has_user_worker: true },
    },
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  }
}

/** As `wrangler deploy` bundles: its conditions, its fields, WebAssembly as modules of their own. */
async function bundle(
  main: string,
  options: { define: Record<string, string>; minify: boolean },
): Promise<V4ModuleDefinition[]> {
  const { outputFiles } = await build({
    entryPoints: { worker: main },
    bundle: true,
    write: false,
    outdir: '/',
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    mainFields: ['browser', 'module', 'main'],
    external: ['cloudflare:*'],
    minify: options.minify,
    keepNames: true,
    loader: { '.wasm': 'copy' },
    define: { 'process.env.NODE_ENV': '"production"', ...options.define },
    logLevel: 'silent',
  })
  return (
    outputFiles
      .map(({ path, text, contents }): V4ModuleDefinition => {
        if (path.endsWith('.wasm')) return { type: 'CompiledWasm', path, contents }
        return { type: 'ESModule', path, contents: text }
      })
      // The runtime takes the first for the entry.
      .sort((a, b) => Number(a.type === 'CompiledWasm') - Number(b.type === 'CompiledWasm'))
  )
}

/** Applies what is missing, each file in one transaction, and writes it down where `wrangler d1 migrations` does. */
async function migrate(book: Awaited<ReturnType<Miniflare['getD1Database']>>, folder: string): Promise<void> {
  await book
    .prepare(
      `CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE,
         applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)`,
    )
    .run()
  const { results } = await book.prepare('SELECT name FROM d1_migrations').all<{ name: string }>()
  const applied = new Set(results.map(({ name }) => name))
  for (const name of (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort()) {
    if (applied.has(name)) continue
    const statements = splitSql(await readFile(join(folder, name), 'utf8'))
    await book.batch([
      ...statements.map((statement) => book.prepare(statement)),
      book.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(name),
    ])
  }
}
