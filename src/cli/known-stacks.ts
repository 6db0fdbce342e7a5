/** The stacks of `tab402 start` that run on this machine, so that a URL alone finds its keys and its ledger. */
import { chmod, lstat, mkdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StackFacts } from '../testing/stack/stack.ts'
import { isLoopback } from './swarm/target.ts'

const ALIVE_MS = 2_000

/** Threat: the facts hold keys of a local chain and the operator's token, so only this user may read the folder. */
function folder(): string {
  return join(process.env.XDG_RUNTIME_DIR ?? tmpdir(), `tab402-${process.getuid?.() ?? 'stacks'}`)
}

function fileOf(url: string): string {
  return join(folder(), `${new URL(url).port || '80'}.json`)
}

/** Writes the facts of a stack that has started. Returns what removes them. Nothing is written into a folder of somebody else. */
export async function noteStack(facts: StackFacts): Promise<() => Promise<void>> {
  const file = fileOf(facts.url)
  await mkdir(folder(), { recursive: true, mode: 0o700 })
  const { uid } = await lstat(folder())
  if (process.getuid !== undefined && uid !== process.getuid()) return async () => {}
  await chmod(folder(), 0o700)
  await writeFile(file, JSON.stringify(facts), { mode: 0o600 })
  return async () => {
    await rm(file, { force: true })
    // It stays while another stack has its facts there.
    await rmdir(folder()).catch(() => undefined)
  }
}

/** The facts of the running stack that serves a URL of this machine; null for none. A stack that was killed is none. */
export async function findStack(url: string): Promise<StackFacts | null> {
  if (!isLoopback(url)) return null
  const text = await readFile(fileOf(url), 'utf8').catch(() => null)
  if (text === null) return null
  const facts = JSON.parse(text) as StackFacts
  const asked = { method: 'POST', body: '{}', signal: AbortSignal.timeout(ALIVE_MS) }
  return fetch(facts.rpc, asked).then(
    () => facts,
    () => null,
  )
}
