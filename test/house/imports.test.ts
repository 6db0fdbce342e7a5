import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { sources } from './sources.ts'

/** Who may import whom, folder by folder. Imports go down only, never sideways; top-level files of src/ may import all. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  protocol: [],
  identity: ['protocol'],
  ledger: ['protocol'],
  chain: ['protocol'],
  schemes: ['identity', 'ledger', 'chain', 'protocol'],
  paywall: ['schemes', 'identity', 'ledger', 'chain', 'protocol'],
  settlement: ['schemes', 'identity', 'ledger', 'chain', 'protocol'],
  operator: ['paywall', 'settlement', 'schemes', 'identity', 'ledger', 'chain', 'protocol'],
  client: ['protocol'],
  cli: ['testing', 'config', 'rails', 'protocol'],
  testing: ['protocol', 'client', 'chain'],
}

/** Packages for the command line, the local stack, tests and the bench. The Worker may not load them. */
const NOT_IN_THE_WORKER = /^(?:node:|@x402\/|solc|miniflare|wrangler|esbuild)/

const IMPORT = /(?:from|import)\s*\(?\s*'([^']+)'/g

const files = sources('src')

function importsOf(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(IMPORT)].map((match) => match[1] ?? '')
}

function folderOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1]
}

describe('the layers', () => {
  it.each(Object.keys(MAY_IMPORT))('%s imports only what is below it', (folder) => {
    const wrong = files
      .filter((file) => folderOf(file) === folder)
      .flatMap((file) =>
        importsOf(file)
          .filter((target) => target.startsWith('.'))
          .map((target) => new URL(target, `file:///${file}`).pathname.slice(1))
          .filter((target) => {
            const into = folderOf(target)
            return into !== folder && (into === undefined || !MAY_IMPORT[folder]?.includes(into))
          })
          .map((target) => `${file} imports ${target}`),
      )
    expect(wrong).toEqual([])
  })

  it('have a rule for every folder', () => {
    const folders = new Set(files.map(folderOf).filter((folder) => folder !== undefined))
    expect([...folders].filter((folder) => !(folder in MAY_IMPORT))).toEqual([])
  })

  it('keep Node and the upstream packages out of the Worker', () => {
    const wrong = files
      .filter((file) => !['cli', 'testing'].includes(folderOf(file) ?? ''))
      .flatMap((file) =>
        importsOf(file)
          .filter((target) => NOT_IN_THE_WORKER.test(target))
          .map((target) => `${file} imports ${target}`),
      )
    expect(wrong).toEqual([])
  })
})
