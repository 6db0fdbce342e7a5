/** The nightly check: D1 gets what was not reported, and a difference is a finding. */
import { env, runInDurableObject } from 'cloudflare:test'
import { beforeEach, describe, expect, it } from 'vitest'
import { checkReports, checkSums } from '../../../src/ledger/figures/check.ts'
import { openChannel, PRICE } from '../channel/harness.ts'
import { aUse, memoryOf } from '../exact/harness.ts'

const SOLD = { site: 'gazette', rule: 'default', who: 'GPTBot', request: 'GET https://a.test/news' }

const sql = (statement: string) => env.BOOK.prepare(statement).run()

async function chargedChannel() {
  const channel = await openChannel()
  await channel.charge(SOLD.request, SOLD)
  return channel
}

const check = ({ id, account }: Awaited<ReturnType<typeof chargedChannel>>) =>
  checkReports(env.BOOK, 'channel', [{ id, report: async () => account().report() }])

beforeEach(async () => {
  for (const table of ['figure', 'figure_day', 'figure_path', 'figure_name', 'receipt', 'figure_cursor'])
    await sql(`DELETE FROM ${table}`)
})

describe('checkReports', () => {
  it('makes up for an alarm that was lost', async () => {
    const channel = await chargedChannel()
    await runInDurableObject(channel.account(), (_, { storage }) => storage.deleteAlarm())
    expect(await check(channel)).toEqual([])
    expect(await env.BOOK.prepare('SELECT charges, charged FROM figure').first()).toEqual({
      charges: 1,
      charged: 1000,
    })
    expect(await checkSums(env.BOOK)).toEqual([])
  })

  it('finds a sum of an account that differs from its journal', async () => {
    const channel = await chargedChannel()
    await channel.account().report()
    await sql('UPDATE figure_cursor SET charged = charged - 1')
    const detail = `the journal has ${PRICE} up to entry 2, the figures have 999 up to 2`
    expect(await check(channel)).toEqual([{ account: channel.id, what: 'figures_differ', detail }])
  })

  it('finds a journal that ends before the position in D1', async () => {
    const channel = await chargedChannel()
    await channel.account().report()
    await sql('UPDATE figure_cursor SET position = 9')
    expect(await check(channel)).toMatchObject([{ account: channel.id, what: 'figures_differ' }])
  })

  it('finds a payer of exact whose figures were edited', async () => {
    const use = aUse(SOLD)
    await memoryOf(use).take(use)
    await memoryOf(use).settled(use)
    const payer = () => env.AUTHORIZATIONS.getByName(use.name)
    const ask = () =>
      checkReports(env.BOOK, 'exact', [{ id: use.name, report: async () => payer().report() }])
    expect(await ask()).toEqual([])
    await sql('UPDATE figure_cursor SET charged = 1')
    expect(await ask()).toMatchObject([{ account: use.name, what: 'figures_differ' }])
  })

  it('finds accounts that could not be compared, and stops for none', async () => {
    const channel = await chargedChannel()
    const broken = { id: 'broken', report: () => Promise.reject(new Error('away')) }
    const well = { id: channel.id, report: async () => channel.account().report() }
    expect(await checkReports(env.BOOK, 'channel', [broken, well])).toEqual([
      { account: 'broken', what: 'figures_differ', detail: 'not compared: Error: away' },
    ])
    await sql('ALTER TABLE figure_cursor RENAME TO away')
    const found = await checkReports(env.BOOK, 'channel', [well])
    await sql('ALTER TABLE away RENAME TO figure_cursor')
    expect(found).toMatchObject([{ account: channel.id }, { account: 'channel' }])
  })
})

describe('checkSums', () => {
  it.each(['figure', 'figure_day', 'figure_name'])('finds a row of %s that was changed', async (table) => {
    await (await chargedChannel()).account().report()
    await sql(`UPDATE ${table} SET charged = charged + 7`)
    expect(await checkSums(env.BOOK)).toMatchObject([{ account: 'figures', what: 'figures_differ' }])
  })
})
