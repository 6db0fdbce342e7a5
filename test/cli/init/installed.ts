/** Installs the stand-in for wrangler, and runs `tab402 init` in a folder of its own. */
import { spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'

const MAIN = resolve('src/cli/main.ts')
const FAKE = resolve('test/cli/init/fake-wrangler.ts')

/** A finished run. `code` is null after a kill. */
export type Run = { code: number | null; stdout: string; stderr: string }

export type Installed = Awaited<ReturnType<typeof install>>

/** A folder, an empty account at Cloudflare, and the program. */
export async function install() {
  const root = await mkdtemp(join(tmpdir(), 'tab402-init-'))
  const [folder, account, bin] = [join(root, 'site'), join(root, 'account'), join(root, 'bin')]
  for (const path of [folder, account, bin]) await mkdir(path)
  const wrangler = join(bin, 'wrangler')
  await writeFile(wrangler, `#!/bin/sh\nexec "${process.execPath}" "${FAKE}" "$@"\n`)
  await chmod(wrangler, 0o755)
  return {
    folder,
    account,
    /** Runs a command. `onText` receives the whole of stderr whenever it grows. */
    tab402(
      args: string[],
      env: Record<string, string> = {},
      onText: (text: string) => void = () => undefined,
    ) {
      return new Promise<Run>((done, reject) => {
        const PATH = `${bin}${delimiter}${process.env.PATH}`
        const settings = { FAKE_WRANGLER: account, OPERATOR_TOKEN: '', RELAYER_KEY: '', KEY: '', RPC_URL: '' }
        const child = spawn(process.execPath, [MAIN, ...args], {
          cwd: folder,
          env: { ...process.env, PATH, ...settings, ...env },
          stdio: ['ignore', 'pipe', 'pipe'],
        })
        let [stdout, stderr] = ['', '']
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          stdout += text
        })
        child.stderr.setEncoding('utf8').on('data', (text: string) => {
          stderr += text
          onText(stderr)
        })
        child.on('error', reject)
        child.on('close', (code) => done({ code, stdout, stderr }))
      })
    },
    /** Every call of wrangler so far. */
    async calls(): Promise<string[]> {
      const log = await readFile(join(account, 'log'), 'utf8').catch(() => '')
      return log.split('\n').filter(Boolean)
    },
    read: (name: string) => readFile(join(folder, name), 'utf8'),
    remove: () => rm(root, { recursive: true }),
  }
}
