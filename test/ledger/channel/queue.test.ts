import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  CHAIN_TIMEOUT_MS,
  type Fit,
  judge,
  purpose,
  QUEUE_TIMEOUT_MS,
  type RetrySlot,
  type Waiting,
} from '../../../src/ledger/channel/queue.ts'
import type { Order } from '../../../src/ledger/channel/types.ts'

const NOW = 1_000_000

function waiting(request: string, since = NOW): Waiting {
  const order: Order = { kind: 'charge', id: 'a', max: 1n, signature: '0x', price: 1n, exposure: 1n, request }
  return { order, since }
}

const refund: Order = { kind: 'refund', id: 'r', max: 1n, signature: '0x', amount: null }
const expected = (request: string, until = NOW + QUEUE_TIMEOUT_MS): RetrySlot => ({ request, until })

describe('judge', () => {
  it('corrects a stale voucher at once when the retry slot is free [A12]', () => {
    expect(judge(waiting('GET /a'), 'behind', null, false, NOW)).toBe('correct')
  })

  it('corrects one request at a time, the next after the retry or its deadline', () => {
    expect(judge(waiting('GET /b'), 'behind', expected('GET /a'), false, NOW)).toBe('wait')
    expect(judge(waiting('GET /b'), 'behind', expected('GET /a', NOW), false, NOW)).toBe('correct')
  })

  it('takes the corrected request before later arrivals', () => {
    expect(judge(waiting('GET /a'), 'follows', expected('GET /a'), false, NOW)).toBe('take')
    expect(judge(waiting('GET /b'), 'follows', expected('GET /a'), false, NOW)).toBe('wait')
  })

  it('holds an early voucher until the queue timeout, then corrects it', () => {
    expect(judge(waiting('GET /a'), 'ahead', null, false, NOW + QUEUE_TIMEOUT_MS - 1)).toBe('wait')
    expect(judge(waiting('GET /a'), 'ahead', null, false, NOW + QUEUE_TIMEOUT_MS)).toBe('correct')
  })

  it('holds every request during an unresolved transaction, then returns busy', () => {
    for (const fit of ['follows', 'behind', 'ahead'] as Fit[]) {
      expect(judge(waiting('GET /a'), fit, null, true, NOW + CHAIN_TIMEOUT_MS - 1)).toBe('wait')
      expect(judge(waiting('GET /a'), fit, null, true, NOW + CHAIN_TIMEOUT_MS)).toBe('busy')
    }
  })

  it('takes a refund that returns to its retry slot', () => {
    expect(purpose(refund)).toBe('refund')
    expect(judge({ order: refund, since: NOW }, 'follows', expected('refund'), false, NOW)).toBe('take')
  })

  it('takes only vouchers that follow, corrects only others, and ends every wait', () => {
    const anything = fc.record({
      fit: fc.constantFrom<Fit>('follows', 'behind', 'ahead'),
      expected: fc.option(
        fc.record({
          request: fc.constantFrom('GET /a', 'GET /b'),
          until: fc.integer({ min: 0, max: 3 * NOW }),
        }),
      ),
      onChain: fc.boolean(),
      waited: fc.nat(2 * CHAIN_TIMEOUT_MS),
    })
    fc.assert(
      fc.property(anything, ({ fit, expected, onChain, waited }) => {
        const verdict = judge(waiting('GET /a'), fit, expected, onChain, NOW + waited)
        if (verdict === 'take') expect(fit).toBe('follows')
        if (verdict === 'correct') expect(fit).not.toBe('follows')
        const late = Math.max(NOW + CHAIN_TIMEOUT_MS, expected?.until ?? 0)
        expect(judge(waiting('GET /a'), fit, expected, onChain, late)).not.toBe('wait')
      }),
    )
  })
})
