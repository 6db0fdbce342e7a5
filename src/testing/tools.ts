/** The packages that the local stack loads. All are optional: the user of the stack installs them. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** For the Worker in workerd and the chain. */
export const STACK_TOOLS = ['wrangler', 'miniflare', 'esbuild', '@foundry-rs/anvil']

/** For paying crawlers. */
export const PAY_TOOLS = ['@x402/core', '@x402/evm', '@x402/fetch', 'web-bot-auth']

/** For the lab with our own Worker, whose bundle the package has. */
export const LAB_TOOLS = ['miniflare', '@foundry-rs/anvil', ...PAY_TOOLS]

/** The command that installs what is missing of some packages; null if nothing is. */
export function installCommand(names: readonly string[]): string | null {
  const missing = names.filter((name) => !isInstalled(name))
  if (missing.length === 0) return null
  const { devDependencies } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  ) as { devDependencies: Record<string, string> }
  const wanted = missing.map((name) => `${name}@${devDependencies[name] ?? 'latest'}`)
  return `npm install --save-dev ${wanted.join(' ')}`
}

function isInstalled(name: string): boolean {
  try {
    require.resolve(`${name}/package.json`)
    return true
  } catch (cause) {
    // Another error means that the package is there and does not export this file.
    return !(cause instanceof Error && 'code' in cause && cause.code === 'MODULE_NOT_FOUND')
  }
}
