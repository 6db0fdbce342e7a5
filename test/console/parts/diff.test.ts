/** The difference of two texts: nothing is lost, and what did not change is folded. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diffLines, foldLines } from '../../../src/console/parts/diff.tsx'

const line = fc.constantFrom('a', 'b', 'c', 'd')
const text = fc.array(line, { minLength: 1, maxLength: 12 }).map((lines) => lines.join('\n'))

describe('a diff', () => {
  it('has both texts in full', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = diffLines(before, after)
        const side = (other: 'old' | 'new') =>
          lines.filter(({ kind }) => kind !== other).map(({ text }) => text)
        expect(side('new')).toEqual(before.split('\n'))
        expect(side('old')).toEqual(after.split('\n'))
      }),
    )
  })

  it('shows a changed line as the old one before the new one', () => {
    const lines = diffLines('a\nprice 1\nb', 'a\nprice 2\nb')
    expect(lines.map(({ kind }) => kind)).toEqual(['same', 'old', 'new', 'same'])
  })

  it('folds what did not change, and counts it', () => {
    const before = Array.from({ length: 40 }, (_, at) => `line ${at}`)
    const after = before.with(20, 'another')
    const folded = foldLines(diffLines(before.join('\n'), after.join('\n')))
    expect(folded.map((one) => (one.kind === 'gap' ? one.count : one.kind))).toEqual([
      17,
      ...['same', 'same', 'same', 'old', 'new', 'same', 'same', 'same'],
      16,
    ])
  })
})
