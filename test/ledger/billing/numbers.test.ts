import { env, evictDurableObject } from 'cloudflare:test'
import { expect, it } from 'vitest'

const numbers = (name: string) => env.NUMBERS.getByName(name)

it('Numbers.issue returns numbers without gaps for 50 concurrent calls', async () => {
  const issued = await Promise.all(
    Array.from({ length: 50 }, (_, i) => numbers('many').issue('INV', `key ${i}`)),
  )
  expect(issued.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
})

it('Numbers.issue returns the same number for the same key and counts each series by itself', async () => {
  const first = await numbers('own').issue('INV', 'a')
  await numbers('own').issue('INV', 'b')
  await evictDurableObject(numbers('own'))
  expect(await numbers('own').issue('INV', 'a')).toBe(first)
  expect(await numbers('own').issue('CN', 'a')).toBe(1)
  expect(await numbers('own').issue('INV', 'c')).toBe(3)
})
