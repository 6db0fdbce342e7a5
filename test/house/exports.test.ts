import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

const DECLARED = /^export (?:declare )?(?:abstract )?(?:async )?(function|class|const|type|interface) (\w+)/gm
const NAMED = /^export (type )?\{([^}]*)\} from '([^']+)'/gm
const ALL = /^export \* from '([^']+)'/gm

/** Every export of a module as name and kind, through its re-exports. */
function exportsOf(file: string): Map<string, string> {
  const text = readFileSync(file, 'utf8')
  const found = new Map<string, string>()
  for (const [, kind = '', name = ''] of text.matchAll(DECLARED)) found.set(name, kind)
  for (const [, from = ''] of text.matchAll(ALL))
    for (const [name, kind] of exportsOf(join(dirname(file), from))) found.set(name, kind)
  for (const [, , list = '', from = ''] of text.matchAll(NAMED)) {
    const there = exportsOf(join(dirname(file), from))
    for (const item of list.split(',')) {
      const [name, alias = name] = item
        .trim()
        .replace(/^type /, '')
        .split(' as ')
      if (name) found.set(alias ?? name, there.get(name) ?? 'unknown')
    }
  }
  return found
}

describe('the package', () => {
  it.each([['tab402', 'src/index.ts', 'exports.txt']])(
    'exports from %s what the snapshot lists (vitest -u after a deliberate change)',
    async (_, entry, snapshot) => {
      const lines = [...exportsOf(entry)].sort().map(([name, kind]) => `${name} ${kind}\n`)
      expect(lines.join('')).not.toContain('unknown')
      await expect(lines.join('')).toMatchFileSnapshot(snapshot)
    },
  )

  it('has a file behind every entry of its manifest', () => {
    const { exports, bin, imports } = JSON.parse(readFileSync('package.json', 'utf8'))
    const targets = [exports['.'].types, exports['.'].default].map((target) =>
      target.replace('./dist/', 'src/').replace(/(?:\.d\.ts|\.js)$/, '.ts'),
    )
    targets.push(bin.tab402, imports['#libauth/secp256k1.wasm'].node)
    for (const target of targets) expect(readFileSync(target, 'utf8')).not.toBe('')
  })
})
