/** Pages of lists by SQL, in a real D1. */
import { env } from 'cloudflare:test'
import { beforeEach, describe, expect, it } from 'vitest'
import { accountPage } from '../../src/ledger/book/account-list.ts'
import { listAccount, project } from '../../src/ledger/book/accounts.ts'
import { readOwed } from '../../src/ledger/book/owed.ts'
import { randomHex } from '../chain/harness.ts'

const ADDRESS = '0x1111111111111111111111111111111111111111'
/** Above what an integer of SQL holds. */
const HUGE = 10n ** 30n

async function account(charged: bigint, redeemed = 0n, quarantine: string | null = null): Promise<string> {
  const id = randomHex(32)
  const [network, openedAt] = ['eip155:84532', 1]
  const shared = { payer: ADDRESS, receiver: ADDRESS, token: ADDRESS, relistedAt: null } as const
  await listAccount(env.BOOK, { id, kind: 'channel', network, openedAt, ...shared })
  await project(
    env.BOOK,
    [{ id, network, authorized: charged, charged, redeemed, ceiling: charged, quarantine }],
    5,
  )
  return id
}

async function idsBy(by: string | null, isDown: boolean, limit: number): Promise<string[]> {
  const ids: string[] = []
  for (let after: string | null = null; ; ) {
    const page = await accountPage(env.BOOK, { kind: 'channel' }, { order: { by, isDown }, after, limit })
    ids.push(...page.map(({ account: { id } }) => id))
    if (page.length < limit) return ids
    after = page.at(-1)?.place ?? null
  }
}

beforeEach(async () => {
  for (const table of ['account', 'line', 'invoice']) await env.BOOK.prepare(`DELETE FROM ${table}`).run()
})

describe('a page of accounts', () => {
  it('continues behind the last row in each order, also among equal amounts', async () => {
    const [one, two, three, four] = [
      await account(5n),
      await account(9n),
      await account(5n),
      await account(7n, 6n),
    ]
    const equal = [one, three].sort()
    expect(await idsBy('charged', true, 2)).toEqual([two, four, ...equal.toReversed()])
    expect(await idsBy('owed', false, 1)).toEqual([four, ...equal, two])
    expect(await idsBy(null, true, 3)).toEqual([one, two, three, four].sort().reverse())
  })

  it('is narrowed by state and by a part of the id', async () => {
    const [stopped, open] = [await account(5n, 0n, 'reverted'), await account(5n, 5n)]
    const page = { order: { by: null, isDown: false }, after: null, limit: 9 }
    const ids = async (filter: Parameters<typeof accountPage>[1]) =>
      (await accountPage(env.BOOK, filter, page)).map(({ account: { id } }) => id)
    expect(await ids({ state: 'stopped' })).toEqual([stopped])
    expect(await ids({ state: 'owing' })).toEqual([stopped])
    expect(await ids({ state: 'open' })).toEqual([open])
    expect(await ids({ text: open.slice(5, 20).toUpperCase() })).toEqual([open])
  })
})

describe('readOwed', () => {
  it('sums what is owed to the unit, however large, and what of it is stopped', async () => {
    await account(HUGE + 3n, 1n)
    await account(HUGE, HUGE)
    await account(10n, 4n, 'reverted')
    const { owed } = await readOwed(env.BOOK, 0)
    expect(owed).toMatchObject({
      channel: HUGE + 8n,
      credit: 0n,
      accounts: 2,
      stopped: 6n,
      withdrawing: 0n,
      asOf: 5,
    })
  })

  it('reads the accounts that owe by an index, and no other', async () => {
    const plan = await env.BOOK.prepare(
      'EXPLAIN QUERY PLAN SELECT sum(1) FROM account WHERE charged > redeemed',
    ).all()
    expect(JSON.stringify(plan.results)).toContain('account_owing')
  })
})
