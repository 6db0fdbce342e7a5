/** `wrangler`, as the command line calls it: the one on the PATH, or that of the project. */
import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { CommandError } from './command.ts'

/** A finished call. `stdout` and `stderr` are its streams as text. */
type WranglerResult = { code: number; stdout: string; stderr: string }

/** Calls wrangler. `input` goes to its standard input: the only way for secrets, since other users can read arguments. */
export type Wrangler = (args: readonly string[], input?: string) => Promise<WranglerResult>

/**
 * Wrangler in a folder. It gets no terminal, so it asks nothing.
 * @throws CommandError if wrangler is not installed
 */
export function wranglerIn(cwd: string, env: NodeJS.ProcessEnv = process.env): Wrangler {
  const PATH = [env.PATH ?? '', join(cwd, 'node_modules', '.bin')].join(delimiter)
  return (args, input) =>
    new Promise((done, reject) => {
      const child = spawn('wrangler', args, {
        cwd,
        env: { ...env, PATH, NO_COLOR: '1' },
        // On Windows it is a script, which a shell alone can run.
        shell: process.platform === 'win32',
      })
      const said = { stdout: '', stderr: '' }
      for (const stream of ['stdout', 'stderr'] as const)
        child[stream].setEncoding('utf8').on('data', (text: string) => {
          said[stream] += text
        })
      child.on('error', (cause: NodeJS.ErrnoException) =>
        reject(cause.code === 'ENOENT' ? new CommandError(MISSING) : cause),
      )
      child.on('close', (code) => done({ code: code ?? 1, ...said }))
      // A child that ends early closes its pipe; its exit code says why.
      child.stdin.on('error', () => undefined)
      child.stdin.end(input ?? '')
    })
}

const MISSING = 'wrangler must be installed. Run: npm install --save-dev wrangler'

/**
 * The output of a call that must succeed.
 * @throws CommandError with the last lines that wrangler printed
 */
export async function must(wrangler: Wrangler, args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await wrangler(args, input)
  if (code === 0) return stdout
  const lines = `${stderr}\n${stdout}`.split('\n').filter((line) => line.trim() !== '')
  throw new CommandError(`wrangler ${args.join(' ')} failed:\n${lines.slice(0, MAX_LINES).join('\n')}`)
}

const MAX_LINES = 12

/**
 * The JSON that a call prints. Notices may stand before it.
 * @throws CommandError if the call fails or prints none
 */
export async function wranglerJson<Value>(wrangler: Wrangler, args: readonly string[]): Promise<Value> {
  const text = await must(wrangler, args)
  const at = text.search(/^[[{]/m)
  try {
    return JSON.parse(text.slice(Math.max(at, 0))) as Value
  } catch (cause) {
    if (cause instanceof SyntaxError)
      throw new CommandError(`wrangler ${args.join(' ')} must print JSON. Update it to 4.90 or newer.`)
    throw cause
  }
}

/** The accounts of the login; null without one. */
export async function loginOf(wrangler: Wrangler): Promise<{ id: string; name: string }[] | null> {
  const { code, stdout } = await wrangler(['whoami', '--json'])
  const at = stdout.search(/^\{/m)
  const read = at < 0 ? null : (JSON.parse(stdout.slice(at)) as WhoAmI)
  return code === 0 && read?.loggedIn ? (read.accounts ?? []) : null
}

type WhoAmI = { loggedIn: boolean; accounts?: { id: string; name: string }[] }

/** The names of a Worker's secrets. A Worker that does not exist yet has none. */
export async function secretsOf(wrangler: Wrangler, config: string): Promise<string[]> {
  const args = ['secret', 'list', '--config', config]
  const { code, stdout, stderr } = await wrangler(args)
  if (code !== 0 && /10007|does not exist|not found/i.test(`${stdout}${stderr}`)) return []
  const listed = await wranglerJson<{ name: string }[]>(async () => ({ code, stdout, stderr }), args)
  return listed.map(({ name }) => name)
}
