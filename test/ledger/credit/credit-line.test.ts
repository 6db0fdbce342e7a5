import { env, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { LONGEST } from '../../../src/identity/verify.ts'
import { lines } from '../../../src/ledger/book/credit.ts'
import { MAX_CHARGES, MAX_DELIVERIES } from '../../../src/ledger/replay-window.ts'
import { rowsWritten } from '../rows.ts'
import { LIMIT, newLine, PRICE, reasonOf } from './harness.ts'

describe('CreditLine.place', () => {
  it('stores the charge and its commitment before it answers', async () => {
    const line = newLine()
    const answer = await line.charge({ promised: PRICE + 5n })
    expect(answer).toMatchObject({ outcome: 'charged', due: PRICE })
    await line.restart()
    expect(await line.standing()).toMatchObject({ authorized: PRICE + 5n, charged: PRICE, redeemed: 0n })
    const [, entry] = await line.entries()
    expect(entry).toMatchObject({ kind: 'charge', amount: PRICE, iou: answer.order.iou, site: 'site.test' })
    expect(JSON.parse(entry?.body ?? '')).toEqual(answer.order.evidence)
  })

  it('lists the credit line in the read model', async () => {
    const line = newLine()
    await line.charge()
    await line.line().list()
    const { agent, name } = line.enrolment
    const listed = await lines(env.BOOK, '', 1000)
    expect(listed.find(({ id }) => id === agent)).toMatchObject({ name, totals: null })
  })

  it('stores nothing when only the state of an unknown line is read', async () => {
    const line = newLine()
    expect(await line.line().standing()).toBeNull()
    expect(await line.sql(`SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'`)).toEqual(
      [],
    )
  })

  it('writes one row for a charge', async () => {
    const line = newLine()
    await line.charge()
    const order = line.order()
    const written = await rowsWritten(line.line(), (object) => object.place(order))
    expect(written).toBe(1)
  })

  it('stores nine concurrent charges in one write', async () => {
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

describe('CreditLine.place with a used signature', () => {
  it('replays the same resource without a charge, also after a restart [C3]', async () => {
    const line = newLine()
    const { order, entry } = await line.charge()
    const again = await line.place({ ...order, id: 'again' })
    expect(again).toMatchObject({ outcome: 'replayed', entry, due: PRICE })
    await line.restart()
    expect(await line.place({ ...order, id: 'later' })).toMatchObject({ outcome: 'replayed', entry })
    expect(await line.standing()).toMatchObject({ charged: PRICE, authorized: PRICE })
  })

  it('records a replay once when its order is placed again after a restart (simulator, seed 47144) [C3]', async () => {
    const line = newLine()
    const { order, entry } = await line.charge()
    const again = { ...order, id: 'again' }
    await line.place(again)
    const before = await line.entries()
    await line.restart()
    expect(await line.place(again)).toMatchObject({ outcome: 'replayed', entry, due: PRICE })
    expect(await line.entries()).toEqual(before)
  })

  it('returns commitment_replayed for another resource [C3]', async () => {
    const line = newLine()
    const { order } = await line.charge()
    const other = { ...order, id: 'other', request: 'GET https://site.test/b' }
    expect(reasonOf(await line.place(other))).toBe('commitment_replayed')
    await line.restart()
    expect(reasonOf(await line.place(other))).toBe('commitment_replayed')
  })

  it('returns commitment_replayed for another signature over the same nonce [C3]', async () => {
    const line = newLine()
    const { order } = await line.charge({ once: 'key nonce' })
    const other = line.order({ once: 'key nonce' })
    expect(other.iou).not.toBe(order.iou)
    expect(reasonOf(await line.place(other))).toBe('commitment_replayed')
  })

  it('returns commitment_replayed after MOST_DELIVERIES replays [C3]', async () => {
    const line = newLine()
    const { order } = await line.charge()
    for (let i = 1; i < MAX_DELIVERIES; i++)
      expect(reasonOf(await line.place({ ...order, id: `delivery ${i}` }))).toBe('replayed')
    expect(reasonOf(await line.place({ ...order, id: 'one too many' }))).toBe('commitment_replayed')
  })

  it('finds the signature as long as it is valid, after any number of other charges [C3]', async () => {
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

  it('finds the signature on a line that storage version 1 wrote with an index [C3]', async () => {
    const line = newLine()
    const { order } = await line.charge()
    await line.sql('CREATE UNIQUE INDEX used ON entry (once, attempt) WHERE once IS NOT NULL')
    await line.restart()
    expect(reasonOf(await line.place({ ...order, id: 'again' }))).toBe('replayed')
    expect(await line.sql(`SELECT 1 FROM sqlite_master WHERE name = 'used'`)).toEqual([])
  })

  it('returns the same answer when the same order is placed again [C3, E3, I2]', async () => {
    const line = newLine()
    const { order, entry } = await line.charge()
    expect(await line.place(order)).toMatchObject({ outcome: 'charged', entry })
    await line.restart()
    expect(await line.place(order)).toMatchObject({ outcome: 'charged', entry })
    expect(await line.standing()).toMatchObject({ charged: PRICE })
    expect(await line.entries()).toHaveLength(2)
  })
})

describe('CreditLine.release', () => {
  it('takes the charge back and lets the commitment be charged again [D9]', async () => {
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

  it('takes a charge back once, and only for one of its deliveries [D9, I5]', async () => {
    const line = newLine()
    const { order, entry } = await line.charge()
    const other = await line.charge()
    await line.line().release(entry, 'unknown')
    await line.line().release(entry, order.id)
    await line.restart()
    await line.line().release(entry, order.id)
    expect(await line.standing()).toMatchObject({ charged: PRICE })
    await line.line().release(other.entry, other.order.id)
    expect(await line.standing()).toMatchObject({ charged: 0n })
  })

  it('keeps the charge while another delivery of it stands [D9]', async () => {
    const line = newLine()
    const { order, entry } = await line.charge()
    await line.place({ ...order, id: 'second' })
    await line.line().release(entry, order.id)
    expect(await line.standing()).toMatchObject({ charged: PRICE })
    await line.restart()
    await line.line().release(entry, 'second')
    expect(await line.standing()).toMatchObject({ charged: 0n })
  })

  it('leaves one charge when an order overlaps the release [D9]', async () => {
    const line = newLine()
    const { order, entry } = await line.charge()
    await line.restart()
    const release = line.line().release(entry, order.id)
    const again = await line.place({ ...order, id: 'again' })
    await release
    expect(['charged', 'replayed']).toContain(again.outcome)
    const { charged } = await line.standing()
    // A replay keeps the first charge, a new charge replaces the released one: one charge either way.
    expect(charged).toBe(PRICE)
  })
})

describe('CreditLine limit', () => {
  it('allows charges up to the exact limit and rejects one unit more', async () => {
    const line = newLine({ limit: PRICE, probation: PRICE })
    expect(reasonOf(await line.place(line.order({ price: PRICE + 1n })))).toBe('credit_exhausted')
    await line.charge()
    expect(reasonOf(await line.place(line.order({ price: 1n })))).toBe('credit_exhausted')
  })

  it('allows one of 200 concurrent charges when there is room for one [C9, I7]', async () => {
    const line = newLine()
    await line.charge({ price: LIMIT - PRICE })
    const answers = await Promise.all(Array.from({ length: 200 }, () => line.place(line.order())))
    expect(answers.filter(({ outcome }) => outcome === 'charged')).toHaveLength(1)
    expect(answers.filter((answer) => reasonOf(answer) === 'credit_exhausted')).toHaveLength(199)
    expect(await line.standing()).toMatchObject({ charged: LIMIT })
  })

  it('stores policy version and asker with a charge and its release, and null in entries of earlier versions', async () => {
    const line = newLine()
    await line.charge()
    await line.sql('ALTER TABLE entry DROP COLUMN policy')
    await line.sql('ALTER TABLE entry DROP COLUMN who')
    await line.restart()
    const { entry, order } = await line.charge({ site: 'gazette', policy: 4, who: 'GPTBot' })
    await line.line().release(entry, order.id)
    const sold = { site: 'gazette', policy: 4, who: 'GPTBot' }
    expect((await line.entries()).slice(1)).toMatchObject([
      { kind: 'charge', site: 'site.test', policy: null, who: null },
      { kind: 'charge', ...sold },
      { kind: 'release', of: entry, ...sold },
    ])
  })

  it('opens a new line once for 200 concurrent orders, which share its limit [C9]', async () => {
    const line = newLine()
    const answers = await Promise.all(Array.from({ length: 200 }, () => line.place(line.order())))
    expect(answers.filter(({ outcome }) => outcome === 'charged')).toHaveLength(10)
    expect((await line.entries()).filter(({ kind }) => kind === 'terms')).toHaveLength(1)
  })

  it('starts at the initial credit limit below the full limit [C10]', async () => {
    const line = newLine({ limit: 1_000_000_000n, probation: PRICE })
    await line.charge()
    expect(reasonOf(await line.place(line.order()))).toBe('credit_exhausted')
    expect(await line.standing()).toMatchObject({ limit: PRICE })
  })

  it('applies a newer version of the terms and ignores an older one', async () => {
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

describe('CreditLine suspended', () => {
  it('rejects orders with outdated terms at once and still serves replays', async () => {
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

describe('CreditLine journal', () => {
  it('stays in order of time when the clock goes back [E13]', async () => {
    const line = newLine()
    await line.charge()
    await line.sql('UPDATE entry SET at = at + 60000')
    await line.restart()
    await line.charge()
    const times = (await line.entries()).map(({ at }) => at)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })
})

describe('CreditLine with steps', () => {
  const steps = [
    { from: 3, price: 800n },
    { from: 4, price: 500n },
  ]

  it('charges each page of a month at the step of its number', async () => {
    const line = newLine()
    const due = []
    for (const _ of [1, 2, 3, 4, 5]) due.push((await line.charge({ steps, rule: 'RULES[0]' })).due)
    expect(due).toEqual([PRICE, PRICE, 800n, 500n, 500n])
    const rules = (await line.entries()).flatMap(({ kind, rule }) => (kind === 'charge' ? [rule] : []))
    expect(rules).toEqual(['RULES[0]', 'RULES[0]', 'RULES[0] step 3', 'RULES[0] step 4', 'RULES[0] step 4'])
  })

  it('counts after a restart, for each site and rule apart, and not what was released', async () => {
    const line = newLine()
    const { entry, order } = await line.charge({ steps, rule: 'RULES[0]' })
    await line.charge({ steps, rule: 'RULES[0]' })
    await line.line().release(entry, order.id)
    await line.restart()
    expect((await line.charge({ steps, rule: 'RULES[1]' })).due).toBe(PRICE)
    expect((await line.charge({ steps, rule: 'RULES[0]' })).due).toBe(PRICE)
    expect((await line.charge({ steps, rule: 'RULES[0]' })).due).toBe(800n)
  })

  it('writes one row more for such a charge, and none for others', async () => {
    const line = newLine()
    await line.charge({ steps })
    await line.charge()
    const rows = []
    for (const order of [line.order(), line.order({ steps })])
      rows.push(await rowsWritten(line.line(), (object) => object.place(order)))
    expect(rows).toEqual([1, 2])
  })
})

describe('CreditLine with pages that are open', () => {
  const GET = 'GET https://site.test/a'

  it('charges a page once within its window', async () => {
    const line = newLine()
    const open = { opened: [GET], openMs: 3_600_000 }
    const { entry } = await line.charge(open)
    await line.restart()
    expect(await line.place(line.order(open))).toMatchObject({ outcome: 'opened', due: 0n, entry })
    expect((await line.standing()).charged).toBe(PRICE)
  })

  it.each(['in memory', 'after a restart'])(
    'releases no more than a lowered charge is over (%s)',
    async (how) => {
      const line = newLine()
      await line.charge()
      const { entry, order } = await line.charge()
      await line.line().lower(entry, order.id, 400n)
      if (how === 'after a restart') await line.restart()
      expect(await line.place(order)).toMatchObject({ outcome: 'charged', due: 400n })
      await line.line().release(entry, order.id)
      expect((await line.standing()).charged).toBe(PRICE)
      expect((await line.entries()).at(-1)).toMatchObject({ kind: 'release', amount: 400n })
    },
  )

  it('lowers a charge once, for its first delivery', async () => {
    const line = newLine()
    const { entry, order } = await line.charge()
    expect(await line.line().lower(entry, 'another', 1n)).toBe(PRICE)
    expect(await line.line().lower(entry, order.id, 400n)).toBe(400n)
    expect(await line.line().lower(entry, order.id, 1n)).toBe(400n)
    expect((await line.standing()).charged).toBe(400n)
  })
})
