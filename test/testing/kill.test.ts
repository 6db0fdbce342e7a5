import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const MODULE = new URL('../../src/testing/stack/kill.ts', import.meta.url).href
const run = promisify(execFile)

/** The id of a process that has ended. */
async function ended(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''])
  await new Promise((resolve) => child.once('exit', resolve))
  return child.pid ?? 0
}

async function folderOf(pid: number): Promise<string> {
  const folder = join(tmpdir(), `tab402-runtimes-${pid}-test`)
  await mkdir(folder)
  return folder
}

describe('traceRuntimes', () => {
  it('removes the folders of processes that were killed, and leaves those of others', async () => {
    const [left, kept] = [await folderOf(await ended()), await folderOf(process.pid)]
    const script = `import { traceRuntimes } from '${MODULE}'; await traceRuntimes()`
    await run(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      '--input-type=module',
      '-e',
      script,
    ])
    expect([existsSync(left), existsSync(kept)]).toEqual([false, true])
    await run('rmdir', [kept])
  })
})
