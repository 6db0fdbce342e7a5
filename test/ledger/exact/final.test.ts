/** Settled payments until their block is final, and those that a reorganization undoes. */
import { env, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { Use } from '../../../src/ledger/exact/types.ts'
import { REPLAY_WINDOW_MS } from '../../../src/ledger/replay-window.ts'
import { aUse, DOUBT, memoryOf, TX } from './harness.ts'

const SITE = { site: 'site.test', rule: 'PRICE' }

/** A payer who has paid for `count` pages, each of them delivered. */
async function newPayments(count: number, rest: Partial<Use> = {}) {
  const first = aUse({ ...SITE, ...rest })
  const memory = memoryOf(first)
  const uses = Array.from({ length: count }, (_, at) =>
    at === 0 ? first : aUse({ ...SITE, name: first.name, payer: first.payer, token: first.token }),
  )
  for (const use of uses) {
    await memory.take(use)
    await memory.settled(use)
  }
  return { memory, uses, nonces: uses.map(({ nonce }) => nonce) }
}

/** What D1 has of a payer, in micro-dollars. */
async function figuresOf({ name }: Use) {
  await env.AUTHORIZATIONS.getByName(name).report()
  const cursor = await env.BOOK.prepare('SELECT position, charged FROM figure_cursor WHERE account = ?')
    .bind(name)
    .first<{ position: number; charged: number }>()
  return cursor ?? { position: 0, charged: 0 }
}

async function receivedByExact(): Promise<number> {
  const sum = `SELECT coalesce(sum(received), 0) AS sum FROM receipt WHERE kind = 'exact'`
  return (await env.BOOK.prepare(sum).first<number>('sum')) ?? 0
}

describe('Settled payment', () => {
  it('is provisional until it is confirmed, the oldest first', async () => {
    const { memory, uses, nonces } = await newPayments(3)
    expect(await memory.provisional()).toEqual(nonces)
    expect(await memory.provisional(2)).toEqual(nonces.slice(0, 2))
    await memory.confirm(uses[1] ?? null)
    expect(await memory.provisional()).toEqual(nonces.slice(2))
    await memory.confirm(uses[1] ?? null)
    expect(await memory.totals()).toMatchObject({ payments: 3, provisional: 1 })
    await memory.confirm(null)
    expect(await memory.totals()).toMatchObject({ payments: 3, provisional: 0 })
  })

  it('that is settled while others are confirmed stays provisional', async () => {
    const { memory, uses, nonces } = await newPayments(2)
    await memory.confirm(uses[0] ?? null)
    await memory.confirm(uses[0] ?? null)
    expect(await memory.provisional()).toEqual(nonces.slice(1))
  })

  it('of a version without finality counts as final [E8]', async () => {
    const { memory, uses } = await newPayments(1)
    const [use] = uses as [Use]
    await runInDurableObject(env.AUTHORIZATIONS.getByName(use.name), (_, { storage: { sql } }) => {
      sql.exec('DROP INDEX undone')
      for (const column of ['authorization DROP COLUMN undone', 'total DROP COLUMN provisional'])
        sql.exec(`ALTER TABLE ${column}`)
      sql.exec('ALTER TABLE total DROP COLUMN lost')
    })
    await memory.restart()
    expect(await memory.totals()).toMatchObject({ payments: 1, received: 1000n, provisional: 0, lost: 0 })
    const next = aUse({ ...SITE, name: use.name })
    await memory.take(next)
    await memory.settled(next)
    expect(await memory.provisional()).toEqual([next.nonce])
  })

  it('keeps the payer among those that a run must ask', async () => {
    const { memory, uses } = await newPayments(1)
    const [use] = uses as [Use]
    const account = env.AUTHORIZATIONS.getByName(use.name)
    const isListedAgain = async () => {
      await env.BOOK.prepare('DELETE FROM account WHERE id = ?').bind(use.name).run()
      // One alarm is that of the figures, the other that of the list.
      await runDurableObjectAlarm(account)
      await runDurableObjectAlarm(account)
      return (await env.BOOK.prepare('SELECT 1 FROM account WHERE id = ?').bind(use.name).first()) !== null
    }
    expect(await isListedAgain()).toBe(true)
    await memory.confirm(null)
    expect(await isListedAgain()).toBe(false)
  })
})

describe('Payment that a reorganization undid', () => {
  it('is in doubt, and opens its request again only after the chain was asked', async () => {
    const { memory, uses } = await newPayments(1)
    const [use] = uses as [Use]
    await memory.confirm(use, [use])
    expect(await memory.totals()).toMatchObject({ payments: 1, inDoubt: 1, provisional: 0 })
    expect(await memory.status()).toEqual(['undone'])
    await memory.age(150_000)
    expect(await memory.takeAnew(use)).toEqual(DOUBT)
    await memory.age(REPLAY_WINDOW_MS)
    expect(await memory.takeAnew(use)).toEqual({ outcome: 'refused', reason: 'exact_used' })
  })

  it('counts once when its transfer stands again', async () => {
    const { memory, uses } = await newPayments(1)
    const [use] = uses as [Use]
    await memory.confirm(use, [use])
    await memory.found(use)
    await env.AUTHORIZATIONS.getByName(use.name).restored(use.token, use.nonce)
    expect(await memory.totals()).toMatchObject({ payments: 1, received: 1000n, inDoubt: 0, lost: 0 })
    expect(await memory.status()).toEqual(['settled'])
  })

  it('is lost when the chain shows the end: it stays charged, and leaves the receipts', async () => {
    const { memory, uses } = await newPayments(3)
    const [first, use, last] = uses as [Use, Use, Use]
    const before = await receivedByExact()
    expect(await figuresOf(use)).toEqual({ position: 3, charged: 3000 })
    expect((await receivedByExact()) - before).toBe(3000)
    await memory.confirm(last, [use])
    await memory.close(use)
    expect(await memory.totals()).toMatchObject({ payments: 2, received: 2000n, inDoubt: 0, lost: 1 })
    expect(await memory.losses()).toEqual([{ number: 4, nonce: use.nonce, amount: 1000n, transaction: TX }])
    expect(await figuresOf(use)).toEqual({ position: 4, charged: 3000 })
    expect((await receivedByExact()) - before).toBe(2000)
    const next = aUse({ ...SITE, name: first.name })
    await memory.take(next)
    await memory.settled(next)
    expect(await figuresOf(use)).toEqual({ position: 5, charged: 4000 })
    expect(await memory.provisional()).toEqual([next.nonce])
  })

  it('is named until a run has stored its finding, and so is each later loss', async () => {
    const { memory, uses } = await newPayments(2)
    const [first, last] = uses as [Use, Use]
    await memory.confirm(last, uses)
    await memory.close(first)
    const [loss] = await memory.losses()
    await memory.close(last)
    await memory.restart()
    await memory.named(loss?.number ?? 0)
    expect(await memory.losses()).toMatchObject([{ nonce: last.nonce }])
  })

  it('is named once more where an earlier version has stored its loss', async () => {
    const { memory, uses } = await newPayments(1)
    const [use] = uses as [Use]
    await memory.confirm(use, [use])
    await memory.close(use)
    await memory.sql('ALTER TABLE loss DROP COLUMN named')
    await memory.restart()
    expect(await memory.losses()).toMatchObject([{ nonce: use.nonce }])
  })

  it('is not charged when it is lost before its page was delivered', async () => {
    const use = aUse(SITE)
    const memory = memoryOf(use)
    await memory.take(use)
    await memory.found(use)
    await memory.confirm(use, [use])
    await memory.close(use)
    expect(await memory.totals()).toMatchObject({ payments: 0, received: 0n, undelivered: 0, lost: 1 })
    expect(await figuresOf(use)).toEqual({ position: 2, charged: 0 })
  })

  it('opens nothing any more once it is lost', async () => {
    const { memory, uses } = await newPayments(1)
    const [use] = uses as [Use]
    await memory.confirm(use, [use])
    await memory.close(use)
    expect(await memory.takeAnew(use)).toEqual({ outcome: 'refused', reason: 'exact_failed' })
    expect(await memory.status()).toEqual(['lost'])
  })

  it('closes the page that it had opened for a while', async () => {
    const use = aUse({ ...SITE, opened: ['GET /a'] })
    const memory = memoryOf(use)
    await memory.take(use)
    await env.AUTHORIZATIONS.getByName(use.name).settled(use.token, use.nonce, use.nonce, null, 3_600_000)
    const again = aUse({ ...use, nonce: aUse().nonce })
    expect(await memory.take(again)).toMatchObject({ outcome: 'opened' })
    await memory.confirm(use, [use])
    await memory.close(use)
    expect(await memory.take({ ...again, id: 'other' })).toEqual({ outcome: 'taken' })
  })
})
