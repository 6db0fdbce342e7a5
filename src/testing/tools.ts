/** The packages that the local stack loads. All are optional: the user of the stack installs them. */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** For the Worker in workerd and the chain. */
export const STACK_TOOLS = ['wrangler', 'miniflare', 'esbuild', '@foundry-rs/anvil']

/** For paying crawlers. */
export const PAY_TOOLS = ['@x402/core', '@x402/evm', '@x402/fetch', 'web-bot-auth']

/** For the lab with our own Worker, whose bundle the package has. */
export const LAB_TOOLS = ['miniflare', '@foundry-rs/anvil', ...PAY_TOOLS]

/**
 * The command that installs what is missing of some packages; null if nothing is. `from`: the module whose packages are meant.
 *
 * Trap: the newest release of a package may be older than ours, if ours is a beta. It is as good as missing.
 */
export function installCommand(names: readonly string[], from: string = import.meta.url): string | null {
  const { devDependencies } = readPackage(new URL('../../package.json', import.meta.url))
  const missing = names.filter((name) => !isInstalled(name, devDependencies?.[name], from))
  if (missing.length === 0) return null
  const wanted = missing.map((name) => `${name}@${devDependencies?.[name] ?? 'latest'}`)
  return `npm install --save-dev ${wanted.join(' ')}`
}

/** Whether a package is there, and of no older major version than `wanted`. */
function isInstalled(name: string, wanted: string | undefined, from: string): boolean {
  const require = createRequire(from)
  try {
    require.resolve(`${name}/package.json`)
  } catch (cause) {
    // Another error means that the package is there and does not export this file.
    if (cause instanceof Error && 'code' in cause && cause.code === 'MODULE_NOT_FOUND') return false
  }
  const files = require.resolve.paths(name)?.map((folder) => join(folder, name, 'package.json'))
  const file = files?.find((one) => existsSync(one))
  if (file === undefined || wanted === undefined) return true
  return Number.parseInt(readPackage(file).version, 10) >= Number.parseInt(wanted, 10)
}

function readPackage(file: string | URL): { version: string; devDependencies?: Record<string, string> } {
  return JSON.parse(readFileSync(file, 'utf8'))
}
