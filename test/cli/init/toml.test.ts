import { readFileSync } from 'node:fs'
import { parse } from 'smol-toml'
import { describe, expect, it } from 'vitest'
import { withoutLimits } from '../../../src/cli/init/deploy.ts'
import { changeToml } from '../../../src/cli/init/toml.ts'

const TEXT = `name = "a"
# A comment.
main = "b"

[vars]
# Your server.
ORIGIN = "zone"

[[d1_databases]]
binding = "BOOK"
`

describe('a change of a TOML file', () => {
  it('sets a value where it stands, and leaves every comment', () => {
    expect(changeToml(TEXT, [{ table: 'vars', name: 'ORIGIN', value: 'https://o.example' }])).toBe(
      TEXT.replace('"zone"', '"https://o.example"'),
    )
  })

  it('adds a key after the last one of its table', () => {
    const changes = [
      { table: '', name: 'routes', value: [{ pattern: 'a/*', zone_name: 'a' }] },
      { table: 'd1_databases', name: 'database_id', value: 'x' },
      { table: 'limits', name: 'cpu_ms', value: 5 },
    ]
    const changed = changeToml(TEXT, changes)
    expect(changed).toContain('main = "b"\nroutes = [{ pattern = "a/*", zone_name = "a" }]\n')
    expect(changed).toContain('binding = "BOOK"\ndatabase_id = "x"\n')
    expect(changed.endsWith('[limits]\ncpu_ms = 5\n')).toBe(true)
    expect(changeToml(changed, changes)).toBe(changed)
  })

  it('is refused where the value stands on several lines', () => {
    const text = 'routes = [\n  "a",\n]\n'
    expect(() => changeToml(text, [{ table: '', name: 'routes', value: [] }])).toThrow()
  })

  it('can take the limits of a paid plan out of our own config', () => {
    const free = parse(withoutLimits(readFileSync('wrangler.toml', 'utf8'))) as Record<string, unknown>
    expect(free.limits).toBeUndefined()
    expect((free.workflows as object[])[0]).not.toHaveProperty('limits')
    expect(free.vars).toEqual((parse(readFileSync('wrangler.toml', 'utf8')) as typeof free).vars)
  })
})
