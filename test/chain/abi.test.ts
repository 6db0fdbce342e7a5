/** Human-readable ABIs: ours must read them as viem does. */
import { parseAbi as viems } from 'viem'
import { describe, expect, it } from 'vitest'
import { parseAbi } from '../../src/chain/abi.ts'

describe('parseAbi', () => {
  it.each([
    ['a function', ['function settle(address receiver, address token)']],
    ['outputs, named or not', ['function f(bytes32 id) view returns (uint128 balance, bytes[])']],
    ['a payable function without inputs', ['function f() payable returns (bool)']],
    [
      'structs within structs, and lists of them',
      [
        'struct A { address payer; uint40 delay; }',
        'struct B { A a; bytes signature; }',
        'function f(A a, B[] rows) returns (B)',
      ],
    ],
    ['an event', ['event Claimed(bytes32 indexed id, address indexed sender, uint128 amount)']],
    ['errors', ['error InvalidChannel()', 'error Bad(bytes32 s)']],
  ])('reads %s as viem does', (_, signatures) => {
    expect(parseAbi(signatures)).toEqual(viems(signatures))
  })

  it.each([
    'function f(uint128 balance',
    'constructor()',
    'function f(Unknown a)',
    'function f((address a) b)',
    'function f(int8 a)',
  ])('throws for what no ABI here has: %s', (signature) => {
    expect(() => parseAbi([signature])).toThrow(RangeError)
  })
})
