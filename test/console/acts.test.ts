import { describe, expect, it } from 'vitest'
import { bodyOf } from './bodies.ts'
import { browse } from './edge.ts'

const KEY = '0123456789abcdef-key'
const INVOICE = {
  ...{
    id: 'INV-000001',
    number: 1,
    agent: 'acme',
    periods: ['2026-11'],
    from: 0,
    to: 1,
    issuedAt: 0,
    dueAt: 1,
  },
  ...{
    seller: { name: 'Tally' },
    buyer: { name: '<b>Acme</b>', country: 'US' },
    rail: 'transfer',
    stage: 'open',
  },
  ...{ net: '1800000', vat: { amount: '0' }, total: '1800000', paid: '0', credited: '0', creditedNet: '0' },
  ...{ owed: '1800000', failedAt: null, history: [] },
}
const ACT = {
  seq: 42,
  at: 1,
  who: 'token 1a2b3c4d',
  what: 'invoice.pay',
  subject: 'INV-000001',
  before: null,
}

/** The buttons of a page's own content. */
async function buttonsIn(answer: Response): Promise<string[]> {
  const [, main = ''] = (await answer.text()).split('<main')
  return [...main.matchAll(/<button[^>]*>([^<]*)/g)].map(([, text = '']) => text.trim())
}

describe('a money act', () => {
  it('repeats the amount and the name on its button, and carries a key that differs each time', async () => {
    const page = async () => (await browse(() => INVOICE).get('/invoices/INV-000001')).text()
    const [one, two] = [await page(), await page()]
    expect(one).toContain('Record $1.80 from &lt;b&gt;Acme&lt;/b&gt;')
    const keyIn = (text: string) => /name="key" value="([^"]{36})"/.exec(text)?.[1]
    expect(keyIn(one)).toBeDefined()
    expect(keyIn(one)).not.toBe(keyIn(two))
  })

  it('is sent with the key of its form, and ends on the page of its outcome', async () => {
    const { send, orders } = browse(() => INVOICE)
    const answer = await send('/invoices/INV-000001/paid', {
      key: KEY,
      amount: '1800000',
      reference: 'BANK-1',
    })
    expect(answer.status).toBe(303)
    expect(answer.headers.get('location')).toMatch(
      new RegExp(`^/acts/${KEY}\\?to=%2Finvoices%2FINV-000001&at=\\d+&is=done$`),
    )
    expect(orders).toMatchObject([{ method: 'POST', path: '/invoices/INV-000001/payments', key: KEY }])
  })

  it('shows its entry in the audit log once it is done', async () => {
    const act = { ...ACT, after: { payment: { amount: '1800000', reference: 'BANK-1' } } }
    const { get } = browse((order) =>
      order.path.startsWith('/audit') ? { acts: [act], next: null } : bodyOf(order),
    )
    const text = await (await get(`/acts/${KEY}?to=/invoices/INV-000001&at=1&is=done`)).text()
    expect(text).toContain('Transfer recorded')
    expect(text).toContain('<a href="/audit/42">Entry 42</a>')
    expect(text).toContain('$1.80')
    expect(text).toContain('href="/invoices/INV-000001"')
  })

  it('leads to a page without a button while its outcome is unknown, which asks again by itself', async () => {
    const { send, get } = browse(({ method }) =>
      method === 'POST' ? 'lost' : { at: Date.now(), status: null, act: null },
    )
    const sent = await send('/invoices/INV-000001/paid', { key: KEY, amount: '1800000', reference: 'BANK-1' })
    const location = sent.headers.get('location') ?? ''
    expect([sent.status, location.includes('is=done')]).toEqual([303, false])
    const answer = await get(location)
    expect(answer.headers.get('refresh')).toBe('2')
    expect(await answer.clone().text()).toContain('The outcome is not known yet')
    expect(await buttonsIn(answer)).toEqual([])
  })

  it('says that it left no trace after a minute, and claims nothing about what was changed', async () => {
    const { get } = browse(() => undefined)
    const late = await get(`/acts/${KEY}?to=/invoices/INV-000001&at=${Date.now() - 61_000}`)
    expect(late.headers.get('refresh')).toBeNull()
    const text = await late.text()
    expect(text).toContain('The request left no trace')
    expect(text).not.toMatch(/nothing was changed|did not arrive/i)
    const soon = await get(`/acts/${KEY}?to=/invoices/INV-000001&at=${Date.now()}`)
    expect(soon.headers.get('refresh')).toBe('2')
  })

  it('shows the form again with what was typed where the API refuses it', async () => {
    const { send } = browse(({ method }) => (method === 'POST' ? undefined : INVOICE))
    const answer = await send('/invoices/INV-000001/paid', {
      key: KEY,
      amount: '1800000',
      reference: 'BANK-"1"',
    })
    expect(answer.status).toBe(404)
    expect(await answer.text()).toContain('value="BANK-&quot;1&quot;"')
  })

  it('never leads on to another host', async () => {
    const { get } = browse(() => ({ at: 1, status: 200, act: null }))
    const text = await (await get(`/acts/${KEY}?to=//evil.example/x&at=1&is=done`)).text()
    expect(text).not.toMatch(/href="[^"]*evil/)
  })
})

describe('a page that a browser has already', () => {
  it('is answered 304 until its content changes, whatever its time and the keys of its forms', async () => {
    let owed = '1800000'
    const { get } = browse(() => ({ ...INVOICE, owed }))
    const etag = (await get('/invoices/INV-000001')).headers.get('etag') ?? ''
    const again = await get('/invoices/INV-000001', { 'if-none-match': etag })
    expect([again.status, await again.text()]).toEqual([304, ''])
    owed = '1'
    expect((await get('/invoices/INV-000001', { 'if-none-match': etag })).status).toBe(200)
  })
})
