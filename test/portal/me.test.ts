import { describe, expect, it } from 'vitest'
import { signatureHeaders } from 'web-bot-auth'
import { signerFromJWK } from 'web-bot-auth/crypto'
import {
  type PlainProof,
  type SignedStatement,
  verifyEntry,
  verifyStatement,
} from '../../src/protocol/statement.ts'
import {
  AGENT_LINE,
  type Crawler,
  type Lines,
  NOW,
  newCrawler,
  signed,
  type Wish,
} from '../identity/harness.ts'
import { agentForm, newId, newOperator, type Operator } from '../operator/harness.ts'

const now = () => NOW * 1000

/** Signs with the URL of another agent. */
function named(url: string): Wish {
  const lines = linesFor('https://site.example/_tab402/me').slice(0, 3)
  return {
    lines: [...lines, ['"signature-agent";key="sig1"', `"${url}"`]],
    headers: { 'Signature-Agent': `sig1="${url}"` },
  }
}

/** The signature components for a request to the crawler's own account. */
function linesFor(url: string, method = 'GET'): Lines {
  const { host } = new URL(url)
  return [['"@authority"', host], ['"@method"', method], ['"@target-uri"', url], AGENT_LINE]
}

async function ask(operator: Operator, crawler: Crawler, path = '', wish: Wish = {}) {
  const url = `https://site.example/_tab402/me${path}`
  const { method, headers } = await signed(crawler, { url, lines: linesFor(url), ...wish })
  return operator.fetch(new Request(url, { method, headers }))
}

async function billed(operator: Operator, form: Record<string, unknown> = {}) {
  const agent = await operator.enrol(form)
  for (const price of [1_000_000n, 234_567n]) await agent.charge(price)
  // Entries have the real time of the object that writes them.
  await operator.runBilling((Date.now() - now()) / 86_400_000 + 40)
  return agent
}

describe('Crawler’s own account', () => {
  it('returns balance and terms', async () => {
    const operator = await newOperator({ now })
    const { id, crawler, charge } = await operator.enrol({ creditLimit: '$5', probation: '$2' })
    await charge(500_000n)
    const { status, body } = await ask(operator, crawler)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      agent: { id, name: 'Example Bot' },
      balance: { status: 'open', limit: '2000000', charged: '500000', owed: '500000', available: '1500000' },
      terms: { creditLimit: '5000000', probation: '2000000', period: 'daily', rail: 'transfer' },
    })
  })

  it('accepts signatures of the npm package web-bot-auth', async () => {
    const operator = await newOperator({ now })
    const { id, crawler } = await operator.enrol()
    const request = new Request('https://site.example/_tab402/me')
    const made = await signatureHeaders(request, await signerFromJWK(crawler.privateJwk), {
      created: new Date(now()),
      expires: new Date(now() + 60_000),
      components: ['@authority', '@method', '@target-uri'],
    })
    request.headers.set('signature', made.Signature)
    request.headers.set('signature-input', made['Signature-Input'])
    const { body } = await operator.fetch(request)
    expect(body).toMatchObject({ agent: { id } })
  })

  it('returns verifiable statements, entries with proofs, and invoices', async () => {
    const operator = await newOperator({ now })
    const { crawler } = await billed(operator)
    const { statements } = (await ask(operator, crawler, '/statements')).body as {
      statements: { period: { id: string }; total: string }[]
    }
    expect(statements).toMatchObject([{ total: '1234567' }])
    const period = statements[0]?.period.id
    const { body } = await ask(operator, crawler, `/statements/${period}`)
    const statement = body as SignedStatement
    const keys = [operator.billing.seal.publicKey]
    expect(await verifyStatement(statement, keys)).toBe(true)
    const cut = { ...statement.signature, value: statement.signature.value.slice(4) }
    expect(await verifyStatement({ ...statement, signature: cut }, keys)).toBe(false)
    const { entries, next } = (await ask(operator, crawler, '/entries?limit=2')).body as {
      entries: { seq: number }[]
      next: number
    }
    expect(next).toBe(entries.at(-1)?.seq)
    for (const { seq } of entries) {
      const proof = (await ask(operator, crawler, `/statements/${period}/proofs/${seq}`))
        .body as unknown as PlainProof
      expect(verifyEntry(statement.statement, proof)).toBe(true)
    }
    const table = await ask(operator, crawler, `/statements/${period}?format=csv`)
    expect(table.text).toContain('1.234567')
    const { invoices } = (await ask(operator, crawler, '/invoices')).body as { invoices: { id: string }[] }
    expect(invoices).toMatchObject([{ net: '1230000', carriedOut: '4567' }])
    const one = await ask(operator, crawler, `/invoices/${invoices[0]?.id}`)
    expect(one.body).toMatchObject({ id: invoices[0]?.id, history: [{ kind: 'presented' }] })
    expect((await ask(operator, crawler, `/invoices/${invoices[0]?.id}?format=html`)).text).toContain(
      'Invoice',
    )
  })

  it('returns nothing of another crawler’s account [G3]', async () => {
    const operator = await newOperator({ now })
    const [mine, other] = [await billed(operator), await operator.enrol()]
    const { invoices } = (await ask(operator, mine.crawler, '/invoices')).body as {
      invoices: { id: string }[]
    }
    const [period] = await mine.line().statements()
    expect((await ask(operator, other.crawler, '/invoices')).body).toEqual({ invoices: [] })
    for (const path of [
      `/invoices/${invoices[0]?.id}`,
      `/statements/${period?.period.id}`,
      `/statements/${period?.period.id}/proofs/1`,
      `/../api/invoices/${invoices[0]?.id}`,
      `/${mine.id}`,
      `?agent=${mine.id}`,
    ]) {
      const { status, text } = await ask(operator, other.crawler, path)
      expect(text).not.toContain(mine.id)
      expect([path, status]).toEqual([path, path.startsWith('?') ? 200 : path.startsWith('/..') ? 401 : 404])
    }
  })

  it('shows that the crawler is suspended', async () => {
    const operator = await newOperator({ now })
    const { id, crawler } = await operator.enrol()
    await operator.post(`/api/agents/${id}/suspend`, { reason: 'x' })
    const { body } = await ask(operator, crawler)
    expect(body.balance).toMatchObject({ status: 'credit_suspended', available: '0' })
  })
})

describe('Request to the crawler’s own account', () => {
  const refusal = async (wish: Wish, path = '') => {
    const operator = await newOperator({ now })
    const { crawler } = await operator.enrol()
    const { status, body, headers } = await ask(operator, crawler, path, wish)
    expect(status).toBe(401)
    expect(headers.get('accept-signature')).toContain('"@method" "@target-uri"')
    return body.reason
  }

  it('without a signature returns 401', async () => {
    const operator = await newOperator({ now })
    for (const path of ['/me', '/me/', '/me/invoices', '/me/nothing']) {
      const { status, body } = await operator.call('GET', path)
      expect([status, body]).toMatchObject([401, { code: 'unauthorized', reason: 'unsigned' }])
    }
  })

  it('is rejected with a signature for a page', async () => {
    expect(await refusal({ lines: [['"@authority"', 'site.example'], AGENT_LINE] })).toBe(
      'target_not_covered',
    )
    const url = 'https://site.example/articles/1'
    expect(await refusal({ lines: linesFor(url) })).toBe('signature_wrong')
  })

  it('is rejected with a nonce in place of the target', async () => {
    const operator = await newOperator({ now })
    const { crawler } = await operator.enrol()
    const lines: Lines = [['"@authority"', 'site.example'], AGENT_LINE]
    const parameters = {
      created: NOW,
      expires: NOW + 60,
      keyid: crawler.key.keyId,
      nonce: 'n',
      tag: 'web-bot-auth',
    }
    const { status, body } = await ask(operator, crawler, '', { lines, parameters })
    expect([status, body.reason]).toEqual([401, 'target_not_covered'])
  })

  it('is rejected when signed for another path', async () => {
    const operator = await newOperator({ now })
    const { crawler } = await operator.enrol()
    const url = 'https://site.example/_tab402/me/invoices'
    const { headers } = await signed(crawler, { url, lines: linesFor(url) })
    const { status } = await operator.fetch(new Request(`${url}/INV-000001`, { headers }))
    expect(status).toBe(401)
  })

  it('is rejected after its signature expired', async () => {
    const operator = await newOperator({ now: () => now() + 61_000 })
    const { crawler } = await operator.enrol()
    expect((await ask(operator, crawler)).body).toMatchObject({ code: 'unauthorized', reason: 'expired' })
  })

  it('of an unknown crawler is rejected', async () => {
    const operator = await newOperator({ now })
    expect((await ask(operator, await newCrawler())).body.reason).toBe('agent_unknown')
  })

  it('with one agent’s key and another’s URL is rejected', async () => {
    const operator = await newOperator({ now })
    const victim = await newCrawler()
    const url = `https://${newId()}.example`
    await operator.post('/api/agents', agentForm(victim, { url }))
    const { crawler } = await operator.enrol()
    expect((await ask(operator, crawler, '', named(url))).body.reason).toBe('key_unknown')
  })

  it('returns 503 with Retry-After when keys or agent cannot be looked up [C6]', async () => {
    const url = `https://down-${newId()}.example`
    const operator = await newOperator({
      now,
      directories: () => ({ read: () => Promise.reject(new Error('down')) }),
    })
    const crawler = await newCrawler()
    await operator.post('/api/agents', agentForm(crawler, { keys: null, url }))
    const answer = await ask(operator, crawler, '', named(url))
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
    const busy = await newOperator({ now, mayAsk: async () => false })
    expect((await ask(busy, await newCrawler())).status).toBe(503)
  })

  it('returns 401 for any malformed signature', async () => {
    const operator = await newOperator({ now })
    const junk = ['', 'a', 'sig1=()', 'sig1=:AAAA:', '"'.repeat(9000), 'sig1=("@method");created=1']
    for (const input of junk) {
      for (const signature of junk) {
        const headers = { 'signature-input': input, signature, 'signature-agent': input }
        const { status } = await operator.fetch(new Request('https://site.example/_tab402/me', { headers }))
        expect(status).toBe(401)
      }
    }
  })

  it('returns 404 for a POST', async () => {
    const operator = await newOperator({ now })
    const { crawler } = await operator.enrol()
    const url = 'https://site.example/_tab402/me'
    const { headers } = await signed(crawler, { method: 'POST', url, lines: linesFor(url, 'POST') })
    const { status, body } = await operator.fetch(new Request(url, { method: 'POST', headers }))
    expect([status, body]).toMatchObject([404, { code: 'not_found' }])
  })
})
