import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { type SignedStatement, verifyStatement } from '../../src/protocol/statement.ts'
import { randomHex } from '../chain/harness.ts'
import { configOf, stateOf, toCharge } from '../ledger/channel/harness.ts'
import { newId, newOperator, type Operator } from './harness.ts'

const SOLD = { site: 'gazette', rule: 'RULES[2] origin', policy: 7, who: '~GPTBot' }

/** A channel with one charge, opened without a chain. */
async function newChannel(): Promise<string> {
  const id = randomHex(32)
  const account = env.ACCOUNT.getByName(id)
  await account.open(id, configOf(), stateOf())
  await account.place(toCharge(1000n, { request: 'GET https://site.test/a', ...SOLD }))
  return id
}

/** A payer with one settled exact payment. */
async function newPayer(): Promise<{ id: string; signature: string }> {
  const [payer, token, receiver, nonce] = [randomHex(20), randomHex(20), randomHex(20), randomHex(32)]
  const id = `eip155:84532:${payer}`
  const signature = randomHex(65)
  const use = {
    id: newId(),
    name: id,
    token,
    payer,
    receiver,
    nonce,
    amount: 2000n,
    validBefore: 10n ** 10n,
    signature,
  }
  const authorizations = env.AUTHORIZATIONS.getByName(id)
  await authorizations.take({ ...use, request: 'GET https://site.test/b', ...SOLD, who: 'GPTBot' })
  await authorizations.settled(token, nonce, randomHex(32))
  return { id, signature }
}

async function rows(operator: Operator, path: string): Promise<string[][]> {
  const { text, headers } = await operator.get(`/api/export/${path}`)
  expect(headers.get('content-disposition')).toBe(`attachment; filename="${path.split('?')[0]}"`)
  expect(text.endsWith('\r\n')).toBe(true)
  return text
    .slice(0, -2)
    .split('\r\n')
    .map((line) => line.split(','))
}

async function objects<Item>(operator: Operator, path: string): Promise<Item[]> {
  const { text } = await operator.get(`/api/export/${path}`)
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Item)
}

describe('Export', () => {
  it('has every account with the totals from its own object', async () => {
    const operator = await newOperator()
    const { id, charge } = await operator.enrol()
    await charge(3000n)
    const [channel, payer] = [await newChannel(), await newPayer()]
    const table = await rows(operator, 'accounts.csv')
    expect(table[0]).toEqual(
      'account,kind,name,opened,authorized,charged,redeemed,credit,ceiling,closed,network'.split(','),
    )
    const found = (wanted: string) => table.find(([account]) => account === wanted)?.toSpliced(2, 2)
    expect(found(id)).toEqual([
      id,
      'credit',
      '0.003000',
      '0.003000',
      '0.000000',
      '0.000000',
      '100.000000',
      '',
      '',
    ])
    expect(found(channel)).toEqual([
      channel,
      'channel',
      '0.001000',
      '0.001000',
      '0.000000',
      '0.000000',
      '0.100000',
      '',
      '',
    ])
    expect(found(payer.id)).toEqual([
      payer.id,
      'exact',
      '0.002000',
      '0.002000',
      '0.002000',
      '0.000000',
      '',
      '',
      'eip155:84532',
    ])
    const same = await objects<{ id: string; charged: string }>(operator, 'accounts.ndjson')
    expect(same.map(({ id }) => id)).toEqual(table.slice(1).map(([account]) => account))
    expect(same.find((account) => account.id === id)).toMatchObject({ charged: '3000', ceiling: '100000000' })
  })

  it('has accounts and entries but no invoices on a site without credit', async () => {
    const operator = await newOperator({ credit: false })
    const [channel, payer] = [await newChannel(), await newPayer()]
    for (const path of ['accounts.csv', 'entries.csv']) {
      const accounts = (await rows(operator, path)).map(([account]) => account)
      expect(accounts).toEqual(expect.arrayContaining([channel, payer.id]))
    }
    expect((await operator.get('/api/export/invoices.csv')).status).toBe(404)
  })

  it('has every entry of every account, also beyond 1000 entries', async () => {
    const operator = await newOperator()
    const { id, line, charge } = await operator.enrol()
    await Promise.all(Array.from({ length: 1001 }, () => charge(1n)))
    const [channel, payer] = [await newChannel(), await newPayer()]
    const table = await rows(operator, 'entries.csv')
    const sequence = table.filter(([account]) => account === id).map(([, entry]) => Number(entry))
    expect(sequence).toEqual((await line().entries(0, 5000)).map(({ seq }) => seq))
    expect(sequence.length).toBeGreaterThan(1001)
    const kinds = (wanted: string) => table.filter(([account]) => account === wanted).map((row) => row[3])
    expect(kinds(channel)).toEqual(['open', 'charge'])
    expect(kinds(payer.id)).toEqual(['exact settled'])
  })

  it('names site, rule, policy version and asker of each sale, and has those alone that are asked for', async () => {
    const operator = await newOperator()
    const { id, charge } = await operator.enrol()
    await charge(1n)
    const [channel, payer] = [await newChannel(), await newPayer()]
    const found = async (query: string) => {
      const [, ...table] = await rows(operator, `entries.csv${query}`)
      const ours = table.filter(([account = '']) => [id, channel, payer.id].includes(account))
      return ours.map((row) => [row[0], row[3], ...row.slice(7, 11)])
    }
    const sold = ['gazette', 'RULES[2] origin', '7']
    const byChannel = [channel, 'charge', ...sold, '~GPTBot']
    const byExact = [payer.id, 'exact settled', ...sold, 'GPTBot']
    expect(await found('')).toContainEqual(byChannel)
    const both = [byChannel, byExact].sort(([a = ''], [b = '']) => (a < b ? -1 : 1))
    expect(await found('?site=gazette')).toEqual(both)
    expect(await found('?rule=RULES[2]&policy=7')).toEqual(both)
    expect(await found('?rule=RULES[2]%20origin&who=~GPTBot')).toEqual([byChannel])
    expect(await found('?who=GPTBot')).toEqual([byExact])
    expect(await found('?policy=8')).toEqual([])
    expect((await found('?site=')).map(([account, kind]) => [account, kind])).toContainEqual([
      channel,
      'open',
    ])
  })

  it('has signatures only with evidence=true', async () => {
    const operator = await newOperator()
    const { id, charge } = await operator.enrol()
    await charge(1n)
    const [channel, payer] = [await newChannel(), await newPayer()]
    const of = (all: { account: string }[], wanted: string) => all.filter(({ account }) => account === wanted)
    const plain = await operator.get('/api/export/entries.ndjson')
    expect(plain.text).not.toContain('signature')
    const all = await objects<{ account: string }>(operator, 'entries.ndjson?evidence=true')
    expect(of(all, id).at(-1)).toMatchObject({ kind: 'charge', evidence: { algorithm: 'ed25519' } })
    expect(of(all, channel).at(-1)).toMatchObject({ signature: expect.stringMatching(/^0x/) })
    expect(of(all, payer.id)).toMatchObject([{ signature: payer.signature }])
    for (const account of [id, channel, payer.id]) {
      expect((await operator.get(`/api/accounts/${account}`)).text).not.toContain('"signature"')
      expect((await operator.get(`/api/accounts/${account}?evidence=true`)).text).toContain('"signature"')
    }
  })

  it('has every signed statement and every invoice', async () => {
    const operator = await newOperator()
    const { id, charge } = await operator.enrol()
    await charge(1_234_567n)
    await operator.runBilling()
    const statements = await objects<SignedStatement>(operator, 'statements.ndjson')
    const signed = statements.find(({ statement }) => statement.agent.id === id)
    expect(signed && (await verifyStatement(signed, [operator.billing.seal.publicKey]))).toBe(true)
    const lines = await rows(operator, 'statements.csv')
    const root = signed?.statement.entries.root
    expect(lines.find(([agent]) => agent === id)?.slice(3)).toEqual([
      'site.test',
      'default',
      '1',
      '0',
      '1.234567',
      root,
      '',
      '',
    ])
    const invoices = await objects<{ agent: string }>(operator, 'invoices.ndjson')
    expect(invoices.find(({ agent }) => agent === id)).toMatchObject({ net: '1230000', total: '1490000' })
    const [head = [], ...table] = await rows(operator, 'invoices.csv')
    const row = table.find(([, agent]) => agent === id) ?? []
    const cell = (name: string) => row[head.indexOf(name)]
    expect(['charged', 'carried_out', 'net', 'vat_rate', 'vat', 'total', 'owed'].map(cell)).toEqual([
      '1.234567',
      '0.004567',
      '1.230000',
      '21',
      '0.260000',
      '1.490000',
      '1.490000',
    ])
  })

  it('has every credit note, which add up to the credited amount', async () => {
    const operator = await newOperator()
    const { id, charge } = await operator.enrol()
    await charge(1_230_000n)
    await operator.runBilling()
    const mine = async () =>
      (await objects<{ agent: string; id: string; credited: string }>(operator, 'invoices.ndjson')).find(
        ({ agent }) => agent === id,
      )
    const invoice = (await mine())?.id
    for (const [creditedNet, amount] of ['500000', '730000'].entries()) {
      const form = { amount, creditedNet: creditedNet === 0 ? '0' : '500000', reason: '=late' }
      expect((await operator.post(`/api/invoices/${invoice}/credit-notes`, form)).status).toBe(201)
    }
    const [head = [], ...table] = await rows(operator, 'credit-notes.csv')
    expect(head.join()).toBe('credit_note,invoice,agent,issued,reason,net,vat,total,reference')
    const notes = table.filter(([, of]) => of === invoice)
    expect(notes.map(([, , agent, , reason, ...sums]) => [agent, reason, ...sums])).toEqual([
      [id, "'=late", '0.500000', '0.110000', '0.610000', ''],
      [id, "'=late", '0.730000', '0.150000', '0.880000', ''],
    ])
    const objective = await objects<{ id: string; total: string }>(operator, 'credit-notes.ndjson')
    const totals = objective.filter((note) => notes.some(([number]) => number === note.id))
    expect(totals.map(({ total }) => total)).toEqual(['610000', '880000'])
    expect((await mine())?.credited).toBe('1490000')
  })

  it('escapes formulas for spreadsheets [G3]', async () => {
    const operator = await newOperator()
    const name = '=HYPERLINK("https://evil.example","x")'
    const { id, charge } = await operator.enrol({ name, buyer: { name: '@SUM(1)', country: 'NL' } })
    await charge(1_000_000n)
    await operator.runBilling()
    for (const path of ['accounts.csv', 'entries.csv', 'statements.csv', 'invoices.csv']) {
      const { text } = await operator.get(`/api/export/${path}`)
      expect(text).toContain(id)
      expect(text).not.toMatch(/(?:^|,)"?[=@+]/m)
    }
    expect((await operator.get('/api/export/accounts.csv')).text).toContain(`"'=HYPERLINK(""https://`)
    expect((await operator.get('/api/export/invoices.csv')).text).toContain(`'@SUM(1)`)
  })

  it('continues after a given account', async () => {
    const operator = await newOperator()
    await operator.enrol()
    const all = await objects<{ id: string }>(operator, 'accounts.ndjson')
    const rest = await objects<{ id: string }>(operator, `accounts.ndjson?after=${all.at(-2)?.id}`)
    expect(rest).toEqual(all.slice(-1))
  })

  it('aborts the connection when it fails midway', async () => {
    const operator = await newOperator()
    const { id, charge } = await operator.enrol()
    await charge(1n)
    await env.BOOK.prepare('UPDATE line SET opened_at = ? WHERE id = ?').bind(9e15, id).run()
    const request = new Request('https://site.example/_tab402/api/export/accounts.csv', {
      headers: { authorization: 'Bearer a-token-of-the-operator' },
    })
    const response = await operator.api.fetch(request)
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow()
    await env.BOOK.prepare('DELETE FROM line WHERE id = ?').bind(id).run()
  })
})
