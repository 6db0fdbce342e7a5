/** I11: the read model is dropped, and its rows come back from the objects. */
import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { checkSums } from '../../src/ledger/figures/check.ts'
import { randomHex } from '../chain/harness.ts'
import { openChannel, PRICE, toCharge } from '../ledger/channel/harness.ts'
import { aUse, memoryOf } from '../ledger/exact/harness.ts'
import { newOperator } from './harness.ts'

/** Rows without the times at which a run last wrote them. */
async function rowsOf(table: string, id: string): Promise<Record<string, unknown>[]> {
  const column = table === 'statement' || table === 'invoice' ? 'line' : 'id'
  const { results } = await env.BOOK.prepare(`SELECT * FROM ${table} WHERE ${column} = ?`)
    .bind(id)
    .all<Record<string, unknown>>()
  return results.map(({ updated_at: _, ...row }) => row)
}

describe('POST /api/book', () => {
  it('writes the same rows of a credit line again [I11]', async () => {
    const operator = await newOperator()
    const { id, charge } = await operator.enrol()
    await charge(1_000_000n)
    await operator.runBilling()
    const tables = ['line', 'statement', 'invoice']
    const before = await Promise.all(tables.map((table) => rowsOf(table, id)))
    expect(before.map(({ length }) => length)).toEqual([1, 1, 1])
    for (const table of tables) await env.BOOK.prepare(`DELETE FROM ${table}`).run()
    const objects = [env.LINES.idFromName(id).toString()]
    const { body } = await operator.post('/api/book', { kind: 'credit', objects })
    expect(body).toEqual({ listed: 1, empty: 0, silent: 0 })
    expect(await Promise.all(tables.map((table) => rowsOf(table, id)))).toEqual(before)
  })

  it('writes the same rows of a channel and of a payer by exact again [I11]', async () => {
    const operator = await newOperator()
    const channel = await openChannel()
    await channel.place(toCharge(PRICE))
    const [payer, receiver, token] = [randomHex(20), randomHex(20), randomHex(20)]
    const name = `eip155:84532:${payer}`
    const signed = { nonce: randomHex(32), amount: 1n, validBefore: 2n ** 40n, signature: randomHex(65) }
    const use = { id: 'a', name, payer, receiver, token, ...signed, request: 'GET /a' }
    await env.AUTHORIZATIONS.getByName(name).take(use)
    const ask = async () => {
      const [channels, payers] = [env.ACCOUNT.idFromName(channel.id), env.AUTHORIZATIONS.idFromName(name)]
      const unknown = env.ACCOUNT.idFromName(randomHex(32))
      const objects = [channels.toString(), unknown.toString()]
      const first = await operator.post('/api/book', { kind: 'channel', objects })
      await operator.post('/api/book', { kind: 'exact', objects: [payers.toString()] })
      return { first, rows: [await rowsOf('account', channel.id), await rowsOf('account', name)] }
    }
    const before = await ask()
    expect(before.first.body).toEqual({ listed: 1, empty: 1, silent: 0 })
    expect(before.rows.map(({ length }) => length)).toEqual([1, 1])
    await env.BOOK.prepare('DELETE FROM account').run()
    expect((await ask()).rows).toEqual(before.rows)
  })

  it('fills lost figures of channels, payers by exact and credit lines again, each once', async () => {
    const operator = await newOperator()
    const { id, charge } = await operator.enrol()
    await charge(3_000_000n)
    const channel = await openChannel()
    await channel.charge('GET https://a.test/a', { site: 'gazette' })
    const use = aUse({ site: 'herald' })
    await memoryOf(use).take(use)
    await memoryOf(use).settled(use)
    const objects = {
      channel: env.ACCOUNT.idFromName(channel.id),
      exact: env.AUTHORIZATIONS.idFromName(use.name),
      credit: env.LINES.idFromName(id),
    }
    for (const table of ['figure', 'figure_day', 'figure_path', 'figure_name', 'receipt', 'figure_cursor'])
      await env.BOOK.prepare(`DELETE FROM ${table}`).run()
    for (const _ of ['once', 'again'])
      for (const [kind, object] of Object.entries(objects))
        await operator.post('/api/book', { kind, objects: [object.toString()] })
    const { results } = await env.BOOK.prepare('SELECT kind, charged FROM figure_cursor ORDER BY kind').all()
    expect(results).toEqual([
      { kind: 'channel', charged: 1000 },
      { kind: 'credit', charged: 3_000_000 },
      { kind: 'exact', charged: 1000 },
    ])
    expect(await checkSums(env.BOOK)).toEqual([])
  })

  it('rejects ids of another class, and credit on a site without it', async () => {
    const operator = await newOperator()
    const objects = [env.LINES.idFromName('a').toString()]
    expect((await operator.post('/api/book', { kind: 'channel', objects })).status).toBe(400)
    const plain = await newOperator({ credit: false })
    expect((await plain.post('/api/book', { kind: 'credit', objects })).status).toBe(404)
  })
})
