import { env, evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { listings } from '../../../src/ledger/book/accounts.ts'
import { LEASE_MS, type Use } from '../../../src/ledger/exact/authorizations.ts'
import { REPLAY_WINDOW_MS } from '../../../src/ledger/replay-window.ts'
import { randomHex } from '../../chain/harness.ts'

const TX = `0x${'cd'.repeat(32)}` as const

const secondsFromNow = (seconds: number) => BigInt(Math.floor(Date.now() / 1000) + seconds)

function aUse(rest: Partial<Use> = {}): Use {
  const [payer, receiver, token] = [randomHex(20), randomHex(20), randomHex(20)]
  const parties = { name: `eip155:84532:${payer}`, payer, receiver, token }
  const proof = {
    nonce: randomHex(32),
    amount: 1000n,
    validBefore: secondsFromNow(60),
    signature: randomHex(65),
  }
  return { id: randomHex(4), ...parties, ...proof, request: 'GET /a', ...rest }
}

function memoryOf({ name }: Use) {
  const memory = () => env.AUTHORIZATIONS.getByName(name)
  return {
    take: async (use: Use, price?: bigint) => memory().take(use, price),
    /** By another request than any before. */
    takeAnew: async (use: Use) => memory().take({ ...use, id: randomHex(4) }),
    settled: async ({ token, nonce }: Use) => memory().settled(token, nonce, TX),
    release: async ({ token, nonce, id }: Use) => memory().release(token, nonce, id),
    doubt: async ({ token, nonce, id }: Use) => memory().doubt(token, nonce, id),
    renew: async ({ token, nonce, id }: Use) => memory().renew(token, nonce, id),
    found: async ({ token, nonce }: Use) => memory().found(token, nonce, TX),
    doubts: async (limit = 10) => memory().doubts(limit),
    status: async () => (await memory().uses('', 10)).map(({ status }) => status),
    totals: async () => memory().totals(),
    restart: () => evictDurableObject(memory()),
    /** Its time is over. */
    lapse: ({ name: _, ...use }: Use) => ({ ...use, name, validBefore: secondsFromNow(0) }),
    age: (ms: number) =>
      runInDurableObject(memory(), (_, { storage }) => {
        storage.sql.exec('UPDATE authorization SET at = at - ?', ms)
      }),
  }
}

const NO_DOUBT = { inDoubt: 0, undelivered: 0 }
const TOO_LATE = { outcome: 'refused', reason: 'exact_too_late' }
const IN_PROGRESS = { outcome: 'refused', reason: 'exact_in_progress' }

describe('an authorization', () => {
  it('taken fifty times at once is taken once [A1]', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    const taken = await Promise.all(Array.from({ length: 50 }, () => memory.takeAnew(use)))
    expect(taken.filter(({ outcome }) => outcome === 'taken')).toHaveLength(1)
    expect(taken.filter(({ outcome }) => outcome !== 'taken')).toEqual(Array(49).fill(IN_PROGRESS))
  })

  it('that was taken for one resource opens no other, whatever became of it [A2]', async () => {
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

  it('that was settled opens its resource again for a while, then nothing [A3]', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    await memory.settled(use)
    await memory.restart()
    expect(await memory.take(use)).toEqual({ outcome: 'replayed', transaction: TX })
    await memory.age(REPLAY_WINDOW_MS)
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

  it('whose request died is in doubt after its lease, for one request at a time [E4]', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    await memory.age(LEASE_MS - 1000)
    expect(await memory.takeAnew(use)).toEqual(IN_PROGRESS)
    await memory.age(1000)
    const taken = await Promise.all([memory.takeAnew(use), memory.takeAnew(use)])
    expect(taken).toEqual([{ outcome: 'doubtful' }, IN_PROGRESS])
  })

  it('that ends in less than six seconds is not taken, and leaves no trace [A9]', async () => {
    const use = aUse({ validBefore: secondsFromNow(5) })
    const memory = memoryOf(use)
    expect(await memory.take(use)).toEqual(TOO_LATE)
    expect((await listings(env.BOOK, '', 1000)).map(({ id }) => id)).not.toContain(use.name)
    await memory.take({ ...use, nonce: randomHex(32), validBefore: secondsFromNow(60) })
    expect(await memory.take(use)).toEqual(TOO_LATE)
    expect(await memory.status()).toEqual(['taken'])
  })

  it('that lapsed after it was taken is in progress, in doubt or paid for as before, and not taken anew [A9]', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    const lapsed = memory.lapse(use)
    await memory.take(use)
    expect(await memory.takeAnew(lapsed)).toEqual(IN_PROGRESS)
    await memory.age(LEASE_MS)
    expect(await memory.take(lapsed)).toEqual({ outcome: 'taken' })
    expect(await memory.takeAnew(lapsed)).toEqual({ outcome: 'doubtful' })
    await memory.settled(use)
    expect(await memory.takeAnew(lapsed)).toEqual({ outcome: 'replayed', transaction: TX })

    const other = { ...aUse(), name: use.name }
    await memory.take(other)
    await memory.release(other)
    expect(await memory.takeAnew(memory.lapse(other))).toEqual(TOO_LATE)
  })

  it('that is not over the price of today opens only what it was taken for, and leaves no trace [B9]', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    const refused = { outcome: 'refused', reason: 'exact_value' }
    expect(await memory.take(use, 999n)).toEqual(refused)
    expect((await listings(env.BOOK, '', 1000)).map(({ id }) => id)).not.toContain(use.name)
    await memory.take(use, 1000n)
    await memory.age(LEASE_MS)
    expect(await memory.take({ ...use, id: 'again' }, 1001n)).toEqual({ outcome: 'doubtful' })
    await memory.settled(use)
    expect(await memory.take(use, 1001n)).toEqual({ outcome: 'replayed', transaction: TX })
    expect(await memory.totals()).toEqual({ payments: 1, received: 1000n, ...NO_DOUBT })
    expect(await memory.take({ ...use, nonce: randomHex(32) }, 1001n)).toEqual(refused)
    expect(await memory.status()).toEqual(['settled'])
  })

  it('over another amount with the same nonce opens nothing of what was taken, doubtful or paid [A2]', async () => {
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

  it('that was taken over is no longer to be settled, released or doubted by the one before', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    expect(await memory.renew(use)).toBe(true)
    await memory.age(LEASE_MS)
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

  it('is taken by the same request again, whose answer was lost, and stays in doubt for it [E3]', async () => {
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
    expect(await memory.totals()).toEqual({ payments: 2, received: 1000n + (1n << 100n), ...NO_DOUBT })
  })

  it('names as in doubt what nobody is at work on any more, those that lapse first before others [E4]', async () => {
    const [late, soon] = [aUse({ validBefore: 10n ** 10n }), aUse({ validBefore: 9_999_999_999n })]
    const memory = memoryOf(late)
    const uses = [late, { ...soon, name: late.name }, aUse({ name: late.name }), aUse({ name: late.name })]
    for (const use of uses) await memory.take(use)
    const [, , settled, released] = uses
    if (settled) await memory.settled(settled)
    if (released) await memory.release(released)
    await memory.age(LEASE_MS - 1000)
    expect(await memory.doubts()).toEqual([])
    await memory.age(1000)
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
    // By when it was first taken the chain is searched: another try does not make it younger.
    const [{ since } = { since: 0 }] = await memory.doubts(1)
    expect(await memory.takeAnew({ ...soon, name: late.name })).toEqual({ outcome: 'doubtful' })
    await memory.age(LEASE_MS)
    expect((await memory.doubts(1))[0]?.since).toBe(since)
  })

  it('holds what was paid and not given until it is given, and counts it once [E5]', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    for (let times = 0; times < 2; times++) await memory.found(use)
    expect(await memory.totals()).toEqual({ payments: 1, received: 1000n, inDoubt: 0, undelivered: 1 })
    expect(await memory.status()).toEqual(['undelivered'])
    expect(await memory.takeAnew({ ...use, request: 'GET /b' })).toMatchObject({ reason: 'exact_bound' })
    for (let times = 0; times < 2; times++) {
      await memory.age(REPLAY_WINDOW_MS)
      expect(await memory.takeAnew(use)).toEqual({ outcome: 'replayed', transaction: TX })
    }
    await memory.settled(use)
    expect(await memory.totals()).toEqual({ payments: 1, received: 1000n, ...NO_DOUBT })
    await memory.age(REPLAY_WINDOW_MS)
    expect(await memory.takeAnew(use)).toMatchObject({ reason: 'exact_used' })
  })

  it('takes what a slow request delivers in the end as delivered, whoever looked first [E5]', async () => {
    const [use, other] = [aUse(), aUse()]
    const memory = memoryOf(use)
    for (const each of [use, { ...other, name: use.name }]) await memory.take(each)
    await memory.found(use)
    await memory.settled(use)
    await memory.settled(other)
    await memory.found(other)
    expect(await memory.totals()).toEqual({ payments: 2, received: 2000n, ...NO_DOUBT })
  })

  it('of the first version goes on, and what it had in doubt stays so [E8]', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    await memory.take(use)
    await runInDurableObject(env.AUTHORIZATIONS.getByName(use.name), (_, { storage }) => {
      for (const column of ['receiver', 'valid_before', 'since', 'undelivered'])
        storage.sql.exec(`ALTER TABLE authorization DROP COLUMN ${column}`)
    })
    await memory.restart()
    await memory.age(LEASE_MS)
    expect(await memory.doubts()).toEqual([])
    expect(await memory.totals()).toMatchObject({ inDoubt: 1, undelivered: 0 })
    expect(await memory.takeAnew(use)).toEqual({ outcome: 'doubtful' })
    await memory.age(LEASE_MS)
    expect(await memory.doubts()).toMatchObject([{ nonce: use.nonce, validBefore: use.validBefore }])
  })

  it('is listed in the book before it takes anything', async () => {
    const use = aUse()
    await memoryOf(use).take(use)
    expect(await listings(env.BOOK, '', 1000)).toContainEqual(
      expect.objectContaining({ id: use.name, kind: 'exact', payer: use.payer, receiver: use.receiver }),
    )
  })

  it('holds nothing for a payer who never paid [H1]', async () => {
    const use = aUse()
    const memory = memoryOf(use)
    expect(await memory.totals()).toEqual({ payments: 0, received: 0n, ...NO_DOUBT })
    const tables = await runInDurableObject(env.AUTHORIZATIONS.getByName(use.name), (_, { storage }) =>
      storage.sql.exec('SELECT name FROM sqlite_master').toArray(),
    )
    expect(tables).toEqual([])
  })

  it('dies at a write, and the same call again finds out [E1]', async () => {
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
