import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sources } from './sources.ts'

/** The folders of src/, highest first. A file imports from its own folder and from lower rows, never sideways or up. */
const ORDER = [
  ['app'],
  ['console', 'portal'],
  ['operator'],
  ['doctor'],
  ['config'],
  ['settlement'],
  ['billing', 'payouts', 'adapters', 'alerts'],
  ['terms'],
  ['rails', 'paywall'],
  ['schemes', 'sites'],
  ['screening', 'people'],
  ['identity', 'ledger', 'chain'],
  ['protocol', 'platform'],
]

/** Beside the Worker: what a crawler imports, what a tester imports, and the logs that the command line reads. */
const ASIDE: Record<string, readonly string[]> = {
  client: ['protocol'],
  cli: [
    ...[
      'lab',
      'testing',
      'app',
      'logs',
      'doctor',
      'config',
      'rails',
      'paywall',
      'sites',
      'identity',
      'protocol',
    ],
    'platform',
  ],
  logs: ['paywall', 'identity', 'protocol', 'platform'],
  lab: [
    'testing',
    'app',
    'config',
    'settlement',
    'rails',
    'ledger',
    'protocol',
    'platform',
    'client',
    'chain',
  ],
  testing: ['protocol', 'platform', 'client', 'chain'],
}

/** Packages for the command line, the local stack, tests and the bench. The Worker may not load them. */
const NOT_IN_THE_WORKER = /^(?:node:|@x402\/|solc|miniflare|wrangler|esbuild)/

const IMPORT = /(?:from|import)\s*\(?\s*'([^']+)'/g

const files = sources('src')

function importsOf(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(IMPORT)].map((match) => match[1] ?? '')
}

/** The files of the repository that a file imports, type imports included. */
function localImportsOf(file: string): string[] {
  return importsOf(file)
    .filter((target) => target.startsWith('.'))
    .map((target) => posix.join(posix.dirname(file), target))
}

function folderOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1]
}

function rowOf(folder: string): number {
  return ORDER.findIndex((row) => row.includes(folder))
}

function mayImport(folder: string, target: string | undefined): boolean {
  if (target === folder) return true
  if (target === undefined) return false
  const aside = ASIDE[folder]
  if (aside) return aside.includes(target)
  return rowOf(target) > rowOf(folder)
}

/** Groups of nodes that reach each other (Tarjan 1972); a node alone counts only if it points at itself. */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const found: string[][] = []
  const visit = (node: string) => {
    const order = index.size
    index.set(node, order)
    low.set(node, order)
    stack.push(node)
    for (const next of graph.get(node) ?? []) {
      if (!graph.has(next)) continue
      if (!index.has(next)) visit(next)
      if (stack.includes(next)) low.set(node, Math.min(low.get(node) ?? 0, low.get(next) ?? 0))
    }
    if (low.get(node) !== order) return
    const group = stack.splice(stack.indexOf(node))
    if (group.length > 1 || graph.get(node)?.includes(node)) found.push(group.sort())
  }
  for (const node of graph.keys()) if (!index.has(node)) visit(node)
  return found
}

describe('the imports', () => {
  it('name only folders that stand in the order', () => {
    const folders = new Set(files.map(folderOf).filter((folder) => folder !== undefined))
    expect([...folders].filter((folder) => rowOf(folder) < 0 && !(folder in ASIDE))).toEqual([])
  })

  it('go down the order of folders only', () => {
    const wrong = files.flatMap((file) => {
      const folder = folderOf(file)
      if (folder === undefined) return []
      return localImportsOf(file)
        .filter((target) => !mayImport(folder, folderOf(target)))
        .map((target) => `${file} imports ${target}`)
    })
    expect(wrong).toEqual([])
  })

  it('form no circle between files, type imports included', () => {
    const graph = new Map(
      [...files, ...sources('test', 'bench', 'sim', 'examples')].map((file) => [file, localImportsOf(file)]),
    )
    expect(circles(graph)).toEqual([])
  })

  it('keep Node and the upstream packages out of the Worker', () => {
    const wrong = files
      .filter((file) => !['cli', 'lab', 'logs', 'testing'].includes(folderOf(file) ?? ''))
      .flatMap((file) =>
        importsOf(file)
          .filter((target) => NOT_IN_THE_WORKER.test(target))
          .map((target) => `${file} imports ${target}`),
      )
    expect(wrong).toEqual([])
  })
})

describe('the edge Worker', () => {
  it('holds no page of the console, and not the library that reads registrations of passkeys', () => {
    const reached = new Set<string>()
    const visit = (file: string) => {
      if (reached.has(file)) return
      reached.add(file)
      for (const next of localImportsOf(file)) visit(next)
    }
    visit('src/worker-stripe.ts')
    visit('src/worker.ts')
    expect(reached.size).toBeGreaterThan(100)
    const wrong = [...reached].flatMap((file) => [
      ...(file.startsWith('src/console/') ? [file] : []),
      ...importsOf(file).filter((target) => /^(?:@simplewebauthn|hono\/jsx)/.test(target)),
    ])
    expect(wrong).toEqual([])
  })
})

describe('the search for circles', () => {
  it('finds two files that import each other', () => {
    const graph = new Map([
      ['a', ['b']],
      ['b', ['c', 'a']],
      ['c', []],
    ])
    expect(circles(graph)).toEqual([['a', 'b']])
  })
})
