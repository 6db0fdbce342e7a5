import { env, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { listings } from '../../../src/ledger/book/accounts.ts'
import { LEASE_MS } from '../../../src/ledger/exact/authorizations.ts'
import { REPLAY_WINDOW_MS } from '../../../src/ledger/replay-window.ts'
import { randomHex } from '../../chain/harness.ts'
import {
  aUse,
  DOUBT,
  IN_PROGRESS,
  LATE_DOUBT,
  memoryOf,
  NO_DOUBT,
  secondsFromNow,
  TOO_LATE,
  TX,
} from './harness.ts'

describe('Authorizations.take', () => {
  it('gives an authorization to one of 50 concurrent requests [A1]', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    const taken = await Promise.all(Array.from({ length: 50 }, () => memory.takeAnew(use)))
    expect(taken.filter(({ outcome }) => outcome === 'taken')).toHaveLength(1)
    expect(taken.filter(({ outcome }) => outcome !== 'taken')).toEqual(Array(49).fill(IN_PROGRESS))
  })

  it('returns exact_bound for another resource in every state of the authorization [A2]', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    const other = { ...use, request: 'GET /b' }
    const bound = { outcome: 'refused', reason: 'exact_bound' }
    await memory.take(use)
    expect(await memory.take(other)).toEqual(bound)
    await memory.doubt(use)
    expect(await memory.take(other)).toEqual(bound)
    await memory.settled(use)
    expect(await memory.take(other)).toEqual(bound)
  })

  it('replays a settled authorization within the replay window, then returns exact_used [A3]', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    await memory.settled(use)
    await memory.restart()
    expect(await memory.take(use)).toEqual({ outcome: 'replayed', transaction: TX })
    await memory.age(REPLAY_WINDOW_MS)
    expect(await memory.take(use)).toEqual({ outcome: 'refused', reason: 'exact_used' })
  })

  it('gives a released authorization to any resource', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    await memory.release(use)
    expect(await memory.take({ ...use, request: 'GET /b' })).toEqual({ outcome: 'taken' })
    expect(await memory.take(use)).toEqual({ outcome: 'refused', reason: 'exact_bound' })
  })

  it('still replays a settled authorization after a late release or doubt', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    await memory.settled(use)
    await memory.release(use)
    await memory.doubt(use)
    expect(await memory.take(use)).toMatchObject({ outcome: 'replayed' })
  })

  it('returns doubtful after the lease of an aborted request, for one request at a time [E4]', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    await memory.age(LEASE_MS - 1000)
    expect(await memory.takeAnew(use)).toEqual(IN_PROGRESS)
    await memory.age(1000)
    const taken = await Promise.all([memory.takeAnew(use), memory.takeAnew(use)])
    expect(taken).toEqual([DOUBT, IN_PROGRESS])
  })

  it('returns exact_too_late and stores nothing when under six seconds are left [A9]', async () => {
    const use = aUse({ validBefore: secondsFromNow(5) })
    const memory = memoryOf(use)
    expect(await memory.take(use)).toEqual(TOO_LATE)
    expect((await listings(env.BOOK, '', 1000)).map(({ id }) => id)).not.toContain(use.name)
    await memory.take({ ...use, nonce: randomHex(32), validBefore: secondsFromNow(60) })
    expect(await memory.take(use)).toEqual(TOO_LATE)
    expect(await memory.status()).toEqual(['taken'])
  })

  it('keeps the state of an authorization that expired after it was taken, and rejects a new use [A9]', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    const lapsed = memory.lapse(use)
    await memory.take(use)
    expect(await memory.takeAnew(lapsed)).toEqual(IN_PROGRESS)
    await memory.age(LEASE_MS)
    expect(await memory.take(lapsed)).toEqual({ outcome: 'taken' })
    expect(await memory.takeAnew(lapsed)).toEqual(LATE_DOUBT)
    await memory.settled(use)
    expect(await memory.takeAnew(lapsed)).toEqual({ outcome: 'replayed', transaction: TX })

    const other = { ...aUse(), name: use.name }
    await memory.take(other)
    await memory.release(other)
    expect(await memory.takeAnew(memory.lapse(other))).toEqual(TOO_LATE)
  })

  it('returns exact_value and stores nothing for another price, unless taken before [B9]', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    const refused = { outcome: 'refused', reason: 'exact_value' }
    expect(await memory.take(use, 999n)).toEqual(refused)
    expect((await listings(env.BOOK, '', 1000)).map(({ id }) => id)).not.toContain(use.name)
    await memory.take(use, 1000n)
    await memory.age(LEASE_MS)
    expect(await memory.take({ ...use, id: 'again' }, 1001n)).toEqual(DOUBT)
    await memory.settled(use)
    expect(await memory.take(use, 1001n)).toEqual({ outcome: 'replayed', transaction: TX })
    expect(await memory.sums()).toEqual({ payments: 1, received: 1000n, ...NO_DOUBT })
    expect(await memory.take({ ...use, nonce: randomHex(32) }, 1001n)).toEqual(refused)
    expect(await memory.status()).toEqual(['settled'])
  })

  it('returns exact_bound for another amount with the same nonce [A2]', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    const cheaper = { ...use, id: randomHex(4), amount: 1n }
    const bound = { outcome: 'refused', reason: 'exact_bound' }
    await memory.take(use, 1000n)
    await memory.age(LEASE_MS)
    expect(await memory.take(cheaper, 1000n)).toEqual(bound)
    await memory.doubt(use)
    expect(await memory.take(cheaper, 1000n)).toEqual(bound)
    await memory.settled(use)
    expect(await memory.take(cheaper, 1000n)).toEqual(bound)
  })

  it('ignores the former holder once another request took over', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    expect(await memory.renew(use)).toBe(true)
    await memory.age(LEASE_MS)
    const next = { ...use, id: 'next' }
    expect(await memory.take(next)).toEqual(DOUBT)
    expect(await memory.renew(use)).toBe(false)
    await memory.release(use)
    await memory.doubt(use)
    expect(await memory.takeAnew({ ...use, request: 'GET /b' })).toMatchObject({ reason: 'exact_bound' })
    expect(await memory.renew(next)).toBe(true)
    await memory.release(next)
    expect(await memory.renew(next)).toBe(false)
    expect(await memory.takeAnew({ ...use, request: 'GET /b' })).toEqual({ outcome: 'taken' })
  })

  it('returns the same answer to the same request when its answer was lost [E3]', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    for (let times = 0; times < 3; times++) expect(await memory.take(use)).toEqual({ outcome: 'taken' })
    await memory.doubt(use)
    const next = { ...use, id: 'next' }
    for (let times = 0; times < 3; times++) expect(await memory.take(next)).toEqual(DOUBT)
    expect(await memory.takeAnew(use)).toEqual(IN_PROGRESS)
  })

  it('returns doubtful at once for an unresolved authorization', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    await memory.doubt(use)
    expect(await memory.totals()).toMatchObject({ inDoubt: 1 })
    expect(await memory.takeAnew(use)).toEqual(DOUBT)
  })

  it('keeps equal nonces of two tokens apart', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    expect(await memory.take({ ...use, token: randomHex(20) })).toEqual({ outcome: 'taken' })
  })
})

describe('Authorizations', () => {
  it('counts a payment once when settled is called twice', async () => {
    const [first, second] = [aUse(), aUse({ amount: 1n << 100n })]
    const memory = memoryOf(first)
    for (const use of [first, { ...second, name: first.name }]) {
      await memory.take(use)
      await Promise.all([memory.settled(use), memory.settled(use)])
    }
    await memory.restart()
    expect(await memory.sums()).toEqual({ payments: 2, received: 1000n + (1n << 100n), ...NO_DOUBT })
  })

  it('lists authorizations with an expired lease, the first to expire first [E4]', async () => {
    const [late, soon] = [aUse({ validBefore: 10n ** 10n }), aUse({ validBefore: 9_999_999_999n })]
    const memory = memoryOf(late)
    const uses = [late, { ...soon, name: late.name }, aUse({ name: late.name }), aUse({ name: late.name })]
    for (const use of uses) await memory.take(use)
    const [, , settled, released] = uses
    if (settled) await memory.settled(settled)
    if (released) await memory.release(released)
    await memory.age(LEASE_MS / 2)
    expect(await memory.doubts()).toEqual([])
    await memory.age(LEASE_MS / 2)
    expect((await memory.doubts()).map(({ nonce }) => nonce)).toEqual([soon.nonce, late.nonce])
    expect(await memory.doubts(1)).toMatchObject([
      {
        token: soon.token,
        receiver: soon.receiver,
        amount: 1000n,
        validBefore: 9_999_999_999n,
        taker: soon.id,
      },
    ])
    // The chain is searched from the time of the first take; another attempt must not change it.
    const [{ since } = { since: 0 }] = await memory.doubts(1)
    expect(await memory.takeAnew({ ...soon, name: late.name })).toEqual(DOUBT)
    await memory.age(LEASE_MS)
    expect((await memory.doubts(1))[0]?.since).toBe(since)
  })

  it('replays a paid and undelivered authorization until it is delivered, and counts it once [E5]', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    for (let times = 0; times < 2; times++) await memory.found(use)
    expect(await memory.sums()).toEqual({ ...NO_DOUBT, payments: 1, received: 1000n, undelivered: 1 })
    expect(await memory.status()).toEqual(['undelivered'])
    expect(await memory.takeAnew({ ...use, request: 'GET /b' })).toMatchObject({ reason: 'exact_bound' })
    for (let times = 0; times < 2; times++) {
      await memory.age(REPLAY_WINDOW_MS)
      expect(await memory.takeAnew(use)).toEqual({ outcome: 'replayed', transaction: TX })
    }
    await memory.settled(use)
    expect(await memory.sums()).toEqual({ payments: 1, received: 1000n, ...NO_DOUBT })
    await memory.age(REPLAY_WINDOW_MS)
    expect(await memory.takeAnew(use)).toMatchObject({ reason: 'exact_used' })
  })

  it('counts a slow delivery as delivered before or after the nightly run found it [E5]', async () => {
    const [use, other] = [aUse(), aUse()]
    const memory = memoryOf(use)
    for (const each of [use, { ...other, name: use.name }]) await memory.take(each)
    await memory.found(use)
    await memory.settled(use)
    await memory.settled(other)
    await memory.found(other)
    expect(await memory.sums()).toEqual({ payments: 2, received: 2000n, ...NO_DOUBT })
  })

  it('stores site, rule, policy version and asker of a payment, and null for one of an older Worker', async () => {
    const sold = { site: 'gazette', rule: 'RULES[1]', policy: 3, who: 'GPTBot' }
    const use = aUse(sold)
    const memory = memoryOf(use)
    const old = aUse({ name: use.name, nonce: `0x${'00'.repeat(32)}`, token: use.token })
    await memory.take(old)
    await memory.take(use)
    const uses = await env.AUTHORIZATIONS.getByName(use.name).uses('', 10)
    const nothing = { site: null, rule: null, policy: null, who: null }
    expect(uses).toMatchObject([
      { id: `${use.token}:${old.nonce}`, ...nothing },
      { id: `${use.token}:${use.nonce}`, ...sold },
    ])
  })

  it('opens storage of version 1 and keeps its unresolved authorizations [E8]', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    await runInDurableObject(env.AUTHORIZATIONS.getByName(use.name), (_, { storage }) => {
      storage.sql.exec('DROP INDEX undelivered')
      for (const column of [
        'receiver',
        'valid_before',
        'since',
        'undelivered',
        'shown',
        'site',
        'policy',
        'who',
      ])
        storage.sql.exec(`ALTER TABLE authorization DROP COLUMN ${column}`)
    })
    await memory.restart()
    await memory.age(LEASE_MS)
    expect(await memory.doubts()).toEqual([])
    expect(await memory.totals()).toMatchObject({ inDoubt: 1, undelivered: 0 })
    expect(await memory.takeAnew(use)).toEqual(DOUBT)
    await memory.age(LEASE_MS)
    expect(await memory.doubts()).toMatchObject([{ nonce: use.nonce, validBefore: use.validBefore }])
  })

  it('lists the payer in the read model when it takes an authorization', async () => {
    const use = aUse()
    await memoryOf(use).take(use)
    await env.AUTHORIZATIONS.getByName(use.name).list()
    expect(await listings(env.BOOK, '', 1000)).toContainEqual(
      expect.objectContaining({ id: use.name, kind: 'exact', payer: use.payer, receiver: use.receiver }),
    )
  })

  it('stores nothing for a payer who never paid [H1]', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    expect(await memory.sums()).toEqual({ payments: 0, received: 0n, ...NO_DOUBT })
    const tables = await runInDurableObject(env.AUTHORIZATIONS.getByName(use.name), (_, { storage }) =>
      storage.sql.exec('SELECT name FROM sqlite_master').toArray(),
    )
    expect(tables).toEqual([])
  })

  it('returns the outcome to a repeated call after an abort at a write [E1]', async () => {
    for (const when of ['before', 'after'] as const) {
      const use = aUse()
      const memory = memoryOf(use)
      await memory.take(aUse({ name: use.name }))
      for (const call of [memory.take, memory.settled]) {
        await runInDurableObject(env.AUTHORIZATIONS.getByName(use.name), (_, state) => {
          const { storage } = state
          const write = storage.transactionSync.bind(storage)
          storage.transactionSync = (work) => {
            if (when === 'before') state.abort('aborted')
            const value = write(work)
            state.abort('aborted')
            return value
          }
        })
        await expect(call(use)).rejects.toThrow('aborted')
        await call(use)
      }
      expect(await memory.take(use)).toEqual({ outcome: 'replayed', transaction: TX })
      expect(await memory.totals()).toMatchObject({ payments: 1, received: 1000n })
    }
  })
})
