/** The limits of a payer who has not paid: signatures alone cause a bounded number of rows. */
import { env, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import {
  LEASE_MS,
  MAX_HELD,
  MAX_REFUSED,
  REFUSED_MS,
  WATCH_SECONDS,
} from '../../../src/ledger/exact/authorizations.ts'
import type { Use } from '../../../src/ledger/exact/types.ts'
import { aUse, memoryOf } from './harness.ts'

const TOO_MANY = { outcome: 'refused', reason: 'too_many_at_once' }

/** Authorizations of one payer. */
function payer() {
  const first = aUse()
  const { name, payer, token } = first
  const memory = memoryOf(first)
  const object = () => env.AUTHORIZATIONS.getByName(name)
  return {
    ...memory,
    object,
    next: (rest: Partial<Use> = {}) => aUse({ name, payer, token, ...rest }),
    /** Takes as the scheme does that may look an unknown payer up. */
    takeUnseen: async (use: Use) => object().take(use, use.amount, false),
    async refused(use: Use) {
      await memory.take(use)
      await memory.renew(use)
      await memory.release(use)
    },
    /** Stores `count` more rows like the only one. */
    copies: (count: number) =>
      runInDurableObject(object(), (_, { storage }) => {
        const columns = 'status, at, taker, amount, signature, request, receiver, valid_before, since, shown'
        storage.sql.exec(
          `INSERT INTO authorization (token, nonce, ${columns})
           SELECT token, nonce || value, ${columns} FROM authorization, json_each(?)`,
          JSON.stringify([...Array(count).keys()]),
        )
      }),
    exec: (statement: string, ...values: SqlStorageValue[]) =>
      runInDurableObject(object(), (_, { storage }) => storage.sql.exec(statement, ...values).toArray()),
  }
}

describe('Payer of exact', () => {
  it(`holds ${MAX_HELD} unpaid authorizations at most, and more as soon as one ends [E14, H3]`, async () => {
    const { take, settled, next, age, copies } = payer()
    const one = next()
    await take(one)
    await copies(MAX_HELD - 2)
    expect(await take(next())).toEqual({ outcome: 'taken' })
    expect(await take(next())).toEqual(TOO_MANY)
    await settled(one)
    expect(await take(next())).toEqual({ outcome: 'taken' })
    expect(await take(next())).toEqual(TOO_MANY)
    await age(LEASE_MS)
    expect(await take(next())).toEqual({ outcome: 'taken' })
  })

  it('leaves nothing behind for an authorization that only we have seen', async () => {
    const { take, release, next, status } = payer()
    for (let n = 0; n < 3; n++) {
      const use = next()
      await take(use)
      await release(use)
    }
    expect(await status()).toEqual([])
  })

  it('is looked up before anything is stored, once a payment was refused [H1]', async () => {
    const { take, takeUnseen, settled, refused, next, status, close } = payer()
    const paid = next()
    await take(paid)
    await settled(paid)
    expect(await takeUnseen(next())).toEqual({ outcome: 'taken' })
    const failed = next()
    await refused(failed)
    const before = await status()
    const customer = { outcome: 'unknown_payer', hasPaid: true }
    for (let n = 0; n < 3; n++) expect(await takeUnseen(next())).toEqual(customer)
    expect(await takeUnseen(failed)).toEqual(customer)
    expect(await status()).toEqual(before)
    await close(failed)
    expect(await takeUnseen(next())).toEqual({ outcome: 'taken' })
  })

  it('is a stranger until it has paid, whatever was refused [H1]', async () => {
    const { takeUnseen, refused, next } = payer()
    const stranger = { outcome: 'unknown_payer', hasPaid: false }
    expect(await takeUnseen(next())).toEqual(stranger)
    await refused(next())
    expect(await takeUnseen(next())).toEqual(stranger)
  })

  it(`has ${MAX_REFUSED} refused authorizations an hour at most [H1]`, async () => {
    const { take, refused, release, next, exec, copies } = payer()
    await refused(next())
    await copies(MAX_REFUSED - 2)
    const allowed = next()
    expect(await take(allowed)).toEqual({ outcome: 'taken' })
    await release(allowed)
    await refused(next())
    expect(await take(next())).toEqual(TOO_MANY)
    await exec('UPDATE authorization SET since = since - ?', REFUSED_MS)
    expect(await take(next())).toEqual({ outcome: 'taken' })
  })

  it('leaves nothing behind a week after a refused authorization lapsed', async () => {
    const { take, refused, next, exec } = payer()
    const [early, late] = [next(), next()]
    for (const use of [early, late]) await refused(use)
    const lapsed = Math.floor(Date.now() / 1000) - WATCH_SECONDS
    await exec('UPDATE authorization SET valid_before = ? WHERE nonce = ?', `${lapsed - 1}`, early.nonce)
    await exec('UPDATE authorization SET valid_before = ? WHERE nonce = ?', `${lapsed + 60}`, late.nonce)
    const last = next()
    await take(last)
    const left = (await exec('SELECT nonce FROM authorization')).map(({ nonce }) => nonce)
    expect(left.toSorted()).toEqual([late.nonce, last.nonce].toSorted())
  })

  it('with many payments is searched by the indexes of the open ones alone', async () => {
    const { take, next, object } = payer()
    const use = next()
    await take(use)
    const plans = await runInDurableObject(object(), async (held, { storage: { sql } }) => {
      const exec = sql.exec.bind(sql)
      const asked: [string, ...SqlStorageValue[]][] = []
      Object.defineProperty(sql, 'exec', {
        value: (...query: [string, ...SqlStorageValue[]]) => {
          asked.push(query)
          return exec(...query)
        },
      })
      await held.totals()
      await held.doubts(1)
      const searches = asked.filter(([query]) => /FROM authorization/.test(query))
      return searches.flatMap(([query, ...values]) =>
        exec(`EXPLAIN QUERY PLAN ${query}`, ...values).toArray(),
      )
    })
    const details = plans.map(({ detail }) => String(detail))
    expect(details).toContain('SEARCH authorization USING INDEX unpaid (status=?)')
    expect(details.filter((detail) => /^SCAN authorization$/.test(detail))).toEqual([])
  })
})
