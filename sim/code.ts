/** The code of the Worker: the one of this folder, and an older one beside it, so that a run can release the new over the old. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import * as present from '../src/worker-stripe.ts'
import { preload } from './preload.ts'

/** The exports of one version of the Worker. */
export type Code = typeof present

/** The folder of an older version, for the threads of a campaign. */
const OLD = 'TAB402_OLD'
const ROOT = fileURLToPath(new URL('..', import.meta.url))

let former: Code | null = null

/** The present version. */
export const CODE: Code = present

/** The older version; null if runs have one version. */
export function oldCode(): Code | null {
  return former
}

/** Writes the source of a commit into a folder, and has all threads of this process run it beside the present one. */
export function takeOld(commit: string): void {
  const name = execFileSync('git', ['rev-parse', '--short', commit], { cwd: ROOT, encoding: 'utf8' }).trim()
  const folder = join(tmpdir(), `tab402-sim-${name}`)
  if (!existsSync(folder)) {
    const source = execFileSync('git', ['archive', commit, 'src', 'package.json'], {
      cwd: ROOT,
      maxBuffer: 1 << 28,
    })
    // Only now: a folder that exists is taken for whole.
    mkdirSync(folder, { recursive: true })
    execFileSync('tar', ['-x', '-C', folder], { input: source })
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  }
  process.env[OLD] = folder
}

/** Loads the present version, and the older one if there is one. */
export async function loadCode(): Promise<void> {
  await preload(new URL('../src/', import.meta.url))
  const folder = process.env[OLD]
  if (folder === undefined) return
  const source = pathToFileURL(`${folder}/src/`)
  former = (await import(new URL('worker-stripe.ts', source).href)) as Code
  await preload(source)
}
