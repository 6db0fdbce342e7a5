/** Compiles a folder of Solidity with solc from npm; results are kept in node_modules/.cache, named by all that went in. */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import * as v from 'valibot'
import type { Abi } from 'viem'
import type { Hex } from '../../protocol/evm/hex.ts'

const require = createRequire(import.meta.url)

/** `creation` is what a deployment sends; `runtime` is what then stands at the address, with zeros for immutables. */
export type Artifact = { abi: Abi; creation: Hex; runtime: Hex }

/** Every contract of a folder, by name. */
export type Artifacts = Record<string, Artifact>

/** Cancun for EIP-1153; no metadata, so that the bytes depend on nothing but the source. */
const SETTINGS = {
  evmVersion: 'cancun',
  optimizer: { enabled: true, runs: 10_000 },
  metadata: { appendCBOR: false, bytecodeHash: 'none' },
  outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
}

const Output = v.object({
  errors: v.optional(v.array(v.object({ severity: v.string(), formattedMessage: v.string() })), []),
  contracts: v.optional(
    v.record(
      v.string(),
      v.record(
        v.string(),
        v.object({
          abi: v.array(v.unknown()),
          evm: v.object({
            bytecode: v.object({ object: v.string() }),
            deployedBytecode: v.object({ object: v.string() }),
          }),
        }),
      ),
    ),
    {},
  ),
})

/** The package has the contracts compiled, in place of their sources and of the compiler. */
export const PREBUILT = 'artifacts.json'

/** Compiles every `.sol` file of a folder; throws with the compiler's own words when it has a complaint, warnings included. */
export async function compile(folder: string): Promise<Artifacts> {
  const prebuilt = await readFile(join(folder, PREBUILT), 'utf8').catch(absent)
  if (prebuilt !== undefined) return JSON.parse(prebuilt) as Artifacts
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sol')).sort()
  const sources: Record<string, { content: string }> = {}
  for (const file of files) sources[file] = { content: await readFile(join(folder, file), 'utf8') }
  const input = JSON.stringify({ language: 'Solidity', sources, settings: SETTINGS })

  const manifest = require.resolve('solc/package.json')
  const key = createHash('sha256')
    .update(input)
    .update(await readFile(manifest))
    .digest('hex')
    .slice(0, 32)
  const cache = join(dirname(dirname(manifest)), '.cache', 'tab402', `${key}.json`)
  const kept = await readFile(cache, 'utf8').catch(absent)
  if (kept !== undefined) return JSON.parse(kept) as Artifacts

  const artifacts = await build(input)
  await mkdir(dirname(cache), { recursive: true })
  // Several test files may compile at once: each writes aside and renames, so that none reads half a file.
  const aside = `${cache}.${process.pid}.${Math.random().toString(36).slice(2)}`
  await writeFile(aside, JSON.stringify(artifacts))
  await rename(aside, cache)
  return artifacts
}

/** The compiler is 9 MB of WebAssembly: it is loaded only when there is something to compile. */
async function build(input: string): Promise<Artifacts> {
  const { default: solc } = await import('solc')
  const output = v.parse(Output, JSON.parse(solc.compile(input)))
  if (output.errors.length > 0)
    throw new Error(output.errors.map((error) => error.formattedMessage).join('\n'))
  const artifacts: Artifacts = {}
  for (const contracts of Object.values(output.contracts)) {
    for (const [name, { abi, evm }] of Object.entries(contracts)) {
      artifacts[name] = {
        abi: abi as Abi,
        creation: `0x${evm.bytecode.object}`,
        runtime: `0x${evm.deployedBytecode.object}`,
      }
    }
  }
  return artifacts
}

function absent(cause: NodeJS.ErrnoException): undefined {
  if (cause.code !== 'ENOENT') throw cause
}
