/** The state of a stack between two runs: its directory, the secrets of its first run, and the process that holds it. */
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import * as v from 'valibot'

const Kept = v.object({
  operatorToken: v.string(),
  originSecret: v.string(),
  /** The Ed25519 JWK that signs statements, as text. A stack of before there were any has none. */
  operatorKey: v.optional(v.string()),
  /** The day (UTC) before which figures are sample data. Absent where there are none. */
  sampleBefore: v.optional(v.string()),
  /** The process that has the directory open; null after an orderly end. */
  holder: v.nullable(v.number()),
})

export type Keep = {
  directory: string
  operatorToken: string
  originSecret: string
  operatorKey: string
  sampleBefore: string | undefined
  /** Releases the directory, and removes it if it was made for this run. */
  close(): Promise<void>
}

/** How long a killed stack may take to end its own children before the next start gives up. */
const PATIENCE_MS = 15_000

/**
 * Opens a directory for one stack alone, or a new one that goes when it is closed; throws when another stack has it.
 * `sampleBefore` counts in a new directory alone: figures that are there already stay what they are.
 */
export async function openKeep(
  named: string | undefined,
  { patienceMs = PATIENCE_MS, sampleBefore }: { patienceMs?: number; sampleBefore?: string | undefined } = {},
): Promise<Keep> {
  const directory = named === undefined ? await mkdtemp(join(tmpdir(), 'tab402-')) : resolve(named)
  await mkdir(directory, { recursive: true })
  const file = join(directory, 'stack.json')
  const former = await readKept(file)
  if (former?.holder) await outlive(former.holder, file, patienceMs)
  const sample = former ? former.sampleBefore : sampleBefore
  const kept = {
    ...(sample && { sampleBefore: sample }),
    operatorToken: former?.operatorToken ?? secret(),
    originSecret: former?.originSecret ?? secret(),
    operatorKey: former?.operatorKey ?? (await newOperatorKey()),
    holder: process.pid,
  }
  await writeKept(file, kept)
  return {
    directory,
    operatorToken: kept.operatorToken,
    originSecret: kept.originSecret,
    operatorKey: kept.operatorKey,
    sampleBefore: sample,
    close: () =>
      named === undefined
        ? rm(directory, { recursive: true, force: true })
        : writeKept(file, { ...kept, holder: null }),
  }
}

async function readKept(file: string): Promise<v.InferOutput<typeof Kept> | undefined> {
  try {
    return v.parse(Kept, JSON.parse(await readFile(file, 'utf8')))
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw new Error(`${file} cannot be read; delete it to start with new secrets`, { cause })
  }
}

/** Whole or not at all: a kill between two bytes must not cost the secrets. */
async function writeKept(file: string, kept: v.InferOutput<typeof Kept>): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(kept), { mode: 0o600 })
  await rename(`${file}.new`, file)
}

/** A stack whose starter was killed is still putting its chain and its objects away: two writers would ruin both. */
async function outlive(holder: number, file: string, patienceMs: number): Promise<void> {
  const until = Date.now() + patienceMs
  while (holder !== process.pid && isAlive(holder)) {
    if (Date.now() > until) {
      throw new Error(
        `process ${holder} still uses this state; stop it, or delete ${file} if it is another program`,
      )
    }
    await new Promise((done) => setTimeout(done, 50))
  }
}

/** Whether a process runs. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (cause) {
    // EPERM: it lives, and belongs to somebody else.
    return cause instanceof Error && 'code' in cause && cause.code === 'EPERM'
  }
}

function secret(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString('base64url')
}

/** A new Ed25519 JWK that signs statements, as text. */
export async function newOperatorKey(): Promise<string> {
  const { privateKey } = (await crypto.subtle.generateKey('Ed25519', true, ['sign'])) as CryptoKeyPair
  const { kty, crv, x, d } = (await crypto.subtle.exportKey('jwk', privateKey)) as JsonWebKey
  return JSON.stringify({ kty, crv, x, d })
}
