/** Retries of calls to Durable Objects. */
import { describe, expect, it } from 'vitest'
import { retryOnce, retryPaced } from '../../src/platform/retry.ts'

/** A call that an overloaded object rejects `times` times. */
function overloaded(times: number) {
  const made = { calls: 0 }
  const call = async () => {
    made.calls++
    if (made.calls <= times)
      throw Object.assign(new Error('Durable Object is overloaded.'), { overloaded: true })
    return 'done'
  }
  return { call, made }
}

describe('A call that gives money back', () => {
  it('is repeated while the object is overloaded, so that no failed page stays charged (simulator, seed 102) [E3]', async () => {
    const { call, made } = overloaded(3)
    const pauses: number[] = []
    expect(await retryPaced(call, async (ms) => void pauses.push(ms))).toBe('done')
    expect(made.calls).toBe(4)
    expect(pauses).toEqual([50, 250, 1_000])
  })

  it('ends with the last rejection after four tries [E3]', async () => {
    const { call, made } = overloaded(9)
    await expect(retryPaced(call, async () => {})).rejects.toThrow('overloaded')
    expect(made.calls).toBe(4)
  })
})

describe('Any other call', () => {
  it('is not repeated while the object is overloaded [E3]', async () => {
    const { call, made } = overloaded(1)
    await expect(retryOnce(call)).rejects.toThrow('overloaded')
    expect(made.calls).toBe(1)
  })
})
