/** Kills the runtime of a Worker with SIGKILL. Miniflare exposes no pid, so a script starts the runtime and stores it. */
import { rmSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isAlive } from './keep.ts'

let tracing: Promise<string> | undefined

/**
 * Call it before a Worker starts. Returns how to kill the runtime that listens on a port. Trap: Miniflare reads the path of the
 * runtime from the environment of the process, also when it restarts one. So one script serves every Worker of the process.
 */
export async function traceRuntimes(): Promise<(port: number) => Promise<void>> {
  tracing ??= trace()
  const folder = await tracing
  return async (port) => {
    const mark = join(folder, `${port}.pid`)
    const pid = Number(await readFile(mark, 'utf8'))
    await rm(mark)
    process.kill(pid, 'SIGKILL')
  }
}

/** The folder of a process has its id behind this. */
const NAME = 'tab402-runtimes-'

/** A process that was killed leaves its folder: the next one removes it. */
async function removeLeft(): Promise<void> {
  for (const folder of await readdir(tmpdir())) {
    const [, pid] = /^tab402-runtimes-(\d+)-/.exec(folder) ?? []
    if (pid !== undefined && !isAlive(Number(pid)))
      await rm(join(tmpdir(), folder), { recursive: true, force: true })
  }
}

async function trace(): Promise<string> {
  if (process.platform === 'win32') throw new Error('the runtime can only be killed where /bin/sh is')
  await removeLeft()
  const folder = await mkdtemp(join(tmpdir(), `${NAME}${process.pid}-`))
  const script = join(folder, 'workerd.sh')
  // Miniflare's own dependency: its version decides.
  const { default: workerd } = createRequire(createRequire(import.meta.url).resolve('miniflare'))(
    'workerd',
  ) as { default: string }
  await writeFile(
    script,
    `#!/bin/sh
for each; do case "$each" in --socket-addr=entry=*) echo $$ > '${folder}'/"\${each##*:}.pid" ;; esac; done
exec '${workerd}' "$@"
`,
    { mode: 0o755 },
  )
  process.env.MINIFLARE_WORKERD_PATH = script
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}
