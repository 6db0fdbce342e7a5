import { describe, expect, it, vi } from 'vitest'
import {
  FAILED_MS,
  MAX_ASKED,
  MAX_PAGES,
  OriginMemory,
  STATED_MS,
} from '../../../src/paywall/terms/origin-memory.ts'

const facts = (price: bigint | null) => ({ price, published: null })

function memory() {
  const clock = { now: 1_000_000 }
  return { clock, memory: new OriginMemory(() => clock.now) }
}

describe('OriginMemory', () => {
  it('asks once while the answer is known', async () => {
    const { clock, memory: known } = memory()
    const ask = vi.fn(async () => facts(5n))
    expect([await known.of('a', ask), await known.of('a', ask)]).toEqual([facts(5n), facts(5n)])
    clock.now += STATED_MS - 1
    await known.of('a', ask)
    expect(ask).toHaveBeenCalledTimes(1)
    clock.now += 1
    await known.of('a', ask)
    expect(ask).toHaveBeenCalledTimes(2)
  })

  it('lets requests for one page share one question', async () => {
    const { memory: known } = memory()
    const ask = vi.fn(async () => {
      await new Promise((over) => setTimeout(over, 20))
      return facts(5n)
    })
    const answers = await Promise.all([known.of('a', ask), known.of('a', ask), known.of('a', ask)])
    expect([ask.mock.calls.length, answers]).toEqual([1, [facts(5n), facts(5n), facts(5n)]])
  })

  it('takes a failure for silence, and asks again soon', async () => {
    vi.spyOn(console, 'warn').mockReturnValue()
    const { clock, memory: known } = memory()
    const ask = vi.fn(async () => Promise.reject(new Error('down')))
    expect(await known.of('a', ask)).toEqual(facts(null))
    clock.now += FAILED_MS - 1
    await known.of('a', ask)
    expect(ask).toHaveBeenCalledTimes(1)
    clock.now += 1
    await known.of('a', ask)
    expect(ask).toHaveBeenCalledTimes(2)
  })

  it('asks at most so many questions at once, and takes the rest for silence', async () => {
    const { clock, memory: known } = memory()
    const never = () => new Promise<never>(() => undefined)
    for (let page = 0; page < MAX_ASKED; page++) void known.of(`p${page}`, never)
    const ask = vi.fn(async () => facts(5n))
    expect(await known.of('one more', ask)).toEqual(facts(null))
    expect(ask).not.toHaveBeenCalled()
    clock.now += 60_000
    expect(await known.of('one more', ask)).toEqual(facts(5n))
  })

  it('keeps so many pages and drops the first', async () => {
    const { memory: known } = memory()
    for (let page = 0; page <= MAX_PAGES; page++) known.learn(`p${page}`, facts(1n))
    expect([known.known('p0'), known.known('p1'), known.known(`p${MAX_PAGES}`)]).toEqual([
      undefined,
      facts(1n),
      facts(1n),
    ])
  })

  it('returns the word that another has replaced, for as long as its offers are valid', () => {
    const { clock, memory: known } = memory()
    known.learn('a', facts(5n))
    known.learn('a', facts(5n))
    expect(known.before('a', 300_000)).toBeUndefined()
    known.learn('a', facts(7n))
    clock.now += 299_999
    expect(known.before('a', 300_000)).toEqual(facts(5n))
    clock.now += 1
    expect(known.before('a', 300_000)).toBeUndefined()
  })
})
