import { describe, expect, it } from 'vitest'
import { Shares } from '../../../src/console/parts/share.tsx'

describe('the parts of a sum as a bar', () => {
  it('fill it from end to end, without a gap or an overlap', () => {
    const of = Array.from({ length: 6 }, (_, at) => ({ sum: 1, colour: at + 1 }))
    const html = String(Shares({ of, all: 6 }))
    const marks = [...html.matchAll(/x="(\d+)" width="(\d+)"/g)].map(([, x, width]) => [
      Number(x),
      Number(width),
    ])
    let end = 0
    for (const [x = 0, width = 0] of marks) {
      expect(x).toBe(end)
      end = x + width
    }
    expect(end).toBe(1000)
  })
})
