import { describe, expect, it } from 'vitest'
import { documentOf } from '../../../src/billing/signed-statement.ts'
import { StatementBuilder } from '../../../src/ledger/billing/statement.ts'
import { verifyEntry } from '../../../src/protocol/statement.ts'
import { EVER, newLine, PRICE } from './harness.ts'

/** A period that ends after every test, at a time that a document can state. */
const LONG = { ...EVER, to: 8.64e15 }

describe('Form of a statement', () => {
  it('states the version of the policy and who asked', async () => {
    const line = newLine()
    await line.charge({ policy: 3, who: 'ExampleBot' })
    const { entry, order } = await line.charge({ policy: 4, who: '~GPTBot' })
    await line.line().release(entry, order.id)
    const statement = await line.line().close(EVER)
    expect(statement?.lines).toMatchObject([
      { policy: 3, who: 'ExampleBot', charges: 1, releases: 0, amount: PRICE },
      { policy: 4, who: '~GPTBot', charges: 1, releases: 1, amount: 0n },
    ])
  })

  it('keeps the lines and the root of a statement that an earlier version issued', async () => {
    const line = newLine()
    await line.charge({ policy: 3, who: 'ExampleBot' })
    await line.charge({ policy: 4, who: 'ExampleBot' })
    await line.line().close(LONG)
    const early = new StatementBuilder(1, 1)
    for (const entry of (await line.entries()).slice(0, 3)) early.add(entry)
    const { root } = early.end()
    await line.sql(
      `UPDATE entry SET body = json_set(json_remove(body, '$.form'), '$.root', '${root}') WHERE kind = 'statement'`,
    )
    await line.restart()
    const statement = await line.line().statement(LONG.id)
    expect(statement?.lines).toEqual([
      {
        site: 'site.test',
        rule: 'default',
        day: expect.any(String),
        charges: 2,
        releases: 0,
        amount: 2n * PRICE,
      },
    ])
    const proof = await line.line().proof(2)
    if (!statement || !proof) return expect.fail('there must be a statement and a proof')
    const plain = { ...proof, entry: { ...proof.entry, amount: String(proof.entry.amount) } }
    const document = documentOf(statement, 'Operator', { id: 'a', name: 'A' })
    expect(document.type).toBe('tab402/statement/1')
    expect(verifyEntry(document, plain)).toBe(true)
  })
})
