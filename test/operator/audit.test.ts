import { env, introspectWorkflow } from 'cloudflare:test'
import { expect, it } from 'vitest'
import { AUDIT, type AuditLog } from '../../src/ledger/act.ts'
import { newOperator, type Operator } from './harness.ts'

const log = () => env.AUDIT.getByName(AUDIT)

type Acts = { acts: { what: string; subject: string; after: object }[] }

/** A log that stores `.asked` events and fails before it stores the result. */
const audit: AuditLog = {
  acts: (after, limit) => log().acts(after, limit),
  search: (filter, before, limit) => log().search(filter, before, limit),
  note: (act) => (act.what.endsWith('.asked') ? log().note(act) : Promise.reject(new Error('write failed'))),
}

async function invoiced(operator: Operator): Promise<string> {
  const agent = await operator.enrol()
  await agent.charge(1_000_000n)
  await operator.runBilling()
  const { body } = await operator.get(`/api/invoices?agent=${agent.id}`)
  return (body.invoices as { id: string }[])[0]?.id ?? ''
}

async function actsOn(operator: Operator, subject: string) {
  const acts: Acts['acts'] = []
  for (let after: unknown = 0; after !== null; ) {
    const { body } = await operator.get(`/api/audit?limit=500&after=${after}`)
    acts.push(...(body as Acts).acts)
    after = body.next
  }
  return acts.filter((act) => act.subject === subject)
}

it.each([
  ['payments', 'invoice.pay', { reference: 'bank' }, { payment: { reference: 'bank', amount: '1210000' } }],
  [
    'credit-notes',
    'invoice.credit',
    { amount: '300000', reason: 'an error' },
    { net: '300000', reason: 'an error', creditedNet: '0' },
  ],
])(
  'A change by %s leaves its .asked event when the Worker aborts after it [E2]',
  async (what, word, form, asked) => {
    const operator = await newOperator({ audit })
    const id = await invoiced(operator)
    const { status } = await operator.post(`/api/invoices/${id}/${what}`, form)
    expect(status).toBe(503)
    const history = (await operator.get(`/api/invoices/${id}`)).body.history as { kind: string }[]
    expect(history.filter(({ kind }) => kind === 'payment' || kind === 'credit_note')).toHaveLength(1)
    expect(await actsOn(operator, id)).toMatchObject([{ what: `${word}.asked`, after: asked }])
  },
)

it('A started run leaves its .asked event when the Worker aborts after it [E2]', async () => {
  await using runs = await introspectWorkflow(env.SETTLEMENT)
  await runs.modifyAll((run) => run.disableSleeps())
  const time = Date.UTC(2031, 3, 5, 6, 7, 8)
  const operator = await newOperator({ audit, now: () => time })
  expect((await operator.post('/api/runs')).status).toBe(503)
  const id = 'settle-20310405T060708'
  expect(await actsOn(operator, id)).toMatchObject([{ what: 'run.start.asked' }])
  const [instance] = await runs.get()
  await instance?.waitForStatus('complete')
})

it('A rejected credit note stores its reason in the audit log', async () => {
  const operator = await newOperator()
  const id = await invoiced(operator)
  const form = { amount: '2000000', reason: 'too much' }
  expect((await operator.post(`/api/invoices/${id}/credit-notes`, form)).status).toBe(409)
  expect(await actsOn(operator, id)).toMatchObject([
    { what: 'invoice.credit.asked' },
    { what: 'invoice.credit', after: { refused: 'too_much' } },
  ])
})

it('The audit log exists without credit', async () => {
  const operator = await newOperator({ credit: false, audit: log() })
  const objects = [env.ACCOUNT.idFromName('no-credit').toString()]
  await operator.post('/api/book', { kind: 'channel', objects })
  const { acts } = (await operator.get('/api/audit?limit=500')).body as Acts
  expect(acts.slice(-2)).toMatchObject([{ what: 'book.rebuild.asked' }, { what: 'book.rebuild' }])
})
