import { describe, expect, it } from 'vitest'
import type { DunningTerms, NoteDraft, PaymentReceived } from '../../../src/ledger/billing/types.ts'
import { verifyEntry } from '../../../src/protocol/statement.ts'
import { DAY, EVER, invoiceOf, type Line, newLine, PRICE, reasonOf } from './harness.ts'

const TERMS: DunningTerms = { net: 30, pastDue: 3, suspended: 10, writtenOff: 90 }

let payments = 0

function payment(invoice: string, amount: bigint): PaymentReceived {
  const id = `payment ${payments++}`
  return { id, invoice, amount, rail: 'transfer', reference: 'bank', at: 1 }
}

/** A line with one invoice over three charges. */
async function billed(terms: Parameters<typeof newLine>[0] = {}, vat = 0n) {
  const line = newLine(terms)
  for (let i = 0; i < 3; i++) await line.charge()
  const statement = await line.line().close(EVER)
  const invoice = invoiceOf(line, {
    number: 1,
    periods: [EVER.id],
    charged: statement?.total ?? 0n,
    vat: { rate: 0, treatment: 'standard', amount: vat },
  })
  await line.line().invoiced(invoice)
  await line.line().presented(invoice.id, { reference: 'bank', url: null, instructions: 'by transfer' })
  return { line, invoice, statement }
}

/** Appends `count` charges to a line with one, by a single SQL statement. */
async function grow(line: Line, count: number): Promise<void> {
  const columns = 'at, kind, amount, redeemed, credit, ceiling, id'
  const total = `printf('%039d', amount * (i + 1))`
  await line.sql(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
    INSERT INTO entry (seq, ${columns}, authorized, charged, once, attempt, site, rule)
    SELECT seq + i, ${columns}, ${total}, ${total}, once || i, 0, site, rule FROM entry, n WHERE kind = 'charge'`)
  await line.restart()
}

const draftOn = (invoice: string): NoteDraft => {
  const amounts = { net: PRICE, vat: 0n, total: PRICE, credited: 0n }
  return { invoice, issuedAt: 1, reason: 'a page twice', ...amounts }
}

const stagesOf = async (line: Line, now: number) =>
  (await line.line().dun(now, TERMS)).pendingSteps.map(({ stage }) => stage)

describe('CreditLine.close', () => {
  it('issues one statement with all charges and releases of the period', async () => {
    const line = newLine()
    await line.charge({ site: 'a.test', rule: 'RULES[0]' })
    const { entry, order } = await line.charge()
    await line.charge()
    await line.line().release(entry, order.id)
    const statement = await line.line().close(EVER)
    expect(statement).toMatchObject({ first: 1, last: 5, total: 2n * PRICE })
    expect(statement?.lines).toMatchObject([
      { site: 'a.test', rule: 'RULES[0]', charges: 1, releases: 0, amount: PRICE },
      { site: 'site.test', rule: 'default', charges: 2, releases: 1, amount: PRICE },
    ])
    await line.charge()
    expect(await line.line().close(EVER)).toEqual(statement)
    await line.restart()
    expect(await line.line().statement(EVER.id)).toEqual(statement)
    expect((await line.line().statements()).map(({ period }) => period)).toEqual([EVER])
  })

  it('issues one statement when called three times at once', async () => {
    const line = newLine()
    await line.charge()
    const statements = await Promise.all([1, 2, 3].map(() => line.line().close(EVER)))
    expect(new Set(statements.map((statement) => statement?.closedAt)).size).toBe(1)
    expect(await line.line().statements()).toHaveLength(1)
  })

  it('states each entry of a long period once when calls overlap', async () => {
    const line = newLine()
    await line.charge()
    await grow(line, 2500)
    const closing = ['a', 'b', 'a'].map((id) => line.line().close({ ...EVER, id }))
    const totals = (await Promise.all(closing)).map((statement) => statement?.total)
    expect(totals.toSorted()).toEqual([2501n * PRICE, 2501n * PRICE, undefined])
    expect(await line.line().statements()).toMatchObject([{ period: { id: 'a' }, first: 1, last: 2502 }])
    expect(await line.line().proof(2000)).toMatchObject({ index: 1999, size: 2502, entry: { seq: 2000 } })
  })

  it('leaves charges after the end of the period to the next statement', async () => {
    const line = newLine()
    const { at } = await line.charge()
    await line.sql(`UPDATE entry SET at = at + 5000 WHERE kind = 'charge'`)
    await line.restart()
    const early = { ...EVER, id: 'early', to: at + 5000 }
    expect(await line.line().close(early)).toBeNull()
    await line.charge()
    const statement = await line.line().close({ ...EVER, id: 'first', to: at + 5001 })
    const next = await line.line().close({ ...EVER, id: 'next' })
    expect([statement?.total, next?.total]).toEqual([2n * PRICE, undefined])
  })

  it('starts a monthly period where the last daily statement ended', async () => {
    const line = newLine()
    const { at } = await line.charge()
    const day = { id: 'day', from: at - 10, to: at + 1 }
    await line.line().close(day)
    await line.sql(`UPDATE entry SET at = at + 5000 WHERE kind = 'statement'`)
    await line.restart()
    await line.charge()
    const month = { id: 'month', from: at - 1000, to: Number.MAX_SAFE_INTEGER }
    expect(await line.line().close(month)).toMatchObject({ period: { ...month, from: day.to } })
    expect((await line.line().statements()).map(({ period }) => period.from)).toEqual([day.from, day.to])
  })

  it('returns null when nothing was charged', async () => {
    const line = newLine()
    await line.line().configure(line.enrolment)
    expect(await line.line().close(EVER)).toBeNull()
    expect(await line.line().bill()).toMatchObject({ unstated: null, uninvoiced: [] })
  })

  it('returns null when only a replay failed, which takes nothing back', async () => {
    const line = newLine()
    const order = line.order({ id: 'first' })
    const answer = await line.place(order)
    await line.place({ ...order, id: 'replay' })
    await line.line().close({ ...EVER, id: 'one' })
    if (answer.outcome === 'refused') throw new Error('the order must be charged')
    await line.line().release(answer.entry, 'replay')
    expect(await line.line().close({ ...EVER, id: 'two' })).toBeNull()
  })

  it('stores a root that proves each entry and no altered one', async () => {
    const { line, statement } = await billed()
    if (!statement) return expect.fail('no statement')
    const { first, last, root } = statement
    const entries = { first, last, root }
    for (let seq = first; seq <= last; seq++) {
      const proof = await line.line().proof(seq)
      if (!proof) return expect.fail(`no proof of ${seq}`)
      const plain = { ...proof, entry: { ...proof.entry, amount: proof.entry.amount.toString() } }
      const document = { entries } as Parameters<typeof verifyEntry>[0]
      expect(verifyEntry(document, plain)).toBe(true)
      expect(verifyEntry(document, { ...plain, entry: { ...plain.entry, amount: '1' } })).toBe(false)
    }
    expect(await line.line().proof(last + 1)).toBeNull()
  })
})

describe('CreditLine invoice', () => {
  it('covers its statements and is stored once', async () => {
    const { line, invoice } = await billed()
    await line.line().invoiced({ ...invoice, total: 0n })
    expect(await line.line().invoices()).toMatchObject([{ id: invoice.id, total: 3n * PRICE, stage: 'open' }])
    expect(await line.line().bill()).toMatchObject({ uninvoiced: [], invoices: [{ id: invoice.id }] })
  })

  it('leaves an amount that a credit note carried meanwhile to the next invoice', async () => {
    const line = newLine()
    const charges = [await line.charge(), await line.charge()]
    await line.line().close(EVER)
    const first = invoiceOf(line, { number: 1, periods: [EVER.id], charged: 2n * PRICE })
    await line.line().invoiced(first)
    await line.charge()
    await line.line().close({ ...EVER, id: 'second' })
    const second = invoiceOf(line, { number: 2, periods: ['second'], charged: PRICE })
    for (const { entry, order } of charges) await line.line().release(entry, order.id)
    await line.credit('CN-1', { invoice: first.id, net: PRICE })
    await line.line().invoiced(second)
    await line.line().close({ ...EVER, id: 'third' })
    const sums = { carried: PRICE, uninvoiced: [{ total: -2n * PRICE }], charged: PRICE, excess: PRICE }
    expect(await line.line().bill()).toMatchObject(sums)
    await line.restart()
    expect(await line.line().bill()).toMatchObject(sums)
  })

  it('redeems each payment once by its id', async () => {
    const { line, invoice } = await billed()
    const part = payment(invoice.id, PRICE)
    await line.line().paid(part)
    await line.restart()
    expect(await line.line().paid(part)).toMatchObject({ paid: PRICE, stage: 'open' })
    expect(await line.standing()).toMatchObject({ charged: 3n * PRICE, redeemed: PRICE })
    const rest = await line.line().paid(payment(invoice.id, 2n * PRICE))
    expect(rest).toMatchObject({ paid: 3n * PRICE, stage: 'settled' })
    expect(await line.standing()).toMatchObject({ charged: 3n * PRICE, redeemed: 3n * PRICE, credit: 0n })
  })

  it('redeems its net amount, not the tax on it', async () => {
    const { line, invoice } = await billed({}, 630n)
    await line.line().paid(payment(invoice.id, 1815n))
    expect(await line.standing()).toMatchObject({ redeemed: 1500n })
    await line.line().paid(payment(invoice.id, 1815n))
    expect(await line.standing()).toMatchObject({ redeemed: 3000n, credit: 0n })
  })

  it('is lowered by a credit note once, together with the charged amount', async () => {
    const { line, invoice } = await billed()
    const less = { invoice: invoice.id, net: PRICE, credited: 0n }
    await line.credit('CN-1', less)
    expect(await line.credit('CN-1', less)).toMatchObject({ credited: PRICE, stage: 'open' })
    expect(await line.standing()).toMatchObject({ charged: 2n * PRICE })
    expect(await line.line().paid(payment(invoice.id, 2n * PRICE))).toMatchObject({ stage: 'settled' })
    expect(await line.standing()).toMatchObject({ charged: 2n * PRICE, redeemed: 2n * PRICE })
  })

  it('releases only the rest of a charge that was credited in part', async () => {
    const line = newLine()
    const { entry, order } = await line.charge()
    await line.line().close(EVER)
    const invoice = invoiceOf(line, { number: 1, periods: [EVER.id], charged: PRICE })
    await line.line().invoiced(invoice)
    await line.credit('CN-1', { invoice: invoice.id, net: 1n })
    await line.line().release(entry, order.id)
    expect((await line.entries()).at(-1)).toMatchObject({ kind: 'release', amount: PRICE - 1n, charged: 0n })
  })

  it('ignores a second credit note above the remaining net', async () => {
    const { line, invoice } = await billed()
    await line.line().paid(payment(invoice.id, 3n * PRICE))
    for (let i = 0; i < 3; i++) await line.charge()
    const second = invoiceOf(line, { number: 2, periods: ['later'], charged: 3n * PRICE })
    await line.line().invoiced(second)
    const net = 2n * PRICE
    await line.credit('CN-1', { invoice: second.id, net })
    expect(await line.credit('CN-2', { invoice: second.id, net })).toMatchObject({ credited: net })
    expect(await line.standing()).toMatchObject({ charged: 4n * PRICE, redeemed: 3n * PRICE })
    expect(await line.line().history(second.id)).toMatchObject([{ document: { id: 'CN-1' } }])
  })

  it('stores one draft of a credit note at a time, also after a restart, until its note is stored', async () => {
    const { line, invoice } = await billed()
    const draft = draftOn(invoice.id)
    expect(await line.line().draftNote(draft)).toEqual(draft)
    await line.restart()
    expect(await line.line().draftNote({ ...draft, reason: 'late' })).toEqual(draft)
    expect(await line.line().bill()).toMatchObject({ draftedNotes: [draft] })
    await line.line().credited({ id: 'CN-1', number: 1, invoice: invoice.id })
    await line.restart()
    expect(await line.line().bill()).toMatchObject({ draftedNotes: [], invoices: [{ credited: PRICE }] })
  })

  it('rejects the draft of a credit note that does not come after the last one', async () => {
    const { line, invoice } = await billed()
    await line.credit('CN-1', { invoice: invoice.id, net: PRICE })
    expect(await line.line().draftNote(draftOn(invoice.id))).toBeNull()
    expect(await line.line().credited({ id: 'CN-2', number: 2, invoice: invoice.id })).toMatchObject({
      credited: PRICE,
    })
  })

  it('covers one released amount by one draft of a credit note only', async () => {
    const { line, invoice } = await billed()
    const { entry, order } = await line.charge()
    await line.line().close({ ...EVER, id: 'second' })
    const second = invoiceOf(line, { number: 2, periods: ['second'], charged: PRICE })
    await line.line().invoiced(second)
    await line.line().release(entry, order.id)
    const release = { unit: 1n, reason: 'not delivered', now: 1 }
    const covered = { net: PRICE, released: PRICE, invoice: second.id }
    expect(await line.line().draftReleased({ ...release, invoice: second.id })).toMatchObject(covered)
    expect(await line.line().bill()).toMatchObject({ excess: 0n })
    expect(await line.line().draftReleased({ ...release, invoice: invoice.id })).toBeNull()
  })

  it('allows one payment attempt at a time', async () => {
    const { line, invoice } = await billed()
    const attempt = (id: string) => line.line().attempt(invoice.id, id, 'detail')
    expect([await attempt('a'), await attempt('b'), await attempt('a')]).toEqual([
      'begun',
      'busy',
      'replayed',
    ])
    await line.restart()
    expect(await line.line().attempts()).toMatchObject([{ id: 'a', invoice: invoice.id }])
    await line.line().abandon(invoice.id, 'a')
    expect(await attempt('b')).toBe('begun')
    await line.line().paid({ ...payment(invoice.id, 3n * PRICE), id: 'b' })
    expect([await attempt('b'), await attempt('c')]).toEqual(['replayed', 'settled'])
    expect(await line.line().attempts()).toEqual([])
  })

  it('keeps a refused payment attempt, which blocks no other and may begin again [I9]', async () => {
    const { line, invoice } = await billed()
    const attempt = (id: string) => line.line().attempt(invoice.id, id, 'detail')
    await attempt('a')
    for (let times = 0; times < 2; times++) await line.line().refuse(invoice.id, 'a')
    await line.restart()
    expect(await line.line().attempts()).toMatchObject([{ id: 'a', isRefused: true }])
    expect([await attempt('a'), await attempt('b')]).toEqual(['begun', 'busy'])
    await line.line().refuse(invoice.id, 'a')
    expect(await attempt('b')).toBe('begun')
    await line.line().paid({ ...payment(invoice.id, 3n * PRICE), id: 'b' })
    expect(await line.line().bill()).toMatchObject({ attempted: [{ id: invoice.id }] })
    await line.line().paid({ ...payment(invoice.id, 3n * PRICE), id: 'a' })
    expect(await line.line().bill()).toMatchObject({ attempted: [] })
  })
})

describe('CreditLine payment', () => {
  it('raises the credit limit from the initial limit up to the full one [C10]', async () => {
    const { line, invoice } = await billed({ limit: 5n * PRICE, probation: 3n * PRICE })
    expect(reasonOf(await line.place(line.order()))).toBe('credit_exhausted')
    await line.line().paid(payment(invoice.id, 3n * PRICE))
    expect(await line.standing()).toMatchObject({ limit: 5n * PRICE })
    for (let i = 0; i < 5; i++) await line.charge()
    expect(reasonOf(await line.place(line.order()))).toBe('credit_exhausted')
  })

  it('becomes account balance when the paid charge is released, and pays for the next charge', async () => {
    const line = newLine()
    const { entry, order } = await line.charge()
    await line.line().close(EVER)
    const invoice = invoiceOf(line, { number: 1, periods: [EVER.id], charged: PRICE })
    await line.line().invoiced(invoice)
    await line.line().paid(payment(invoice.id, PRICE))
    await line.line().release(entry, order.id)
    expect(await line.standing()).toMatchObject({ charged: PRICE, redeemed: PRICE, credit: PRICE })
    await line.charge()
    expect(await line.standing()).toMatchObject({ charged: PRICE, redeemed: PRICE, credit: 0n })
  })
})

describe('CreditLine.dun', () => {
  it('returns each stage until its notification is delivered', async () => {
    const { line } = await billed()
    expect(await stagesOf(line, 29 * DAY)).toEqual([])
    expect(await stagesOf(line, 33 * DAY)).toEqual(['due', 'past_due'])
    const { pendingSteps: steps } = await line.line().dun(33 * DAY, TERMS)
    expect(steps).toHaveLength(2)
    await line.line().notified(steps.map(({ id }) => id))
    await line.restart()
    expect(await stagesOf(line, 40 * DAY)).toEqual(['suspended'])
    expect(await stagesOf(line, 120 * DAY)).toEqual(['suspended', 'written_off'])
  })

  it('suspends the credit line until the invoice is paid', async () => {
    const { line, invoice } = await billed()
    await line.line().dun(41 * DAY, TERMS)
    expect(reasonOf(await line.place(line.order()))).toBe('credit_suspended')
    await line.restart()
    expect(await line.standing()).toMatchObject({ closed: 'credit_suspended' })
    await line.line().paid(payment(invoice.id, 3n * PRICE))
    expect(await line.standing()).toMatchObject({ closed: null })
    await line.charge()
    expect(await stagesOf(line, 50 * DAY)).toEqual(['due', 'past_due', 'suspended', 'settled'])
  })

  it('marks an invoice past due when its payment is reversed, and rewrites no entry [C13]', async () => {
    const { line, invoice } = await billed()
    const received = payment(invoice.id, 3n * PRICE)
    await line.line().paid(received)
    const before = await line.entries()
    const reversal = { id: 'dispute 1', invoice: invoice.id, payment: received.id, amount: 3n * PRICE }
    await line.line().reversed({ ...reversal, reason: 'disputed', at: 2 })
    expect(await line.line().invoice(invoice.id)).toMatchObject({ stage: 'past_due', paid: 0n })
    expect(await line.standing()).toMatchObject({
      redeemed: 0n,
      charged: 3n * PRICE,
      closed: 'credit_unpaid',
    })
    expect(reasonOf(await line.place(line.order()))).toBe('credit_unpaid')
    expect((await line.entries()).slice(0, before.length)).toEqual(before)
    await line.line().paid(payment(invoice.id, 3n * PRICE))
    await line.charge()
  })

  it.each([
    ['without a credit note', 0n],
    ['with a full credit note', 3n * PRICE],
  ])('asks for the amount twice when its payment was refunded and disputed (%s) [C13]', async (_, net) => {
    const { line, invoice } = await billed()
    const received = payment(invoice.id, 3n * PRICE)
    await line.line().paid(received)
    if (net > 0n) await line.credit('CN-1', { invoice: invoice.id, net })
    const reversal = {
      invoice: invoice.id,
      payment: received.id,
      amount: 3n * PRICE,
      reason: 'twice',
      at: 2,
    }
    await line.line().reversed({ ...reversal, id: 'refund 1' })
    expect(await line.line().reversed({ ...reversal, id: 'dispute 1' })).toMatchObject({
      paid: -3n * PRICE,
    })
    expect(await line.standing()).toMatchObject({ redeemed: 0n })
    await line.line().paid(payment(invoice.id, 6n * PRICE - net))
    expect(await line.line().invoice(invoice.id)).toMatchObject({ stage: 'settled' })
    expect(await line.standing()).toMatchObject({ redeemed: 3n * PRICE - net })
  })
})
