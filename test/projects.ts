/** Which project runs a test file: `vitest.config.ts` and the house tests ask here. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { sources } from './house/sources.ts'

const IMPORT = /^\s*(?:import|export)\s(?!type\b)(?:[^'"]*?\sfrom\s)?\s*'([^']+)'|\bimport\(\s*'([^']+)'/gm

/** The folders of the projects `node` and `house`. */
const ELSEWHERE = /^test\/(?:house|journeys|package|sim|testing)\//

/** A URL of Node's turns this file's hosts with an xn-- label down; workerd's takes them. */
const NEEDS_WORKERD_URLS = 'test/identity/signature-agent.test.ts'

/** The test files that need neither `cloudflare:*` nor the chain, themselves and in all that they import. */
export function unitFiles(): string[] {
  const files = sources('test').filter((file) => file.endsWith('.test.ts') && !ELSEWHERE.test(file))
  return files.filter((file) => file !== NEEDS_WORKERD_URLS && !needsRuntime(file, new Set()))
}

function needsRuntime(file: string, seen: Set<string>): boolean {
  if (seen.has(file)) return false
  seen.add(file)
  const text = readFileSync(file, 'utf8')
  // Only the projects with a chain provide something to inject.
  if (/\binject\(/.test(text)) return true
  return importsOf(text).some((target) => {
    if (target.startsWith('cloudflare:')) return true
    const path = normalize(join(dirname(file), target))
    return target.startsWith('.') && existsSync(path) && path.endsWith('.ts') && needsRuntime(path, seen)
  })
}

function importsOf(text: string): string[] {
  return [...text.matchAll(IMPORT)].map(([, stated, dynamic]) => stated ?? dynamic ?? '')
}
