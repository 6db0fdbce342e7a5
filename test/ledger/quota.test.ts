import { env } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'

afterEach(() => {
  vi.restoreAllMocks()
})

const counterOf = (crawler: string) => env.QUOTA.getByName(crawler)
const pageOf = (page: string, rule = 'RULES[0]', pages = 2) => ({ rule, page, pages })

describe('Quota.take', () => {
  it('counts each page once a day, up to the pages of the rule', async () => {
    const counter = counterOf('counts')
    const taken = []
    for (const page of ['/a', '/a', '/b', '/c', '/a']) taken.push(await counter.take(pageOf(page)))
    expect(taken).toEqual(['new', 'again', 'new', 'none', 'again'])
  })

  it('counts for each rule apart', async () => {
    const counter = counterOf('rules')
    expect(await counter.take(pageOf('/a', 'RULES[0]', 1))).toBe('new')
    expect(await counter.take(pageOf('/a', 'RULES[1]', 1))).toBe('new')
    expect(await counter.take(pageOf('/b', 'RULES[0]', 1))).toBe('none')
  })

  it('lets no more pass when many ask at once', async () => {
    const counter = counterOf('many')
    const taken = await Promise.all(Array.from({ length: 20 }, (_, at) => counter.take(pageOf(`/${at}`))))
    expect(taken.filter((each) => each === 'new')).toHaveLength(2)
  })

  it('begins anew with the next day of UTC', async () => {
    const counter = counterOf('days')
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 10, 27, 23, 59, 59) })
    expect([await counter.take(pageOf('/a', 'r', 1)), await counter.take(pageOf('/b', 'r', 1))]).toEqual([
      'new',
      'none',
    ])
    vi.setSystemTime(Date.UTC(2026, 10, 28))
    expect(await counter.take(pageOf('/b', 'r', 1))).toBe('new')
    vi.useRealTimers()
  })
})

describe('Quota.giveBack', () => {
  it('lets another page take the place of one that was not delivered', async () => {
    const counter = counterOf('returns')
    await counter.take(pageOf('/a', 'r', 1))
    await counter.giveBack({ rule: 'r', page: '/a' })
    expect(await counter.take(pageOf('/b', 'r', 1))).toBe('new')
  })
})
