import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { sources } from './sources.ts'

/** Names that two files of src/ may export, each with the reason. */
const ALLOWED: Readonly<Record<string, string>> = {
  Relayer:
    'app/objects.ts exports the Durable Object class, which implements the type of chain/relayer/relayer.ts',
  run: 'each file of a command implements `Command` of cli/command.ts',
  usage: 'each file of a command implements `Command` of cli/command.ts',
}

const EXPORT =
  /^export (?:abstract )?(?:async )?(?:class|const|enum|function\*?|interface|let|type) ([A-Za-z_$][\w$]*)/gm

/** Each exported name with the files that declare it. A type and a value of one name in one file count once. */
function declarations(files: readonly (readonly [path: string, text: string])[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  for (const [path, text] of files) {
    for (const [, name = ''] of text.matchAll(EXPORT)) {
      const paths = found.get(name) ?? new Set()
      found.set(name, paths.add(path))
    }
  }
  return found
}

function shared(found: ReadonlyMap<string, ReadonlySet<string>>): [string, string[]][] {
  return [...found].filter(([, paths]) => paths.size > 1).map(([name, paths]) => [name, [...paths]])
}

/** Tools beside the Worker, each with a vocabulary of its own: in the lab a crawler is a client, and not a row of a table. */
const TOOLS = ['src/lab/', 'src/cli/playground/', 'src/cli/']
const toolOf = (path: string) => TOOLS.find((folder) => path.startsWith(folder)) ?? 'src/'

const found = [...Map.groupBy(sources('src'), toolOf).values()].flatMap((paths) =>
  shared(declarations(paths.map((path) => [path, readFileSync(path, 'utf8')] as const))),
)

describe('exported names of src/', () => {
  it('are declared in one file each, outside the allow-list', () => {
    const wrong = found.filter(([name]) => !(name in ALLOWED))
    expect(wrong.map(([name, paths]) => `${name}: ${paths.join(', ')}`)).toEqual([])
  })

  it('stand in the allow-list only while two files declare them', () => {
    const names = new Set(found.map(([name]) => name))
    expect(Object.keys(ALLOWED).filter((name) => !names.has(name))).toEqual([])
  })
})

describe('the search for exported names', () => {
  it('finds a name in two files and accepts a type beside its value', () => {
    const files = [
      ['a.ts', 'export const Line = 1\nexport type Line = number\nexport type Row = {}'],
      ['b.ts', 'export class Row {}'],
    ] as const
    expect(shared(declarations(files))).toEqual([['Row', ['a.ts', 'b.ts']]])
  })
})
