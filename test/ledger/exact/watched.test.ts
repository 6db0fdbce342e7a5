/** Authorizations that were refused after somebody had seen their signature: their money may arrive later. */
import { env, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { aUse, LATE_DOUBT, memoryOf, NO_DOUBT, TOO_LATE, TX } from './harness.ts'

describe('Refused authorization', () => {
  it('is watched only if its signature was shown [I9]', async () => {
    const [hidden, verified, sent] = [aUse(), aUse({ isShown: true }), aUse()]
    const memory = memoryOf(hidden)
    for (const use of [hidden, verified, sent].map((use) => ({ ...use, name: hidden.name }))) {
      await memory.take(use)
      if (use.nonce === sent.nonce) await memory.renew(use)
      await memory.release(use)
    }
    const nonces = (await memory.doubts()).map(({ nonce }) => nonce)
    expect(nonces.toSorted()).toEqual([verified.nonce, sent.nonce].toSorted())
    expect(await memory.totals()).toMatchObject({ inDoubt: 0, watched: 2 })
    expect(await memory.status()).toEqual(['watched', 'watched'])
  })

  it('stays watched after later requests, from the time of the first [I9]', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    await memory.renew(use)
    await memory.release(use)
    const [{ since } = { since: 0 }] = await memory.doubts()
    const next = { ...use, id: 'next', request: 'GET /b' }
    expect(await memory.take(next)).toEqual({ outcome: 'taken' })
    await memory.release(next)
    expect(await memory.doubts()).toMatchObject([{ taker: 'next', since }])
  })

  it('is not watched any more once the chain shows the end, unless another request holds it by then', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    await memory.renew(use)
    await memory.release(use)
    await memory.take({ ...use, id: 'next' })
    await memory.close(use)
    expect(await memory.status()).toEqual(['taken'])
    await memory.close({ ...use, id: 'next' })
    expect([await memory.status(), await memory.doubts()]).toEqual([[], []])
  })

  it('counts when its money arrives later, and opens its request [A7]', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    await memory.renew(use)
    await memory.release(use)
    await memory.found(use)
    expect(await memory.sums()).toEqual({ ...NO_DOUBT, payments: 1, received: 1000n, undelivered: 1 })
    expect(await memory.takeAnew(use)).toEqual({ outcome: 'replayed', transaction: TX })
  })

  it('returns doubtful after its lapse, for its own request only [I9]', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    await memory.renew(use)
    await memory.release(use)
    const lapsed = memory.lapse(use)
    expect(await memory.take({ ...lapsed, id: 'b', request: 'GET /b' })).toEqual(TOO_LATE)
    expect(await memory.takeAnew(lapsed)).toEqual(LATE_DOUBT)
  })

  it('is watched when a version without the watch has stored it [E8]', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    for (const each of [use, aUse({ name: use.name }), aUse({ name: use.name })]) {
      await memory.take(each)
      if (each === use) {
        await memory.renew(each)
        await memory.release(each)
      } else await memory.settled(each)
    }
    await runInDurableObject(env.AUTHORIZATIONS.getByName(use.name), (_, { storage }) => {
      storage.sql.exec('ALTER TABLE authorization DROP COLUMN shown')
    })
    await memory.restart()
    expect(await memory.totals()).toMatchObject({ payments: 2, inDoubt: 0, watched: 1 })
    expect(await memory.doubts()).toMatchObject([{ nonce: use.nonce }])
  })
})
