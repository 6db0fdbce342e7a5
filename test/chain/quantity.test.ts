/** Numbers as nodes write them. */
import { describe, expect, it } from 'vitest'
import { quantity } from '../../src/chain/node-client.ts'

describe('quantity', () => {
  it.each([
    ['0x0', 0n],
    ['0x07', 7n],
    ['0x000000000000000000000000000000000000000000000000000000000000000f', 15n],
    ['0X1F', 31n],
    ['0xDeF', 0xdefn],
    ['31', 31n],
    [31, 31n],
  ] as const)('reads %s by its value', (written, value) => {
    expect(quantity(written)).toBe(value)
  })

  it.each([null, undefined, '', '0x', '0xg', '-1', '1.5', ' 7', -1, 1.5, 2 ** 53, {}, [7], true])(
    'throws unreachable for %j',
    (written) => {
      expect(() => quantity(written)).toThrow('unreachable')
    },
  )
})
