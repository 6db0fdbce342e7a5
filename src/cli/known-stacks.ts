/** The stacks of `tab402 start` that run on this machine, so that a URL alone finds its keys and its ledger. */
import { constants } from 'node:fs'
import { chmod, lstat, mkdir, open, rm, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StackFacts } from '../testing/stack/stack.ts'
import { isLoopback } from './swarm/target.ts'

const ALIVE_MS = 2_000

/** Threat: the facts hold keys of a local chain and the operator's token, so only this user may read the folder. */
function folder(): string {
  return join(process.env.XDG_RUNTIME_DIR || tmpdir(), `tab402-${process.getuid?.() ?? 'stacks'}`)
}

function fileOf(url: string): string {
  return join(folder(), `${new URL(url).port || '80'}.json`)
}

/**
 * Writes the facts of a stack that has started. Returns what removes them. Never rejects: a stack runs without its file too, and nothing
 * is written into a folder of somebody else.
 */
export async function noteStack(facts: StackFacts): Promise<() => Promise<void>> {
  const file = fileOf(facts.url)
  try {
    await mkdir(folder(), { recursive: true, mode: 0o700 })
    const found = await lstat(folder())
    if (!found.isDirectory() || !isOwn(found)) return async () => {}
    await chmod(folder(), 0o700)
    // A stack that was killed has left its file.
    await rm(file, { force: true })
    await writeFile(file, JSON.stringify(facts), { mode: 0o600, flag: 'wx' })
  } catch {
    return async () => {}
  }
  return async () => {
    // The folder stays while another stack has its facts there.
    await rm(file, { force: true })
      .then(() => rmdir(folder()))
      .catch(() => undefined)
  }
}

/** The facts of the running stack that serves a URL of this machine; null for none. A stack that was killed is none. */
export async function findStack(url: string): Promise<StackFacts | null> {
  const facts = isLoopback(url) ? await readFacts(fileOf(url)) : null
  if (facts === null) return null
  const asked = { method: 'POST', body: '{}', signal: AbortSignal.timeout(ALIVE_MS) }
  return fetch(facts.rpc, asked).then(
    () => facts,
    () => null,
  )
}

/** Threat: in a shared folder for temporary files, somebody else may have written the file, with a server of theirs in it. */
async function readFacts(path: string): Promise<StackFacts | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => null)
  try {
    if (!file || !isOwn(await file.stat())) return null
    return JSON.parse(await file.readFile('utf8')) as StackFacts
  } catch {
    return null
  } finally {
    await file?.close()
  }
}

/** Always true on a system without user ids. */
function isOwn({ uid }: { uid: number }): boolean {
  return process.getuid === undefined || uid === process.getuid()
}
