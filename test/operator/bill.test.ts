import { env } from 'cloudflare:test'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { saveStatements } from '../../src/ledger/book/credit.ts'
import { payerPortal } from '../../src/portal/invoices.ts'
import {
  type PlainProof,
  type PublicKey,
  type SignedStatement,
  verifyEntry,
  verifyStatement,
} from '../../src/protocol/statement.ts'
import type { Rail } from '../../src/rails/rail.ts'
import { transferRail } from '../../src/rails/transfer.ts'
import { randomHex } from '../chain/harness.ts'
import { newOperator, type Operator } from './harness.ts'

type Acts = { acts: { who: string; what: string; subject: string; before: object; after: object }[] }

/** An agent with charges, a statement and an invoice. */
async function billed(operator: Operator, prices: bigint[], form: Record<string, unknown> = {}) {
  const agent = await operator.enrol(form)
  for (const price of prices) await agent.charge(price)
  await operator.runBilling()
  const { body } = await operator.get(`/api/invoices?agent=${agent.id}`)
  const [invoice] = body.invoices as { id: string; periods: string[]; total: string; net: string }[]
  if (!invoice) throw new Error('there must be an invoice')
  return { ...agent, invoice, period: String(invoice.periods[0]) }
}

async function keysOf(operator: Operator): Promise<PublicKey[]> {
  const response = await payerPortal(operator.billing).request('/_tab402/keys')
  return ((await response.json()) as { keys: PublicKey[] }).keys
}

describe('Billing API', () => {
  it('leads from statement to invoice, payments and credit note, each in the audit log', async () => {
    const operator = await newOperator()
    const { id, invoice, period } = await billed(operator, [1_000_000n, 1_000_000n, 4_321n])

    const list = await operator.get(`/api/statements?agent=${id}`)
    expect(list.body.statements).toMatchObject([{ agent: id, period: { id: period }, total: '2004321' }])
    const statement = await operator.get(`/api/statements/${id}/${period}`)
    const signed = statement.body as SignedStatement
    expect(signed.statement).toMatchObject({
      agent: { id, name: 'Example Bot' },
      type: 'tab402/statement/2',
      lines: [
        {
          site: 'site.test',
          rule: 'default',
          policy: null,
          who: null,
          charges: 3,
          releases: 0,
          amount: '2004321',
        },
      ],
    })
    expect(await verifyStatement(signed, await keysOf(operator))).toBe(true)

    expect(invoice).toMatchObject({ net: '2000000', carriedOut: '4321', total: '2420000', owed: '2420000' })
    const first = await operator.post(`/api/invoices/${invoice.id}/payments`, {
      amount: '$1',
      reference: 'bank 1',
    })
    expect(first.body).toMatchObject({ paid: '1000000', owed: '1420000', stage: 'open' })
    const second = await operator.post(`/api/invoices/${invoice.id}/payments`, { reference: 'bank 2' })
    expect(second.body).toMatchObject({ paid: '2420000', owed: '0', stage: 'settled' })
    const correction = { amount: '500000', reason: 'served twice' }
    const credited = await operator.post(`/api/invoices/${invoice.id}/credit-notes`, correction)
    expect(credited.status).toBe(201)
    expect(credited.body).toMatchObject({
      creditNote: expect.stringMatching(/^CN-\d{6}$/),
      invoice: { credited: '610000', creditedNet: '500000', owed: '0' },
    })

    const one = await operator.get(`/api/invoices/${invoice.id}`)
    const history = one.body.history as { kind: string; document: object }[]
    expect(history.map(({ kind }) => kind)).toEqual([
      'presented',
      'payment',
      'payment',
      'stage',
      'credit_note',
    ])
    expect(history[1]?.document).toMatchObject({ reference: 'bank 1', amount: '1000000', rail: 'transfer' })

    const { acts } = (await operator.get('/api/audit')).body as Acts
    const ours = acts.filter(({ subject }) => subject === id || subject === invoice.id)
    const asked = ours.filter(({ what }) => what.endsWith('.asked'))
    expect(asked).toMatchObject([
      { what: 'invoice.pay.asked', before: { paid: '0' }, after: { payment: { reference: 'bank 1' } } },
      { what: 'invoice.pay.asked', after: { payment: { amount: '1420000', reference: 'bank 2' } } },
      { what: 'invoice.credit.asked', after: { net: '500000', reason: 'served twice', creditedNet: '0' } },
    ])
    expect(ours.filter((act) => !asked.includes(act))).toMatchObject([
      { what: 'agent.create', before: null, after: { id } },
      {
        what: 'invoice.pay',
        before: { paid: '0', owed: '2420000' },
        after: { paid: '1000000', owed: '1420000', payment: { amount: '1000000', reference: 'bank 1' } },
      },
      { what: 'invoice.pay', after: { owed: '0', stage: 'settled', payment: { reference: 'bank 2' } } },
      {
        what: 'invoice.credit',
        before: { credited: '0' },
        after: { credited: '610000', creditNote: { net: '500000', reason: 'served twice' } },
      },
    ])
    expect(new Set(acts.map(({ who }) => who))).toEqual(
      new Set([`token ${operator.settings.tokenSha256?.slice(0, 8)}`]),
    )
    const { body } = await operator.get(`/api/accounts/${id}`)
    expect(body.standing).toMatchObject({
      charged: '1504321',
      redeemed: '1500000',
      credit: '0',
      owed: '4321',
    })
  })

  it('lists the statements with a sale of a site or an asker, with the lines of these sales', async () => {
    const operator = await newOperator()
    const { id, charge } = await operator.enrol()
    await charge(1_000n, { site: 'a.test', who: 'ExampleBot', policy: 3 })
    await charge(2_000n, { site: 'b.test', who: '~OtherBot', policy: 1 })
    await operator.runBilling()
    const found = async (query: string) => {
      const { body } = await operator.get(`/api/statements?agent=${id}&${query}`)
      const listed = body.statements as { lines: { site: string; amount: string }[] }[]
      return listed.map(({ lines }) => lines.map(({ site, amount }) => [site, amount]))
    }
    expect(await found('site=a.test')).toEqual([[['a.test', '1000']]])
    expect(await found('who=~OtherBot')).toEqual([[['b.test', '2000']]])
    expect(await found('policy=3&rule=default')).toEqual([[['a.test', '1000']]])
    expect(await found('site=a.test&who=~OtherBot')).toEqual([])
    const { text } = await operator.get('/api/export/statements.csv?site=b.test')
    expect(text.split('\r\n').filter((row) => row.startsWith(id))).toMatchObject([
      expect.stringContaining('b.test,default,1,0,0.002000'),
    ])
    const signed = (await operator.get('/api/export/statements.ndjson?who=absent')).text
    expect(signed).not.toContain(id)
  })

  it('returns the same signed statement after its agent was renamed', async () => {
    const operator = await newOperator()
    const { id, period, line } = await billed(operator, [10_000n])
    const path = `/api/statements/${id}/${period}`
    const before = await operator.get(path)
    await operator.call('PATCH', `/api/agents/${id}`, { name: 'Renamed' })
    expect((await line().standing())?.enrolment.name).toBe('Renamed')
    expect(await operator.get(path)).toEqual(before)
  })

  it('proves every entry of a statement and rejects entries outside it', async () => {
    const operator = await newOperator()
    const { id, period, line } = await billed(operator, [10_000n, 20_000n, 30_000n])
    const { statement } = (await operator.get(`/api/statements/${id}/${period}`)).body as SignedStatement
    const { first, last } = statement.entries
    expect((await line().entries(0, 100)).length).toBeGreaterThanOrEqual(last)
    for (let seq = first; seq <= last; seq++) {
      const { body } = await operator.get(`/api/statements/${id}/${period}/proofs/${seq}`)
      const proof = body as unknown as PlainProof
      expect(proof.entry.seq).toBe(seq)
      expect(verifyEntry(statement, proof)).toBe(true)
      expect(verifyEntry(statement, { ...proof, entry: { ...proof.entry, amount: '1' } })).toBe(false)
    }
    for (const path of [`${period}/proofs/${last + 1}`, `2001-01-01/proofs/${first}`, `${period}/proofs/x`])
      expect((await operator.get(`/api/statements/${id}/${path}`)).status).toBe(404)
  })

  it('returns a statement as CSV and HTML, and 400 for another format', async () => {
    const operator = await newOperator()
    const { id, period, invoice } = await billed(operator, [1_234_567n], { name: '<b>Bot</b>' })
    const table = await operator.get(`/api/statements/${id}/${period}?format=csv`)
    expect(table.headers.get('content-disposition')).toBe(
      `attachment; filename="statement-${id}-${period}.csv"`,
    )
    expect(table.text).toBe(
      `period,day,site,rule,charges,releases,usd,policy,who\r\n${period},${period},site.test,default,1,0,1.234567,,\r\n`,
    )
    for (const path of [`/api/statements/${id}/${period}`, `/api/invoices/${invoice.id}`]) {
      const page = await operator.get(`${path}?format=html`)
      expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(page.text).not.toContain('<b>')
      const { status, body } = await operator.get(`${path}?format=pdf`)
      expect([status, body.code]).toEqual([400, 'invalid'])
    }
  })

  it('shows payment instructions on the invoice page while an amount is owed', async () => {
    const operator = await newOperator()
    const { invoice } = await billed(operator, [1_234_567n])
    const page = async () => (await operator.get(`/api/invoices/${invoice.id}?format=html`)).text
    expect(await page()).toContain('IBAN NL00 BANK 0123 4567 89')
    await operator.post(`/api/invoices/${invoice.id}/payments`, { reference: 'wire 17' })
    expect(await page()).not.toContain('IBAN')
  })

  it('returns statements and invoices in pages, and 400 for an unknown stage', async () => {
    const operator = await newOperator()
    const agents = [await billed(operator, [50_000n]), await billed(operator, [60_000n])]
    const ids = new Set(agents.map(({ id }) => id))
    const stated: string[] = []
    // Includes statements with the same closing time.
    const period = { id: '2001-01-01', from: 0, to: 1 }
    const head = { period, first: 1, last: 1, total: 0n, root: randomHex(32), closedAt: 1, name: 'Example' }
    const twins = ['twin-a', 'twin-b', 'twin-c']
    await saveStatements(
      env.BOOK,
      twins.map((agent) => ({ ...head, agent })),
    )
    let cursor = ''
    do {
      const { body } = await operator.get(`/api/statements?limit=1${cursor && `&after=${cursor}`}`)
      stated.push(...(body.statements as { agent: string }[]).map(({ agent }) => agent))
      cursor = (body.next as string | null) ?? ''
    } while (cursor)
    expect(stated.filter((agent) => ids.has(agent)).sort()).toEqual([...ids].sort())
    expect(stated.slice(-3)).toEqual(twins.toReversed())
    expect(new Set(stated).size).toBe(stated.length)
    const newest = await operator.get('/api/invoices?limit=1')
    const next = await operator.get(`/api/invoices?limit=1&before=${newest.body.next}`)
    expect(newest.body.invoices).toMatchObject([{ agent: agents[1]?.id }])
    expect(next.body.invoices).toMatchObject([{ agent: agents[0]?.id }])
    const open = await operator.get(`/api/invoices?agent=${agents[0]?.id}&stage=settled`)
    expect(open.body.invoices).toEqual([])
    // Trap: an empty list for a misspelled stage would read as "nothing is past due".
    const { status, body } = await operator.get('/api/invoices?stage=pastdue')
    expect([status, body.errors]).toMatchObject([400, [{ path: 'stage', message: 'must be a known word' }]])
  })
})

describe('Transfer recorded by the operator', () => {
  it('is stored once by its reference and rejected with another amount', async () => {
    const operator = await newOperator()
    const { invoice } = await billed(operator, [1_000_000n])
    const path = `/api/invoices/${invoice.id}/payments`
    const paid = await operator.post(path, { reference: 'bank' })
    const again = await operator.post(path, { reference: 'bank' })
    expect(again.body).toEqual(paid.body)
    const other = await operator.post(path, { reference: 'bank', amount: '1' })
    const used = { code: 'reference_used', amount: invoice.total, returned: false }
    expect([other.status, other.body]).toMatchObject([409, used])
    const more = await operator.post(path, { reference: 'another' })
    expect([more.status, more.body]).toMatchObject([409, { code: 'settled' }])
  })

  it('can be returned once, after which another transfer can pay the invoice', async () => {
    const operator = await newOperator()
    const { id, invoice } = await billed(operator, [1_000_000n])
    const path = `/api/invoices/${invoice.id}`
    await operator.post(`${path}/payments`, { reference: 'bank' })
    const returned = { reference: 'bank', reason: 'of another customer' }
    const first = await operator.post(`${path}/returns`, returned)
    expect(first.body).toMatchObject({ stage: 'past_due', paid: '0', owed: invoice.total })
    expect((await operator.post(`${path}/returns`, returned)).body).toEqual(first.body)
    const again = await operator.post(`${path}/payments`, { reference: 'bank' })
    expect([again.status, again.body]).toMatchObject([409, { code: 'reference_used', returned: true }])
    const { body } = await operator.post(`${path}/payments`, { reference: 'bank 2' })
    expect(body).toMatchObject({ stage: 'settled', paid: invoice.total })
    const { accounts } = (await operator.get(`/api/accounts?after=${id.slice(0, -1)}&limit=1`)).body
    expect(accounts).toMatchObject([{ id, totals: { redeemed: '1000000' } }])
  })

  it('cannot be returned under an unknown reference', async () => {
    const operator = await newOperator()
    const { invoice } = await billed(operator, [1_000_000n])
    const path = `/api/invoices/${invoice.id}/returns`
    const { status, body } = await operator.post(path, { reference: 'bank', reason: 'so' })
    expect([status, body]).toMatchObject([409, { code: 'reference_unknown' }])
  })

  it('shows in the invoice and account lists at once', async () => {
    const operator = await newOperator()
    const { id, invoice } = await billed(operator, [1_000_000n])
    await operator.post(`/api/invoices/${invoice.id}/payments`, { reference: 'bank' })
    const { body } = await operator.get(`/api/invoices?agent=${id}`)
    expect(body.invoices).toMatchObject([{ stage: 'settled', owed: '0' }])
    const { accounts } = (await operator.get(`/api/accounts?after=${id.slice(0, -1)}&limit=1`)).body
    expect(accounts).toMatchObject([{ id, kind: 'credit', totals: { redeemed: '1000000' } }])
  })

  it('is rejected for an invoice that Stripe collects', async () => {
    const stripe: Rail = { ...transferRail(''), name: 'stripe', collects: async () => true }
    const operator = await newOperator({ rails: { stripe } })
    const { invoice } = await billed(operator, [1_000_000n], { rail: 'stripe' })
    const { status, body } = await operator.post(`/api/invoices/${invoice.id}/payments`, {
      reference: 'bank',
    })
    expect([status, body]).toMatchObject([409, { code: 'collected_by_stripe' }])
  })

  it('returns 404 for an unknown invoice', async () => {
    const operator = await newOperator()
    for (const id of ['INV-999999', 'INV-1', "INV-000001'--", 'x']) {
      const { status } = await operator.post(`/api/invoices/${id}/payments`, { reference: 'bank' })
      expect(status).toBe(404)
    }
  })

  it('returns 400 for an invalid reference, amount or time', async () => {
    const operator = await newOperator()
    const { invoice } = await billed(operator, [1_000_000n])
    const forms = [
      {},
      { reference: '' },
      { reference: 'x', amount: '0' },
      { reference: 'x', amount: '-1' },
      { reference: 'x', amount: 1 },
      { reference: 'x', at: 1.5 },
      { reference: 'x\u0000' },
      { reference: '\ud800' },
    ]
    for (const form of forms) {
      const { status } = await operator.post(`/api/invoices/${invoice.id}/payments`, form)
      expect([form, status]).toEqual([form, 400])
    }
  })
})

describe('Credit note API', () => {
  it('issues a note once when repeated, and rejects more than the invoice', async () => {
    const operator = await newOperator()
    const { invoice } = await billed(operator, [1_000_000n])
    const path = `/api/invoices/${invoice.id}/credit-notes`
    const form = { amount: '300000', reason: 'a mistake' }
    expect((await operator.post(path, form)).status).toBe(201)
    const again = await operator.post(path, form)
    expect([again.status, again.body]).toMatchObject([
      409,
      { code: 'changed', creditedNet: '300000', creditable: '700000' },
    ])
    const tooMuch = await operator.post(path, { ...form, amount: '700001', creditedNet: '300000' })
    expect([tooMuch.status, tooMuch.body.code]).toEqual([409, 'too_much'])
    const rest = await operator.post(path, { ...form, amount: '700000', creditedNet: '300000' })
    expect(rest.body).toMatchObject({ invoice: { owed: '0', stage: 'settled', credited: invoice.total } })
  })

  it('issues one of two concurrent notes', async () => {
    const operator = await newOperator()
    const { invoice } = await billed(operator, [1_000_000n])
    const answers = await Promise.all(
      ['one', 'two'].map((reason) =>
        operator.post(`/api/invoices/${invoice.id}/credit-notes`, { amount: '400000', reason }),
      ),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409])
    expect((await operator.get(`/api/invoices/${invoice.id}`)).body).toMatchObject({ creditedNet: '400000' })
  })
})

describe('API with a failing dependency', () => {
  it('returns 503 and logs the fault without its message [G4]', async () => {
    const canary = `canary-${randomHex(8)}`
    const operator = await newOperator({ broken: () => Promise.reject(new Error(canary)) })
    const { id } = await (await newOperator()).enrol()
    const logged = vi.spyOn(console, 'error')
    onTestFinished(() => logged.mockRestore())
    for (const [method, path, form] of [
      ['GET', `/api/statements/${id}/2026-11-21`],
      ['PATCH', `/api/agents/${id}`, { rail: 'transfer' }],
    ] as const) {
      const { status, body, headers } = await operator.call(method, path, form)
      expect([status, body, headers.get('retry-after')]).toMatchObject([503, { code: 'unavailable' }, '5'])
    }
    expect(logged).toHaveBeenCalledTimes(2)
    expect(JSON.stringify(logged.mock.calls)).not.toContain(canary)
  })
})
