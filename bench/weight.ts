/** Measures the size of the production Worker, and its cold start. */
import { spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { median } from './rounds.ts'
import { bundle, COMPATIBILITY_DATE, isWasm } from './runtime.ts'
import type { Stage } from './stage.ts'

const compressed = promisify(gzip)
/** The package's default export is the path of its program. */
const { default: workerd }: { default: string } = createRequire(import.meta.url)('workerd')

/** The size of all modules in bytes, minified and gzipped one by one, as for an upload. */
export async function bundleGzip(): Promise<number> {
  const files = await bundle('src/worker.ts')
  const sizes = await Promise.all(files.map(async ({ contents }) => (await compressed(contents)).length))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** Milliseconds from the start of a runtime to its first response, minus those of Hono alone: the median of the runs. */
export async function coldStart(stage: Stage, runs: number): Promise<number> {
  const vars = { ...stage.vars, ORIGIN: 'self' }
  const [ours, hono] = await Promise.all([
    writeConfig(stage, 'src/worker.ts', vars, ['Account', 'Authorizations', 'Relayer']),
    writeConfig(stage, 'bench/workers/hono.ts', {}, []),
  ])
  const differences: number[] = []
  for (let run = -1; run < runs; run++) {
    const [theirs, own] = [await firstAnswer(hono, 200), await firstAnswer(ours, 402)]
    if (run >= 0) differences.push(own - theirs)
  }
  return median(differences)
}

async function firstAnswer(config: string, status: number): Promise<number> {
  const port = await freePort()
  const start = performance.now()
  const child = spawn(workerd, ['serve', config, `--socket-addr=http=127.0.0.1:${port}`], { stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  try {
    const response = await firstOf(`http://127.0.0.1:${port}/articles/1`, start + 10_000)
    await response.arrayBuffer()
    if (response.status !== status)
      throw new Error(`a fresh Worker must answer ${status}, but answered ${response.status}`)
    return performance.now() - start
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}

async function firstOf(url: string, until: number): Promise<Response> {
  for (;;) {
    try {
      return await fetch(url, { headers: { 'user-agent': 'GPTBot/1.2' } })
    } catch (cause) {
      if (performance.now() > until) throw cause
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
}

/** Writes a configuration for the runtime itself, to exclude Miniflare's part of a start. */
async function writeConfig(
  { directory }: Stage,
  main: string,
  vars: Record<string, string>,
  classes: string[],
): Promise<string> {
  const folder = join(directory, main.replaceAll('/', '-'))
  await mkdir(folder, { recursive: true })
  const files = await bundle(main)
  for (const { path, contents } of files) await writeFile(join(folder, basename(path)), contents)
  const modules = files.map((file) => {
    const name = basename(file.path)
    return `(name = "${name}", ${isWasm(file) ? 'wasm' : 'esModule'} = embed "${name}")`
  })
  const namespaces = classes.map((name) => `(className = "${name}", uniqueKey = "${name}", enableSql = true)`)
  const bindings = [
    ...Object.entries(vars).map(([name, value]) => `(name = "${name}", text = ${JSON.stringify(value)})`),
    ...classes.map((name) => `(name = "${name.toUpperCase()}", durableObjectNamespace = "${name}")`),
  ]
  const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [${modules.join(', ')}],
    bindings = [${bindings.join(', ')}],
    durableObjectNamespaces = [${namespaces.join(', ')}],
    durableObjectStorage = (inMemory = void),
    compatibilityDate = "${COMPATIBILITY_DATE}",
  ))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`
  const file = join(folder, 'config.capnp')
  await writeFile(file, config)
  return file
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('finding a free port failed')
  return address.port
}
