/** Bench Workers in workerd: bundled and minified as for production, reached without a proxy. */
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type OutputFile, type Plugin } from 'esbuild'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type Response } from 'miniflare'
import * as v from 'valibot'
import { unstable_splitSqlQuery as splitSql } from 'wrangler'
import { entryKey, type HostEntry } from '../src/sites/entry.ts'

export const COMPATIBILITY_DATE = '2026-08-01'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const OBJECTS = {
  ACCOUNT: 'Account',
  AUTHORIZATIONS: 'Authorizations',
  RELAYER: 'Relayer',
  LINES: 'CreditLine',
  AGENTS: 'Agents',
  DIRECTORIES: 'Directory',
  NUMBERS: 'Numbers',
  QUOTA: 'Quota',
}

export type WorkerOptions = {
  /** A file of the repository. */
  main: string
  vars?: Record<string, string>
  plugins?: Plugin[]
  /** Enables Node's own modules, which the peer needs. */
  nodejs?: boolean
  /** Classes of Durable Objects by binding; by default the paywall's. */
  objects?: Record<string, string>
  /** Answers the Worker's fetches in place of the network. */
  world?: World
  /** Entries of hosts in KV, by host: the Worker has a registry of sites then. */
  entries?: ReadonlyMap<string, HostEntry>
}

export type World = (request: { url: string }) => Response

export type BenchWorker = {
  url: URL
  /** User and system time of its runtime so far, in microseconds; undefined without /proc. */
  cpu(): number | undefined
  /** Restarts the Worker on the same ledgers, with every object evicted; returns its new URL. */
  restart(): Promise<URL>
  /** Writes a host's entry to KV, as the registry does. Only with `entries`. */
  publish(host: string, entry: HostEntry): Promise<void>
  /** Bytes on the heap of the Worker's isolate after a collection. Only with `entries`. */
  heap(): Promise<number>
  stop(): Promise<void>
}

/** Bundles as `wrangler deploy --minify` does. The entry comes first, WebAssembly after it. */
export async function bundle(main: string, plugins: Plugin[] = []): Promise<OutputFile[]> {
  const { outputFiles } = await build({
    entryPoints: { worker: join(ROOT, main) },
    bundle: true,
    minify: true,
    write: false,
    outdir: '/',
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    mainFields: ['browser', 'module', 'main'],
    external: ['cloudflare:*', 'node:*'],
    loader: { '.wasm': 'copy' },
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'silent',
    plugins,
  })
  return outputFiles.sort((a, b) => Number(isWasm(a)) - Number(isWasm(b)))
}

export function isWasm({ path }: OutputFile): boolean {
  return path.endsWith('.wasm')
}

/** Starts a Worker with a runtime, a ledger and a read model of its own on 127.0.0.1. */
export async function startWorker(options: WorkerOptions): Promise<BenchWorker> {
  const { main, vars = {}, plugins, nodejs, objects = OBJECTS, world, entries } = options
  const [files, directory] = await Promise.all([
    bundle(main, plugins),
    mkdtemp(join(tmpdir(), 'tab402-bench-')),
  ])
  const before = children()
  const settings = convertV4MiniflareOptions({
    name: 'bench',
    modules: files.map((file) =>
      isWasm(file)
        ? { type: 'CompiledWasm', path: file.path, contents: file.contents }
        : { type: 'ESModule', path: file.path, contents: file.text },
    ),
    modulesRoot: '/',
    compatibilityDate: COMPATIBILITY_DATE,
    compatibilityFlags: nodejs ? ['nodejs_compat'] : [],
    bindings: vars,
    durableObjects: Object.fromEntries(
      Object.entries({ ...objects, ...(entries && { SITES: 'Sites' }) }).map(([binding, className]) => [
        binding,
        { className, useSQLite: true },
      ]),
    ),
    d1Databases: ['BOOK'],
    ...(entries && { kvNamespaces: ['HOSTS'], inspectorPort: 0 }),
    ...(world && { outboundService: world }),
    host: '127.0.0.1',
    port: 0,
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
    resourcePersistencePath: directory,
    cf: false,
    telemetry: { enabled: false },
    log: new Log(LogLevel.NONE),
    // Standard output is for the report only.
    handleStructuredLogs: ({ level, message }) => {
      // All cases share one relayer key on purpose, which each relayer warns about.
      if (level === 'error') console.error(message)
    },
  })
  const miniflare = new Miniflare(settings)
  await miniflare.ready
  const runtime = children().find((pid) => !before.includes(pid))
  await migrate(miniflare)
  const publish = async (host: string, entry: HostEntry) => {
    const hosts = await miniflare.getKVNamespace('HOSTS')
    await hosts.put(entryKey(host), JSON.stringify(entry))
  }
  for (const [host, entry] of entries ?? []) await publish(host, entry)
  return {
    url: await miniflare.unsafeGetDirectURL(),
    cpu: () => (runtime === undefined ? undefined : cpuOf(runtime)),
    async restart() {
      await miniflare.setOptions(settings)
      return miniflare.unsafeGetDirectURL()
    },
    publish,
    heap: async () => heapOf(new URL('/core:user:bench', await miniflare.getInspectorURL())),
    async stop() {
      await miniflare.dispose()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function migrate(miniflare: Miniflare): Promise<void> {
  const book = await miniflare.getD1Database('BOOK')
  const folder = join(ROOT, 'migrations')
  for (const file of readdirSync(folder).sort()) {
    const statements = splitSql(await readFile(join(folder, file), 'utf8'))
    await book.batch(statements.map((statement) => book.prepare(statement)))
  }
}

/** Asks the inspector of an isolate: Runtime.getHeapUsage of the Chrome DevTools Protocol. */
async function heapOf(inspector: URL): Promise<number> {
  const socket = new WebSocket(inspector.href)
  const send = (id: number, method: string) => socket.send(JSON.stringify({ id, method }))
  const used = new Promise<number>((resolve, reject) => {
    socket.addEventListener('error', () => reject(new Error(`${inspector} must accept a connection`)))
    socket.addEventListener('close', () => reject(new Error('the inspector must answer')))
    socket.addEventListener('open', () => {
      // One collection is not enough: weak maps hold what the next one frees.
      for (let id = 1; id <= 3; id++) send(id, 'HeapProfiler.collectGarbage')
      send(4, 'Runtime.getHeapUsage')
    })
    socket.addEventListener('message', ({ data }) => {
      const answer = v.parse(Answer, JSON.parse(String(data)))
      if (answer.id === 4) resolve(v.parse(Usage, answer.result).usedSize)
    })
  })
  try {
    return await used
  } finally {
    socket.close()
  }
}

const Answer = v.object({ id: v.optional(v.number()), result: v.optional(v.unknown()) })
const Usage = v.object({ usedSize: v.number() })

/** The child processes of this process. */
function children(): number[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
}

/** proc(5): fields 14 and 15, in hundredths of a second. */
function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}
