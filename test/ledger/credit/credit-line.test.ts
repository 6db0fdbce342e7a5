import { env, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { LONGEST } from '../../../src/identity/verify.ts'
import { lines } from '../../../src/ledger/book/credit.ts'
import { MAX_CHARGES, MAX_DELIVERIES } from '../../../src/ledger/replay-window.ts'
import { rowsWritten } from '../rows.ts'
import { LIMIT, newLine, PRICE, reasonOf } from './harness.ts'

describe('a commitment', () => {
  it('is charged and promised once, and written before it is answered', async () => {
    const line = newLine()
    const answer = await line.charge({ promised: PRICE + 5n })
    expect(answer).toMatchObject({ outcome: 'charged', due: PRICE })
    await line.restart()
    expect(await line.standing()).toMatchObject({ authorized: PRICE + 5n, charged: PRICE, redeemed: 0n })
    const [, entry] = await line.entries()
    expect(entry).toMatchObject({ kind: 'charge', amount: PRICE, iou: answer.order.iou, site: 'site.test' })
    expect(JSON.parse(entry?.body ?? '')).toEqual(answer.order.evidence)
  })

  it('lists its line in the book before the first charge is acknowledged', async () => {
    const line = newLine()
    await line.charge()
    const { agent, name } = line.enrolment
    const listed = await lines(env.BOOK, '', 1000)
    expect(listed.find(({ id }) => id === agent)).toMatchObject({ name, totals: null })
  })

  it('leaves nothing behind where a line was only asked about', async () => {
    const line = newLine()
    expect(await line.line().standing()).toBeNull()
    expect(await line.sql(`SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'`)).toEqual(
      [],
    )
  })

  it('writes one row, the entry', async () => {
    const line = newLine()
    await line.charge()
    const order = line.order()
    const written = await rowsWritten(line.line(), (object) => object.place(order))
    expect(written).toBe(1)
  })

  it('shares a write with those that come while one is on its way', async () => {
    const line = newLine()
    await line.charge()
    const orders = Array.from({ length: 9 }, () => line.order())
    const writes = await runInDurableObject(line.line(), async (object, { storage }) => {
      const write = storage.transactionSync.bind(storage)
      let writes = 0
      const counted = <Value>(work: () => Value) => {
        writes++
        return write(work)
      }
      Object.defineProperty(storage, 'transactionSync', { configurable: true, value: counted })
      await Promise.all(orders.map((order) => object.place(order)))
      return writes
    })
    expect(writes).toBe(1)
    expect((await line.entries()).filter(({ kind }) => kind === 'charge')).toHaveLength(10)
  })
})

describe('a signature that was used [C3]', () => {
  it('opens the same resource again for free, also when the line was asleep', async () => {
    const line = newLine()
    const { order, entry } = await line.charge()
    const again = await line.place({ ...order, id: 'again' })
    expect(again).toMatchObject({ outcome: 'replayed', entry, due: PRICE })
    await line.restart()
    expect(await line.place({ ...order, id: 'later' })).toMatchObject({ outcome: 'replayed', entry })
    expect(await line.standing()).toMatchObject({ charged: PRICE, authorized: PRICE })
  })

  it('opens no other resource', async () => {
    const line = newLine()
    const { order } = await line.charge()
    const other = { ...order, id: 'other', request: 'GET https://site.test/b' }
    expect(reasonOf(await line.place(other))).toBe('commitment_replayed')
    await line.restart()
    expect(reasonOf(await line.place(other))).toBe('commitment_replayed')
  })

  it('is known by its nonce, whatever else is signed with it', async () => {
    const line = newLine()
    const { order } = await line.charge({ once: 'key nonce' })
    const other = line.order({ once: 'key nonce' })
    expect(other.iou).not.toBe(order.iou)
    expect(reasonOf(await line.place(other))).toBe('commitment_replayed')
  })

  it('opens nothing more after so many deliveries', async () => {
    const line = newLine()
    const { order } = await line.charge()
    for (let i = 1; i < MAX_DELIVERIES; i++)
      expect(reasonOf(await line.place({ ...order, id: `delivery ${i}` }))).toBe('replayed')
    expect(reasonOf(await line.place({ ...order, id: 'one too many' }))).toBe('commitment_replayed')
  })

  it('is known for as long as it can be shown, however many others were used since', async () => {
    const line = newLine()
    const { order, entry } = await line.charge()
    await line.restart()
    await line.sql(`UPDATE entry SET at = at - ${(LONGEST + 60) * 1000}`)
    const columns = 'at, kind, amount, authorized, charged, redeemed, credit, ceiling, id, attempt, iou'
    await line.sql(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= ${MAX_CHARGES})
      INSERT INTO entry (seq, ${columns}, once)
      SELECT seq + i, ${columns}, once || i FROM entry, n WHERE seq = ${entry}`)
    await line.restart()
    const other = { ...order, id: 'other', request: 'GET https://site.test/b' }
    expect(reasonOf(await line.place(other))).toBe('commitment_replayed')
    expect(await line.place({ ...order, id: 'again' })).toMatchObject({ outcome: 'replayed', entry })
  })

  it('is known on a line of the first version, which looked for it in an index', async () => {
    const line = newLine()
    const { order } = await line.charge()
    await line.sql('CREATE UNIQUE INDEX used ON entry (once, attempt) WHERE once IS NOT NULL')
    await line.restart()
    expect(reasonOf(await line.place({ ...order, id: 'again' }))).toBe('replayed')
    expect(await line.sql(`SELECT 1 FROM sqlite_master WHERE name = 'used'`)).toEqual([])
  })

  it('is answered alike when the same order comes again [E3]', async () => {
    const line = newLine()
    const { order, entry } = await line.charge()
    expect(await line.place(order)).toMatchObject({ outcome: 'charged', entry })
    await line.restart()
    expect(await line.place(order)).toMatchObject({ outcome: 'charged', entry })
    expect(await line.standing()).toMatchObject({ charged: PRICE })
    expect(await line.entries()).toHaveLength(2)
  })
})

describe('a delivery that failed [D9]', () => {
  it('gives the charge back, and the commitment may be charged again', async () => {
    const line = newLine()
    const { order, entry } = await line.charge()
    await line.line().release(entry, order.id)
    expect(await line.standing()).toMatchObject({ authorized: PRICE, charged: 0n })
    const again = await line.place({ ...order, id: 'again', request: 'GET https://site.test/b' })
    expect(again).toMatchObject({ outcome: 'charged', due: PRICE })
    await line.restart()
    expect(reasonOf(await line.place({ ...order, id: 'once more' }))).toBe('commitment_replayed')
    expect(await line.standing()).toMatchObject({ charged: PRICE })
  })

  it('gives it back once, and only for a delivery of that charge', async () => {
    const line = newLine()
    const { order, entry } = await line.charge()
    const other = await line.charge()
    await line.line().release(entry, 'a stranger')
    await line.line().release(entry, order.id)
    await line.restart()
    await line.line().release(entry, order.id)
    expect(await line.standing()).toMatchObject({ charged: PRICE })
    await line.line().release(other.entry, other.order.id)
    expect(await line.standing()).toMatchObject({ charged: 0n })
  })

  it('leaves the charge while another delivery of it stands', async () => {
    const line = newLine()
    const { order, entry } = await line.charge()
    await line.place({ ...order, id: 'second' })
    await line.line().release(entry, order.id)
    expect(await line.standing()).toMatchObject({ charged: PRICE })
    await line.restart()
    await line.line().release(entry, 'second')
    expect(await line.standing()).toMatchObject({ charged: 0n })
  })

  it('is no replay to an order that comes before the release is written', async () => {
    const line = newLine()
    const { order, entry } = await line.charge()
    await line.restart()
    const release = line.line().release(entry, order.id)
    const again = await line.place({ ...order, id: 'again' })
    await release
    expect(['charged', 'replayed']).toContain(again.outcome)
    const { charged } = await line.standing()
    // Served as a replay, the charge stands for it; charged anew, it stands once.
    expect(charged).toBe(PRICE)
  })
})

describe('the credit limit', () => {
  it('is usable to the unit, and not one beyond', async () => {
    const line = newLine({ limit: PRICE, probation: PRICE })
    expect(reasonOf(await line.place(line.order({ price: PRICE + 1n })))).toBe('credit_exhausted')
    await line.charge()
    expect(reasonOf(await line.place(line.order({ price: 1n })))).toBe('credit_exhausted')
  })

  it('200 at once, with room for one, make one charge [C9]', async () => {
    const line = newLine()
    await line.charge({ price: LIMIT - PRICE })
    const answers = await Promise.all(Array.from({ length: 200 }, () => line.place(line.order())))
    expect(answers.filter(({ outcome }) => outcome === 'charged')).toHaveLength(1)
    expect(answers.filter((answer) => reasonOf(answer) === 'credit_exhausted')).toHaveLength(199)
    expect(await line.standing()).toMatchObject({ charged: LIMIT })
  })

  it('200 at once open a new line once, and share its limit [C9]', async () => {
    const line = newLine()
    const answers = await Promise.all(Array.from({ length: 200 }, () => line.place(line.order())))
    expect(answers.filter(({ outcome }) => outcome === 'charged')).toHaveLength(10)
    expect((await line.entries()).filter(({ kind }) => kind === 'terms')).toHaveLength(1)
  })

  it('begins at the probation, whatever the limit [C10]', async () => {
    const line = newLine({ limit: 1_000_000_000n, probation: PRICE })
    await line.charge()
    expect(reasonOf(await line.place(line.order()))).toBe('credit_exhausted')
    expect(await line.standing()).toMatchObject({ limit: PRICE })
  })

  it('follows the registry’s newer word, and not an older one', async () => {
    const line = newLine({ limit: PRICE, probation: PRICE })
    await line.charge()
    const { enrolment } = line
    const raised = { ...enrolment, version: 3, terms: { ...enrolment.terms, limit: LIMIT, probation: LIMIT } }
    await line.charge({ enrolment: raised })
    await line.charge({ enrolment })
    expect(await line.standing()).toMatchObject({
      limit: LIMIT,
      charged: 3n * PRICE,
      enrolment: { version: 3 },
    })
  })
})

describe('a suspended line', () => {
  it('refuses at once, whatever an order still believes, and serves what was paid', async () => {
    const line = newLine()
    const { order } = await line.charge()
    const { enrolment } = line
    await line.line().configure({ ...enrolment, version: 2, suspended: 'asked to' })
    expect(reasonOf(await line.place(line.order()))).toBe('credit_suspended')
    expect(reasonOf(await line.place({ ...order, id: 'again' }))).toBe('replayed')
    await line.line().configure({ ...enrolment, version: 3, suspended: null })
    await line.charge()
  })
})

describe('a clock that goes back [E13]', () => {
  it('leaves the journal in order of time', async () => {
    const line = newLine()
    await line.charge()
    await line.sql('UPDATE entry SET at = at + 60000')
    await line.restart()
    await line.charge()
    const times = (await line.entries()).map(({ at }) => at)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })
})
