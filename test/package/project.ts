/** An empty folder with the packed tarball installed, and the tools of this repository to use there. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

/** A finished program. */
export type Result = { code: number; stdout: string; stderr: string }

/** A project that uses the package. */
export type Project = {
  folder: string
  write(name: string, text: string): Promise<void>
  /** Makes a package of this repository available without an install. */
  link(...names: string[]): Promise<void>
  /** Runs the installed `tab402`. */
  tab402(args: string[], env?: Record<string, string>): Promise<Result>
  /** Runs Node. */
  node(args: string[]): Promise<Result>
  /** Runs a tool of this repository in the project, such as `wrangler/bin/wrangler.js`. */
  tool(script: string, args: string[]): Promise<Result>
  /** Starts `wrangler dev` on 127.0.0.1, waits until it answers, and ends it after `use`. */
  dev<Value>(use: (url: string) => Promise<Value>): Promise<Value>
  remove(): Promise<void>
}

const MODULES = resolve('node_modules')
const START_TIMEOUT_MS = 45_000
const POLL_MS = 100

const TSCONFIG = {
  compilerOptions: {
    target: 'es2023',
    lib: ['es2024'],
    module: 'esnext',
    moduleResolution: 'bundler',
    types: ['@cloudflare/workers-types'],
    strict: true,
    noEmit: true,
  },
}

/** Packs the package, installs the tarball into a new folder and copies `examples/hono` beside it. */
export async function openProject(): Promise<Project> {
  const root = await mkdtemp(join(tmpdir(), 'tab402-package-'))
  const folder = join(root, 'project')
  await cp('examples/hono', folder, { recursive: true })
  await must(run('npm', ['pack', '--pack-destination', root], process.cwd()))
  const tarball = (await readdir(root)).find((name) => name.endsWith('.tgz'))
  if (!tarball) throw new Error('npm pack must write a tarball')
  const write = (name: string, text: string) => writeFile(join(folder, name), text)
  await write('package.json', JSON.stringify({ name: 'weather', private: true, type: 'module' }))
  await write('tsconfig.json', JSON.stringify(TSCONFIG))
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline']
  await must(run('npm', ['install', join(root, tarball), ...quiet], folder))
  const script = (path: string, args: string[]) => run(process.execPath, [path, ...args], folder)
  return {
    folder,
    write,
    link: (...names) => linkAll(folder, names),
    tab402: (args, env) => run(process.execPath, ['node_modules/tab402/bin/tab402.js', ...args], folder, env),
    node: (args) => run(process.execPath, args, folder),
    tool: (path, args) => script(join(MODULES, path), args),
    dev: (use) => withDev(folder, use),
    remove: () => rm(root, { recursive: true, force: true }),
  }
}

async function linkAll(folder: string, names: string[]): Promise<void> {
  for (const name of names) {
    const link = join(folder, 'node_modules', name)
    await mkdir(dirname(link), { recursive: true })
    await symlink(join(MODULES, name), link)
  }
}

async function withDev<Value>(folder: string, use: (url: string) => Promise<Value>): Promise<Value> {
  const [port, inspector] = [await freePort(), await freePort()]
  const args = ['dev', '--ip', '127.0.0.1', '--port', `${port}`, '--inspector-port', `${inspector}`]
  const child = spawn(process.execPath, [join(MODULES, 'wrangler/bin/wrangler.js'), ...args], {
    cwd: folder,
    env: { ...process.env, ...quietEnv(folder) },
    // A group of its own, so that the runtime ends with the tool.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close')
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text
    })
  const url = `http://127.0.0.1:${port}`
  try {
    for (const began = Date.now(); !(await answers(url)); ) {
      if (child.exitCode !== null || Date.now() - began > START_TIMEOUT_MS)
        throw new Error(`wrangler dev must answer at ${url}: ${printed}`)
      await new Promise((done) => setTimeout(done, POLL_MS))
    }
    return await use(url)
  } finally {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM')
    await ended
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    await fetch(url, { signal: AbortSignal.timeout(5_000) })
    return true
  } catch (cause) {
    if (cause instanceof Error) return false
    throw cause
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((done) => server.close(done))
  if (address === null || typeof address === 'string') throw new Error('the server must have a port')
  return address.port
}

/** The tools ask nothing, report nothing, and keep their settings in the project. */
function quietEnv(folder: string): Record<string, string> {
  return {
    CI: 'true',
    NO_COLOR: '1',
    WRANGLER_SEND_METRICS: 'false',
    XDG_CONFIG_HOME: join(folder, '.config'),
  }
}

function run(command: string, args: string[], cwd: string, env: Record<string, string> = {}) {
  return new Promise<Result>((resolve, reject) => {
    const options = { cwd, env: { ...process.env, ...quietEnv(cwd), ...env }, maxBuffer: 64 << 20 }
    execFile(command, args, options, (cause, stdout, stderr) => {
      if (cause && typeof cause.code !== 'number') reject(cause)
      else resolve({ code: Number(cause?.code ?? 0), stdout, stderr })
    })
  })
}

async function must(running: Promise<Result>): Promise<void> {
  const { code, stdout, stderr } = await running
  if (code !== 0) throw new Error(`ended with ${code}: ${stdout}${stderr}`)
}
