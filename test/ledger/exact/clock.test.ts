/** Authorizations while the clock goes back, as it may when an object moves to another machine. */
import { expect, it } from 'vitest'
import { aUse, IN_PROGRESS, memoryOf, TX } from './harness.ts'

it('holds an authorization for one request and settles it once when the clock goes back [E13]', async () => {
  const use = aUse()
  const memory = memoryOf(use)
  await memory.take(use)
  // A minute back from now, what was stored is a minute ahead.
  await memory.age(-60_000)
  expect(await memory.takeAnew(use)).toEqual(IN_PROGRESS)
  expect(await memory.renew(use)).toBe(true)
  await memory.settled(use)
  await memory.age(-60_000)
  expect(await memory.takeAnew(use)).toEqual({ outcome: 'replayed', transaction: TX })
  await memory.settled(use)
  expect(await memory.totals()).toMatchObject({ payments: 1, received: use.amount })
})
