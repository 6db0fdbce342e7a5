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
const told = (request: string, until = NOW + QUEUE_TIMEOUT_MS): RetrySlot => ({ request, until })

describe('whose turn it is', () => {
  it('corrects a stale voucher at once when nobody else is expected [A12]', () => {
    expect(judge(waiting('GET /a'), 'behind', null, false, NOW)).toBe('correct')
  })

  it('corrects one at a time: the next waits until the one before has come back or has had its time', () => {
    expect(judge(waiting('GET /b'), 'behind', told('GET /a'), false, NOW)).toBe('wait')
    expect(judge(waiting('GET /b'), 'behind', told('GET /a', NOW), false, NOW)).toBe('correct')
  })

  it('takes the corrected payer before those who came in between', () => {
    expect(judge(waiting('GET /a'), 'follows', told('GET /a'), false, NOW)).toBe('take')
    expect(judge(waiting('GET /b'), 'follows', told('GET /a'), false, NOW)).toBe('wait')
  })

  it('gives the vouchers that come before one that is ahead their time, then corrects it', () => {
    expect(judge(waiting('GET /a'), 'ahead', null, false, NOW + QUEUE_TIMEOUT_MS - 1)).toBe('wait')
    expect(judge(waiting('GET /a'), 'ahead', null, false, NOW + QUEUE_TIMEOUT_MS)).toBe('correct')
  })

  it('lets nothing pass while a transaction of ours is under way, and says so in time', () => {
    for (const fit of ['follows', 'behind', 'ahead'] as Fit[]) {
      expect(judge(waiting('GET /a'), fit, null, true, NOW + CHAIN_TIMEOUT_MS - 1)).toBe('wait')
      expect(judge(waiting('GET /a'), fit, null, true, NOW + CHAIN_TIMEOUT_MS)).toBe('busy')
    }
  })

  it('knows a refund when it comes back', () => {
    expect(purpose(refund)).toBe('refund')
    expect(judge({ order: refund, since: NOW }, 'follows', told('refund'), false, NOW)).toBe('take')
  })

  it('never takes what does not follow, never corrects what does, and keeps nobody waiting for ever', () => {
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
