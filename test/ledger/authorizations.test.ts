import { env, evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { LEASE, type Use } from '../../src/ledger/authorizations.ts'
import { listings } from '../../src/ledger/book.ts'
import { REPLAY_WINDOW } from '../../src/ledger/replays.ts'
import { randomHex } from '../chain/rig.ts'

const TX = `0x${'cd'.repeat(32)}` as const

function aUse(rest: Partial<Use> = {}): Use {
  const [payer, receiver, token] = [randomHex(20), randomHex(20), randomHex(20)]
  const parties = { name: `eip155:84532:${payer}`, payer, receiver, token }
  const proof = { nonce: randomHex(32), amount: 1000n, signature: randomHex(65) }
  return { id: randomHex(4), ...parties, ...proof, request: 'GET /a', ...rest }
}

function memoryOf({ name }: Use) {
  const memory = () => env.AUTHORIZATIONS.getByName(name)
  return {
    take: async (use: Use) => memory().take(use),
    /** By another request than any before. */
    takeAnew: async (use: Use) => memory().take({ ...use, id: randomHex(4) }),
    settled: async ({ token, nonce }: Use) => memory().settled(token, nonce, TX),
    release: async ({ token, nonce, id }: Use) => memory().release(token, nonce, id),
    doubt: async ({ token, nonce, id }: Use) => memory().doubt(token, nonce, id),
    renew: async ({ token, nonce, id }: Use) => memory().renew(token, nonce, id),
    totals: async () => memory().totals(),
    restart: () => evictDurableObject(memory()),
    age: (ms: number) =>
      runInDurableObject(memory(), (_, { storage }) => {
        storage.sql.exec('UPDATE authorization SET at = at - ?', ms)
      }),
  }
}

const IN_PROGRESS = { outcome: 'refused', reason: 'exact_in_progress' }

describe('an authorization', () => {
  it('A1: taken fifty times at once is taken once', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    const taken = await Promise.all(Array.from({ length: 50 }, () => memory.takeAnew(use)))
    expect(taken.filter(({ outcome }) => outcome === 'taken')).toHaveLength(1)
    expect(taken.filter(({ outcome }) => outcome !== 'taken')).toEqual(Array(49).fill(IN_PROGRESS))
  })

  it('A2: that was taken for one resource opens no other, whatever became of it', async () => {
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

  it('A3: that was settled opens its resource again for a while, then nothing', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    await memory.settled(use)
    await memory.restart()
    expect(await memory.take(use)).toEqual({ outcome: 'replayed', transaction: TX })
    await memory.age(REPLAY_WINDOW)
    expect(await memory.take(use)).toEqual({ outcome: 'refused', reason: 'exact_used' })
  })

  it('that was released may be used for anything', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    await memory.release(use)
    expect(await memory.take({ ...use, request: 'GET /b' })).toEqual({ outcome: 'taken' })
    expect(await memory.take(use)).toEqual({ outcome: 'refused', reason: 'exact_bound' })
  })

  it('that was settled is never released and never in doubt', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    await memory.settled(use)
    await memory.release(use)
    await memory.doubt(use)
    expect(await memory.take(use)).toMatchObject({ outcome: 'replayed' })
  })

  it('E4: whose request died is in doubt after its lease, for one request at a time', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    await memory.age(LEASE - 1000)
    expect(await memory.takeAnew(use)).toEqual(IN_PROGRESS)
    await memory.age(1000)
    const taken = await Promise.all([memory.takeAnew(use), memory.takeAnew(use)])
    expect(taken).toEqual([{ outcome: 'doubtful' }, IN_PROGRESS])
  })

  it('that was taken over is no longer to be settled, released or doubted by the one before', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    expect(await memory.renew(use)).toBe(true)
    await memory.age(LEASE)
    const next = { ...use, id: 'next' }
    expect(await memory.take(next)).toEqual({ outcome: 'doubtful' })
    expect(await memory.renew(use)).toBe(false)
    await memory.release(use)
    await memory.doubt(use)
    expect(await memory.takeAnew({ ...use, request: 'GET /b' })).toMatchObject({ reason: 'exact_bound' })
    expect(await memory.renew(next)).toBe(true)
    await memory.release(next)
    expect(await memory.renew(next)).toBe(false)
    expect(await memory.takeAnew({ ...use, request: 'GET /b' })).toEqual({ outcome: 'taken' })
  })

  it('E3: is taken by the same request again, whose answer was lost, and stays in doubt for it', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    for (let times = 0; times < 3; times++) expect(await memory.take(use)).toEqual({ outcome: 'taken' })
    await memory.doubt(use)
    const next = { ...use, id: 'next' }
    for (let times = 0; times < 3; times++) expect(await memory.take(next)).toEqual({ outcome: 'doubtful' })
    expect(await memory.takeAnew(use)).toEqual(IN_PROGRESS)
  })

  it('in doubt is asked about at once', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    await memory.doubt(use)
    expect(await memory.totals()).toMatchObject({ inDoubt: 1 })
    expect(await memory.takeAnew(use)).toEqual({ outcome: 'doubtful' })
  })

  it('of one token is not that of another, with the same nonce', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    expect(await memory.take({ ...use, token: randomHex(20) })).toEqual({ outcome: 'taken' })
  })
})

describe('the memory of authorizations', () => {
  it('adds a payment once, however often it is told that it is settled', async () => {
    const [first, second] = [aUse(), aUse({ amount: 1n << 100n })]
    const memory = memoryOf(first)
    for (const use of [first, { ...second, name: first.name }]) {
      await memory.take(use)
      await Promise.all([memory.settled(use), memory.settled(use)])
    }
    await memory.restart()
    expect(await memory.totals()).toEqual({ payments: 2, received: 1000n + (1n << 100n), inDoubt: 0 })
  })

  it('is listed in the book before it takes anything', async () => {
    const use = aUse()
    await memoryOf(use).take(use)
    expect(await listings(env.BOOK, '', 1000)).toContainEqual(
      expect.objectContaining({ id: use.name, kind: 'exact', payer: use.payer, receiver: use.receiver }),
    )
  })

  it('H1: holds nothing for a payer who never paid', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    expect(await memory.totals()).toEqual({ payments: 0, received: 0n, inDoubt: 0 })
    const tables = await runInDurableObject(env.AUTHORIZATIONS.getByName(use.name), (_, { storage }) =>
      storage.sql.exec('SELECT name FROM sqlite_master').toArray(),
    )
    expect(tables).toEqual([])
  })

  it('E1: dies at a write, and the same call again finds out', async () => {
    for (const when of ['before', 'after'] as const) {
      const use = aUse()
      const memory = memoryOf(use)
      await memory.take(aUse({ name: use.name }))
      for (const call of [memory.take, memory.settled]) {
        await runInDurableObject(env.AUTHORIZATIONS.getByName(use.name), (_, state) => {
          const { storage } = state
          const write = storage.transactionSync.bind(storage)
          storage.transactionSync = (work) => {
            if (when === 'before') state.abort('dies')
            const value = write(work)
            state.abort('dies')
            return value
          }
        })
        await expect(call(use)).rejects.toThrow('dies')
        await call(use)
      }
      expect(await memory.take(use)).toEqual({ outcome: 'replayed', transaction: TX })
      expect(await memory.totals()).toMatchObject({ payments: 1, received: 1000n })
    }
  })
})
