import { env } from 'cloudflare:test'
import { beforeEach, describe, expect, it } from 'vitest'
import { KIND, type Listing, listAccount, listings, project } from '../../../src/ledger/book/accounts.ts'
import { findRun, type RunRecord, saveRun } from '../../../src/ledger/book/runs.ts'
import { configOf } from '../channel/harness.ts'
import { runs } from './lists.ts'

const book = env.BOOK

beforeEach(async () => {
  await book.batch(['account', 'run'].map((table) => book.prepare(`DELETE FROM ${table}`)))
})

function list(
  id: string,
  kind: Listing['kind'],
  parties = configOf(),
  network: string | null = null,
): Promise<void> {
  return listAccount(book, { id, kind, network, ...parties, openedAt: 1, relistedAt: null })
}

const MOST = (1n << 128n) - 1n

describe('Read model of accounts', () => {
  it('lists each account once and returns pages in order', async () => {
    const config = configOf()
    for (const id of ['0xc', '0xa', '0xb', '0xa']) await list(id, KIND.channel, config)
    await list('eip155:1:0xpayer', KIND.exact, config)
    const first = await listings(book, '', 2)
    const rest = await listings(book, first.at(-1)?.id ?? '', 10)
    expect([...first, ...rest].map(({ id }) => id)).toEqual(['0xa', '0xb', '0xc', 'eip155:1:0xpayer'])
    expect(first[0]).toMatchObject({ kind: 'channel', payer: config.payer, totals: null, quarantine: null })
  })

  it('stores the largest amounts exactly', async () => {
    await list('0xa', KIND.channel)
    const totals = { authorized: MOST, charged: MOST - 1n, redeemed: (1n << 53n) + 1n, ceiling: MOST }
    await project(book, [{ id: '0xa', network: null, ...totals, quarantine: 'why' }], 1234)
    expect(await listings(book, '', 1)).toMatchObject([{ totals, quarantine: 'why', updatedAt: 1234 }])
    await project(book, [], 1)
  })

  it('overwrites a run with its later state and returns the newest run first', async () => {
    const run: RunRecord = {
      id: 'a',
      kind: 'settlement',
      status: 'running',
      startedAt: 1,
      endedAt: null,
      record: {},
    }
    await saveRun(book, run)
    await saveRun(book, { ...run, status: 'settled', endedAt: 2, record: { claimed: '5' } })
    await saveRun(book, { ...run, id: 'b', kind: 'watch', startedAt: 9 })
    expect((await runs(book, 10)).map(({ id }) => id)).toEqual(['b', 'a'])
    expect(await findRun(book, 'a')).toMatchObject({ status: 'settled', record: { claimed: '5' } })
    expect(await findRun(book, 'c')).toBeNull()
  })
})
