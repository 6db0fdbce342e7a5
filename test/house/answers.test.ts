/** Each row of docs/faults.md has an answer that `npm run faults` takes away, and a test that must then fail. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { changed } from '../../sim/mutant.ts'
import { REMOVALS } from '../faults/index.ts'
import { titlesOf } from '../faults/removal.ts'

const rows = [
  ...readFileSync('docs/faults.md', 'utf8').matchAll(/^\| ([A-I]\d{1,2}) \| .* \| (.*) \|$/gm),
].map(([, id = '', tests = '']) => ({ id, tests: [...tests.matchAll(/`([^`]+)`/g)].map(([, test]) => test) }))

describe('npm run faults', () => {
  it('takes away an answer of each row', () => {
    const covered = new Set(REMOVALS.map(({ row }) => row))
    expect(rows.map(({ id }) => id).filter((id) => !covered.has(id))).toEqual([])
    expect([...covered].filter((id) => !rows.some((row) => row.id === id))).toEqual([])
  })

  it('names a test of the row, and changes a text that stands in its file once', () => {
    const wrong = REMOVALS.filter(({ row, test }) => !rows.find(({ id }) => id === row)?.tests.includes(test))
    expect(wrong).toEqual([])
    for (const removal of REMOVALS) {
      const text = readFileSync(removal.file, 'utf8')
      expect(changed(text, removal)).not.toBe(text)
    }
  })

  it('runs the tests that cite the row, or the one that is named', () => {
    const removal = { row: 'A1', file: '', from: '', to: '', test: '' }
    expect(titlesOf(removal).test('settles once [A1]')).toBe(true)
    expect(titlesOf(removal).test('settles once [E3, A1]')).toBe(true)
    expect(titlesOf(removal).test('settles once [A11]')).toBe(false)
    expect(titlesOf({ ...removal, title: 'once [A1]' }).test('settles twice [A1]')).toBe(false)
  })
})
