import { describe, expect, it } from 'vitest'
import { type OperatorKey, openSeal } from '../../src/billing/operator-key.ts'
import { invoicePage, statementPage } from '../../src/billing/pages.ts'
import { documentOf, signStatement, statementCsv } from '../../src/billing/signed-statement.ts'
import type { Statement } from '../../src/ledger/billing/types.ts'
import { csv, decimalUsd } from '../../src/platform/csv.ts'
import { EMPTY_ROOT } from '../../src/protocol/encoding/merkle.ts'
import { type SignedStatement, verifyStatement } from '../../src/protocol/statement.ts'
import { invoiceOf, standingOf } from './bills.ts'

const DAY = { day: '2026-11-21', releases: 1 }

const STATEMENT: Statement = {
  period: { id: '2026-11-21', from: Date.UTC(2026, 10, 21), to: Date.UTC(2026, 10, 22) },
  first: 3,
  last: 9,
  root: EMPTY_ROOT,
  closedAt: Date.UTC(2026, 10, 22, 0, 1),
  name: 'Crawl & <b>Sons</b>',
  total: 1_249n,
  lines: [
    { ...DAY, site: 'a.example', rule: 'default', policy: 7, who: '~GPTBot', charges: 5, amount: 1_250n },
    { ...DAY, site: '=cmd|"/c calc"', rule: '<script>', policy: null, who: null, charges: 0, amount: -1n },
  ],
  form: 2,
}

const document = documentOf(STATEMENT, 'Tally GmbH', { id: 'agent-1', name: STATEMENT.name })

async function newKey(): Promise<OperatorKey> {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair
  const { x = '', d = '' } = (await crypto.subtle.exportKey('jwk', pair.privateKey)) as JsonWebKey
  return { kty: 'OKP', crv: 'Ed25519', x, d }
}

describe('signStatement', () => {
  it('returns a statement that the published key verifies, also after a JSON round trip', async () => {
    const seal = await openSeal(await newKey())
    const signed = await signStatement(document, seal)
    expect(await verifyStatement(signed, [seal.publicKey])).toBe(true)
    const read: SignedStatement = JSON.parse(JSON.stringify(signed))
    expect(await verifyStatement(read, [seal.publicKey])).toBe(true)
    expect(Object.keys(seal.publicKey)).not.toContain('d')
  })

  it('returns a statement of an earlier version as that version signed it', async () => {
    const key: OperatorKey = {
      kty: 'OKP',
      crv: 'Ed25519',
      d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
      x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
    }
    const seal = await openSeal(key)
    const { form: _, ...early } = STATEMENT
    const lines = early.lines.map(({ policy: _, who: __, ...line }) => line)
    const agent = { id: 'agent-1', name: early.name }
    const signed = await signStatement(documentOf({ ...early, lines }, 'Tally GmbH', agent), seal)
    expect(signed.statement.type).toBe('tab402/statement/1')
    // The signature that the version before `tab402/statement/2` made.
    expect(signed.signature.value).toBe(
      'vd5hF06shb81vzzcDRwdtvUN-f7n-Ov-VZlXrI2q3C2zfgPMdC01KqisaIlwiJu3Eray54dESA7r8SITcWs8Dg',
    )
    expect(await verifyStatement(signed, [seal.publicKey])).toBe(true)
  })

  it('returns the same signature each time', async () => {
    const seal = await openSeal(await newKey())
    expect(await signStatement(document, seal)).toEqual(await signStatement(document, seal))
  })

  it('returns a statement that fails to verify when changed or under another key', async () => {
    const [seal, other] = [await openSeal(await newKey()), await openSeal(await newKey())]
    const signed = await signStatement(document, seal)
    const forgeries: SignedStatement[] = [
      { ...signed, statement: { ...document, total: '1' } },
      { ...signed, statement: { ...document, operator: 'Somebody' } },
      { ...signed, statement: { ...document, lines: document.lines.slice(1) } },
      { ...signed, statement: { ...document, entries: { ...document.entries, last: 8 } } },
      { ...signed, signature: { ...signed.signature, value: 'AAAA' } },
      { ...signed, signature: { ...signed.signature, value: '!' } },
    ]
    for (const forgery of forgeries) expect(await verifyStatement(forgery, [seal.publicKey])).toBe(false)
    expect(await verifyStatement(signed, [other.publicKey])).toBe(false)
    expect(await verifyStatement(signed, [{ ...other.publicKey, kid: seal.keyId }])).toBe(false)
    expect(await verifyStatement(signed, [])).toBe(false)
  })

  it('uses the key thumbprint of RFC 8037 A.3 as key id', async () => {
    const vector: OperatorKey = {
      kty: 'OKP',
      crv: 'Ed25519',
      d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
      x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
    }
    expect((await openSeal(vector)).keyId).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
  })

  it('uses a seal that returns a different secret for each purpose', async () => {
    const key = await newKey()
    const [one, same, two] = await Promise.all(
      ['a', 'a', 'b'].map(async (purpose) => (await openSeal(key)).secret(purpose)),
    )
    expect(one).toBe(same)
    expect(one).not.toBe(two)
    expect(one).toMatch(/^[\w-]{43}$/)
  })
})

describe('statementCsv', () => {
  it('returns one row for each line, in USD to the micro-dollar', () => {
    expect(statementCsv(document).split('\r\n').slice(0, 2)).toEqual([
      'period,day,site,rule,charges,releases,usd,policy,who',
      '2026-11-21,2026-11-21,a.example,default,5,1,0.001250,7,~GPTBot',
    ])
  })

  it('escapes formulas for spreadsheets [G3]', () => {
    expect(statementCsv(document)).toContain(`"'=cmd|""/c calc""",<script>,0,1,-0.000001`)
    for (const text of ['=1', '+1', '-1', '@a', '\t1', '\r1']) {
      expect(csv(['a'], [[text]])).toMatch(/^a\r\n"?'/)
    }
    expect(csv(['a'], [['a,b'], [null], ['"']])).toBe('a\r\n"a,b"\r\n\r\n""""\r\n')
  })

  it.each([
    [0n, '0.000000'],
    [-1n, '-0.000001'],
    [12_345_678n, '12.345678'],
    [-1_000_000n, '-1.000000'],
  ])('formats %d micro-dollars as %s', (amount, text) => {
    expect(decimalUsd(amount)).toBe(text)
  })
})

describe('Billing page', () => {
  it('of a statement escapes names and contains no script [D15]', async () => {
    const page = statementPage(await signStatement(document, await openSeal(await newKey())))
    expect(page).toContain('Crawl &amp; &lt;b&gt;Sons&lt;/b&gt;')
    expect(page).toContain('0.001249')
    expect(page).not.toContain('<script')
    expect(page).toContain(EMPTY_ROOT)
  })

  it('of an invoice shows parties, amounts, due date and calculation', () => {
    const vat = { rate: 0, treatment: 'reverse_charge', amount: 0n } as const
    const presented = {
      reference: 'INV-000001',
      url: 'https://pay.example/?a=1&b=2',
      instructions: 'IBAN <1>',
    }
    const page = invoicePage(
      standingOf(invoiceOf({ vat }), { presented, paid: 230_000n, stage: 'past_due' }),
      [],
    )
    const words = [
      'INV-000001',
      'Tally GmbH',
      'DE123456789',
      'FR12345678901',
      'reverse charge',
      '2026-12-06',
      '2026-11-21 to 2026-11-21',
      '<td class="usd">1.234567</td>',
      '<td class="usd">−0.004567</td>',
      '<td class="usd">−0.23<span',
      '<td class="usd">1.00<span',
      'Past due',
      'IBAN &lt;1&gt;',
      'https://pay.example/?a=1&amp;b=2',
    ]
    for (const word of words) expect(page).toContain(word)
  })
})
