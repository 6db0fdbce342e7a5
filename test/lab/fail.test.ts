import { afterEach, describe, expect, it, vi } from 'vitest'
import { Calendar } from '../../src/lab/calendar.ts'
import { failOf } from '../../src/lab/fail/index.ts'
import type { LabStage } from '../../src/lab/stage.ts'
import type { LabOrder } from '../../src/lab/worker/control.ts'
import type { RpcFault } from '../../src/testing/chain/rpc-proxy.ts'

/** The faults of a lab of which only the Worker's control and the chain answer, and what they were sent. */
function openFaults() {
  const orders: LabOrder[] = []
  const calls: unknown[][] = []
  const nodeFaults: RpcFault[] = []
  const rpc = async (method: string, params: unknown[] = []) => {
    calls.push([method, ...params])
    return method === 'eth_getBalance' ? '0x5' : {}
  }
  const stage = {
    chain: { rpc },
    relayer: { address: '0x1' },
    node: 'http://node',
    nodeFaults,
    origin: { answer: null, page: null },
    remote: async (order: LabOrder) => void orders.push(order),
  } as unknown as LabStage
  const control = { kill: async () => {}, evict: async () => {} }
  const fail = failOf(stage, new Calendar(stage), control)
  return { fail, stage, orders, calls, nodeFaults }
}

afterEach(() => void vi.useRealTimers())

describe('lab.fail', () => {
  it.each<[string, string, unknown, string]>([
    ['a word', 'origin', 'ded', '"dead", "503", "short", "hangs" or "redirects" or { slow } or { pauses }'],
    ['a number', 'stripe', 501, '"lost", "unreachable", 500 or 429'],
    ['a member', 'chain', { reorgs: 2 }, 'fail.chain must be given reorg, mining'],
    ['the value of a member', 'rpc', { answers: '500' }, 'must be "nothing", "429" or "half JSON"'],
    ['an empty object', 'chain', {}, '{ reorg } or { mining }'],
    ['nothing', 'd1', undefined, '"down" or "loses writes" or { slow }'],
    ['a way to stop the Worker', 'worker', 'kill', '"killed" or "evicted" or { aborts }'],
    [
      'a number of blocks below one',
      'chain',
      { reorg: 0 },
      'reorg of fail.chain must be a whole number from 1',
    ],
    ['two faults at once', 'origin', { slow: '1s', pauses: '1s' }, 'or { slow } or { pauses }'],
    ['a lost reply of no method', 'rpc', { loses: 'replies' }, '{ loses, of }'],
    ['a method of a fault that meets all', 'rpc', { stale: 4, of: 'eth_call' }, '{ stale }'],
    ['a list', 'd1', ['down'], '"down" or "loses writes" or { slow }'],
  ])('rejects %s that its part does not have, and sets no fault', async (_, part, fault, says) => {
    const { fail, orders, calls, nodeFaults } = openFaults()
    const set = fail[part as 'd1'](fault as 'down')
    await expect(set).rejects.toThrow(RangeError)
    await expect(set).rejects.toThrow(says)
    expect([orders, calls, nodeFaults]).toEqual([[], [], []])
  })

  it('rejects an option that is misspelled', async () => {
    const { fail } = openFaults()
    await expect(fail.d1('down', { time: 1 } as object)).rejects.toThrow(
      'the options of fail.d1 must be given times, not time',
    )
  })

  it.each([
    ['d1', 'down', { times: 0 }, 'times of the options of fail.d1 must be a whole number from 1, not 0'],
    ['stripe', 500, { of: '/v1' }, 'of of the options of fail.stripe must be a RegExp, not /v1'],
    ['webhooks', 'late', { times: 1 }, 'the options of fail.webhooks must be given nothing, not times'],
  ])('rejects what fail.%s cannot do beside its fault', async (part, fault, options, says) => {
    const fail = openFaults().fail[part as 'd1']
    await expect(fail(fault as 'down', options as object)).rejects.toThrow(says)
  })

  it('finds the method of a lost reply in any place', async () => {
    const { fail, nodeFaults } = openFaults()
    await fail.rpc({ of: 'eth_call', loses: 'replies' })
    expect(nodeFaults).toHaveLength(1)
  })

  it('rejects a wrong span of the origin or the cron when the fault is set', async () => {
    const { fail } = openFaults()
    await expect(fail.origin({ slow: 'a second' })).rejects.toThrow(RangeError)
    await expect(fail.cron({ late: '3 hours' })).rejects.toThrow(RangeError)
  })

  it('ends a fault once, so that a later end restores nothing old', async () => {
    const { fail, calls } = openFaults()
    const end = await fail.chain({ relayer: 'empty' })
    await end()
    await end()
    await fail.mend()
    expect(calls.filter(([method]) => method === 'anvil_setBalance')).toEqual([
      ['anvil_setBalance', '0x1', '0x0'],
      ['anvil_setBalance', '0x1', '0x5'],
    ])
  })

  it('keeps a fault that has replaced another when the replaced one is ended', async () => {
    const { fail, orders } = openFaults()
    const end = await fail.d1('down')
    await fail.d1('loses writes')
    await end()
    expect(orders.at(-1)).toMatchObject({ fault: 'loses writes' })
    await fail.mend()
    expect(orders.at(-1)).toMatchObject({ fault: null })
  })

  it('ends the death of a node in a lab that is closed meanwhile, without an unhandled rejection', async () => {
    vi.useFakeTimers()
    const { fail, stage, nodeFaults } = openFaults()
    await fail.rpc({ deadFor: '2s' })
    const unhandled = vi.fn()
    process.once('unhandledRejection', unhandled)
    stage.remote = () => Promise.reject(new TypeError('fetch failed'))
    await vi.advanceTimersByTimeAsync(2_000)
    vi.useRealTimers()
    await new Promise((over) => setImmediate(over))
    process.off('unhandledRejection', unhandled)
    expect(nodeFaults).toEqual([])
    expect(unhandled).not.toHaveBeenCalled()
  })
})
