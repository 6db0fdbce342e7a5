/** docs/alerts.md has a row for each kind of alert, in the order of the list. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ALERT_KINDS } from '../../src/alerts/kinds/index.ts'

describe('docs/alerts.md', () => {
  it('has a row for each kind of alert, in order', () => {
    const table = readFileSync('docs/alerts.md', 'utf8').split('## Every alert')[1] ?? ''
    const rows = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, kind]) => kind)
    expect(rows).toEqual(['kind', ...ALERT_KINDS.map(({ name }) => name)])
  })
})
