import { describe, expect, it } from 'vitest'
import { lastingStub } from '../../src/platform/lasting-stub.ts'

describe('lastingStub', () => {
  it('makes a stub for each call, and passes on the arguments and the result', async () => {
    let made = 0
    const stub = lastingStub(() => {
      const own = ++made
      return { add: async (n: number) => own * 10 + n }
    })
    expect(made).toBe(0)
    expect([await stub.add(1), await stub.add(2)]).toEqual([11, 22])
  })

  it('is not taken for a promise', async () => {
    const stub = lastingStub(() => ({ read: async () => 'value' }))
    expect(await (await Promise.resolve(stub)).read()).toBe('value')
  })
})
