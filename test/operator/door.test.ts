import { env } from 'cloudflare:test'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import worker from '../../src/worker.ts'
import { randomHex } from '../chain/harness.ts'
import { newCrawler, signed } from '../identity/harness.ts'
import { agentForm, digestOf, newId, newOperator, TOKEN } from './harness.ts'

const BASE = 'https://site.example'

/** The whole Worker with credit and billing, and with secrets that a test can find in its output. */
async function newSite() {
  const canaries = {
    OPERATOR_TOKEN: `canary-${randomHex(16)}`,
    ORIGIN_SECRET: `canary-${randomHex(16)}`,
    WEBHOOK_SECRET: `canary-${randomHex(16)}`,
  }
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair
  const { kty, crv, x, d } = (await crypto.subtle.exportKey('jwk', pair.privateKey)) as JsonWebKey
  const { OPERATOR_TOKEN, ...secrets } = canaries
  const bindings = {
    ...env,
    ...secrets,
    PRICE: '0.001',
    NETWORK: 'eip155:84532',
    SCHEMES: ['channel', 'exact', 'credit'],
    OPERATOR_TOKEN_SHA256: await digestOf(OPERATOR_TOKEN),
    REGISTRATION_URL: 'https://site.example/crawlers',
    SELLER: { name: 'Tally BV', country: 'NL', vat: '21%' },
    OPERATOR_KEY: { kty, crv, x, d },
    PUBLIC_URL: BASE,
    TRANSFER_TO: 'IBAN NL00 BANK',
    WEBHOOK_URL: 'https://operator.example/hooks',
  }
  const fetch = (path: string, init: RequestInit = {}) => {
    const request = new Request<unknown, IncomingRequestCfProperties>(`${BASE}${path}`, init as never)
    return worker.fetch(request, bindings)
  }
  const authorization = `Bearer ${OPERATOR_TOKEN}`
  return {
    fetch,
    bindings,
    canaries: [...Object.values(canaries), String(d), env.RELAYER_KEY.slice(2)],
    api: (path: string, init: RequestInit = {}) =>
      fetch(`/_tab402/api${path}`, { ...init, headers: { authorization, ...init.headers } }),
  }
}

describe('Operator access', () => {
  it('takes the token from the Authorization header only [G1]', async () => {
    const operator = await newOperator()
    const places = [
      [`?token=${TOKEN}`, {}],
      [`?access_token=${TOKEN}`, {}],
      ['', { cookie: `token=${TOKEN}; authorization=Bearer ${TOKEN}` }],
      ['', { 'x-api-key': TOKEN, token: TOKEN }],
      ['', { 'proxy-authorization': `Bearer ${TOKEN}` }],
    ] as const
    for (const [query, headers] of places) {
      const { status } = await operator.call('GET', `/api/agents${query}`, undefined, {
        authorization: '',
        ...headers,
      })
      expect(status).toBe(401)
    }
  })

  it('returns 401 without CORS headers or cookies to a page of another site [G1]', async () => {
    const operator = await newOperator()
    const headers = {
      authorization: '',
      origin: 'https://evil.example',
      'access-control-request-method': 'POST',
    }
    for (const method of ['OPTIONS', 'GET', 'POST']) {
      const answer = await operator.call(method, '/api/agents', undefined, headers)
      expect(answer.status).toBe(401)
      expect([...answer.headers.keys()].filter((name) => /^access-control|set-cookie/.test(name))).toEqual([])
    }
  })

  it('returns 401 on every path before it reads the body [G1, I12]', async () => {
    const operator = await newOperator()
    for (const { path, method } of operator.api.routes) {
      if (!path.startsWith('/_tab402/api/') || method === 'ALL' || path.endsWith('openapi.json')) continue
      const at = path.slice('/_tab402'.length).replace(/:\w+/g, 'x')
      const body = method === 'GET' ? undefined : 'x'.repeat(70_000)
      const { status } = await operator.call(method, at, body, { authorization: 'Bearer stale' })
      expect([method, path, status]).toEqual([method, path, 401])
    }
  })

  it('returns 404 for debug, cron and other internal paths [G2]', async () => {
    const site = await newSite()
    for (const path of [
      '/__scheduled',
      '/__scheduled?cron=0+0+*+*+*',
      '/cdn-cgi/handler/scheduled',
      '/cdn-cgi/mf/scheduled',
      '/cdn-cgi/local/scheduled',
      '/%63dn-cgi/local/scheduled',
      '/cdn%2Dcgi/trace',
      '/%5f%5Fscheduled',
      '//cdn-cgi/local/scheduled',
      '/%2Fcdn-cgi/local/scheduled',
      '/;v=1/cdn-cgi/local/scheduled',
      '/cdn-cgi;v=1/local/scheduled',
      '/%EF%BD%83dn-cgi/local/scheduled',
      '/cdn%252Dcgi/local/scheduled',
      '/a%2f..%2fcdn-cgi/local/scheduled',
      '/%5ftab402/api',
      '/_tab402',
      '/_tab402/',
      '/_tab402/debug',
      '/_tab402/admin',
      '/_tab402/api/../debug',
      '/_tab402/invoices',
      '/_tab402/stripe',
    ]) {
      const response = await site.fetch(path)
      expect([path, response.status]).toEqual([path, 404])
      await response.body?.cancel()
    }
  })

  it('keeps secrets out of responses, logs and the read model [G4]', async () => {
    const site = await newSite()
    const logged: unknown[] = []
    for (const level of ['log', 'info', 'warn', 'error'] as const) {
      const spy = vi.spyOn(console, level).mockImplementation((...words) => void logged.push(words))
      onTestFinished(() => spy.mockRestore())
    }
    const answers: string[] = []
    const keep = async (response: Response) => {
      expect(response.status).not.toBe(500)
      answers.push(JSON.stringify([...response.headers]), await response.text())
    }
    const crawler = await newCrawler()
    const { privateJwk } = crawler
    const id = newId()
    const made = await site.api('/agents', {
      method: 'POST',
      body: JSON.stringify(agentForm(crawler, { id })),
    })
    expect(made.status).toBe(201)
    await keep(made)
    const { routes } = (await newOperator()).api
    for (const { path, method } of routes) {
      if (!path.startsWith('/_tab402/api/') || method === 'ALL' || path.includes('/runs')) continue
      const at = path.slice('/_tab402/api'.length).replace(':agent', id).replace(/:\w+/g, id)
      const body = JSON.stringify({ keys: { keys: [privateJwk] }, reference: privateJwk.d })
      await keep(await site.api(at, method === 'GET' ? {} : { method, body }))
    }
    await keep(await site.fetch('/_tab402/me', { headers: (await signed(crawler)).headers }))
    await keep(await site.fetch('/_tab402/keys'))
    const broken = { ...site.bindings, BOOK: null as unknown as D1Database }
    const request = new Request<unknown, IncomingRequestCfProperties>(`${BASE}/_tab402/api/accounts`, {
      headers: { authorization: `Bearer ${site.canaries[0]}` },
    })
    const failed = await worker.fetch(request, broken)
    expect(failed.status).toBe(503)
    await keep(failed)
    const stored = await env.BOOK.batch(
      ['line', 'account', 'statement', 'invoice', 'run'].map((name) =>
        env.BOOK.prepare(`SELECT * FROM ${name}`),
      ),
    )
    const everything = JSON.stringify([answers, logged, stored])
    for (const canary of [...site.canaries, String(privateJwk.d)]) expect(everything).not.toContain(canary)
    expect(logged.length).toBeGreaterThan(0)
  })
})

describe('Worker with credit', () => {
  it('serves the credit API, the crawler’s own account and the public keys', async () => {
    const site = await newSite()
    const crawler = await newCrawler()
    const id = newId()
    await site.api('/agents', { method: 'POST', body: JSON.stringify(agentForm(crawler, { id })) })
    const account = (await (await site.api(`/accounts/${id}`)).json()) as { standing: object }
    expect(account.standing).toMatchObject({ status: 'open', limit: '100000000', charged: '0' })
    const url = `${BASE}/_tab402/me`
    const created = Math.floor(Date.now() / 1000)
    const { headers } = await signed(crawler, {
      url,
      lines: [
        ['"@method"', 'GET'],
        ['"@target-uri"', url],
        ['"signature-agent";key="sig1"', '"https://crawler.example"'],
      ],
      parameters: { created, expires: created + 60 },
    })
    const me = (await (await site.fetch('/_tab402/me', { headers })).json()) as { agent: object }
    expect(me.agent).toEqual({ id, name: 'Example Bot' })
    const keys = (await (await site.fetch('/_tab402/keys')).json()) as { keys: object[] }
    expect(keys.keys).toMatchObject([{ kty: 'OKP', crv: 'Ed25519' }])
    expect(JSON.stringify(keys)).not.toContain('"d"')
  })

  it('returns 503 for keys when the public half does not match the private one', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const [{ bindings }, other] = [await newSite(), await newSite()]
    const mixed = { ...bindings.OPERATOR_KEY, x: other.bindings.OPERATOR_KEY.x }
    const request = new Request<unknown, IncomingRequestCfProperties>(`${BASE}/_tab402/keys`)
    const answer = await worker.fetch(request, Object.assign({ ...bindings }, { OPERATOR_KEY: mixed }))
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
  })
})
