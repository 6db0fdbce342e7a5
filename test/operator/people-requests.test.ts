import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { newMember } from '../../src/operator/people-requests.ts'

const nameOf = (name: unknown) => v.safeParse(newMember, { name, role: 'operator' }).success

describe('the name of a member', () => {
  it('is one line of at most 100 characters', () => {
    expect([nameOf('x'.repeat(100)), nameOf('x'.repeat(101)), nameOf('x'.repeat(200))]).toEqual([
      true,
      false,
      false,
    ])
    for (const name of ['', '   ', 'two\nlines', 'a\u2028b', 'a\u0000b', 7, null])
      expect(nameOf(name)).toBe(false)
  })

  it('may look like markup, which pages escape, but must not turn the direction of text', () => {
    expect(nameOf('<script>alert(1)</script>')).toBe(true)
    expect(nameOf('שלום')).toBe(true)
    for (const mark of ['\u200f', '\u202e', '\u2066', '\u061c']) expect(nameOf(`Ann${mark}owner`)).toBe(false)
  })
})
