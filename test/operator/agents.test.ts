import { env } from 'cloudflare:test'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { foreignJson } from '../foreign.ts'
import { DIRECTORY, HOST, newCrawler } from '../identity/harness.ts'
import { agentForm, newId, newOperator } from './harness.ts'

type Errors = { path: string; message: string; expected: string }[]

async function refused(form: unknown): Promise<string[]> {
  const { status, body } = await (await newOperator()).post('/api/agents', form)
  expect(status).toBe(400)
  return (body.errors as Errors).map(({ path, message }) => `${path} ${message}`)
}

describe('Agents API', () => {
  it('creates an agent with pinned keys, which has credit at once', async () => {
    const operator = await newOperator()
    const crawler = await newCrawler()
    const { probation: _, ...form } = agentForm(crawler, { creditLimit: '$5.5', tier: 'partner' })
    const { status, body } = await operator.post('/api/agents', form)
    expect(status).toBe(201)
    expect(body).toMatchObject({
      name: 'Example Bot',
      url: null,
      keys: { keys: [{ ...crawler.jwk, kid: crawler.key.keyId }] },
      creditLimit: '5500000',
      probation: '1000000',
      period: 'daily',
      rail: 'transfer',
      tier: 'partner',
      suspended: null,
      version: 1,
    })
    expect(body.id).toMatch(/^agent-[0-9a-f-]{18}$/)
    const standing = await env.LINES.getByName(String(body.id)).standing()
    expect(standing).toMatchObject({ limit: 1_000_000n, closed: null })
    expect((await operator.get(`/api/agents/${body.id}`)).body).toEqual(body)
  })

  it('stores a normalized URL and rejects the same URL in another spelling', async () => {
    const operator = await newOperator()
    const crawler = await newCrawler()
    const { body } = await operator.post('/api/agents', agentForm(crawler, { url: `${HOST.toUpperCase()}/` }))
    expect(body.url).toBe(DIRECTORY)
    const again = await operator.post('/api/agents', agentForm(await newCrawler(), { url: HOST }))
    expect([again.status, again.body]).toMatchObject([409, { code: 'url_taken' }])
  })

  it('creates an agent once when repeated, and rejects an id or key in use', async () => {
    const operator = await newOperator()
    const crawler = await newCrawler()
    const form = agentForm(crawler, { id: newId() })
    const first = await operator.post('/api/agents', form)
    const second = await operator.post('/api/agents', form)
    expect(second.body).toEqual(first.body)
    const other = await operator.post('/api/agents', { ...form, name: 'Another' })
    expect([other.status, other.body]).toMatchObject([409, { code: 'exists' }])
    const thief = await operator.post('/api/agents', agentForm(crawler, { id: newId() }))
    expect([thief.status, thief.body]).toMatchObject([409, { code: 'key_taken' }])
  })

  it('returns every problem of a form at once, each with its path', async () => {
    const { privateJwk } = await newCrawler()
    const form = {
      id: '0x12',
      name: ' ',
      url: 'http://127.0.0.1/',
      keys: { keys: [{ kty: 'oct', k: 'AA' }, privateJwk] },
      creditLimit: 5_000_000,
      probation: '1.5',
      period: 'yearly',
      rail: 'paypal',
      tier: 'gold',
      buyer: { name: 'x'.repeat(101), country: 'Holland', email: 'unknown', vat: 1 },
      admin: true,
    }
    expect((await refused(form)).sort()).toEqual(
      [
        'admin must be a known member',
        'buyer.country must be a country code',
        'buyer.email must be an e-mail address',
        'buyer.name must be at most 100 characters',
        'buyer.vat must be a known member',
        'creditLimit must be a string',
        'id must be an id',
        'keys.keys[0] must be of a supported kind',
        'keys.keys[1] must be a public key. This private key was sent in the clear: replace it',
        'name must be text that can be printed',
        'period must be a period',
        'probation must be an amount',
        'rail must be a rail',
        'url must be an https URL',
      ].sort(),
    )
  })

  it('never echoes a private key that was sent by mistake [G4]', async () => {
    const { privateJwk } = await newCrawler()
    const operator = await newOperator()
    const { text } = await operator.post('/api/agents', { keys: { keys: [privateJwk] } })
    expect(text).toContain('This private key was sent in the clear')
    expect(text).not.toContain(String(privateJwk.d))
  })

  it('rejects an unknown rail or tier, missing keys and a zero limit', async () => {
    const crawler = await newCrawler()
    expect(await refused(agentForm(crawler, { rail: 'stripe', tier: 'gold' }))).toEqual([
      'rail must be a rail of this site',
      'tier must be a tier of CREDIT_TIERS',
    ])
    expect(await refused(agentForm(crawler, { keys: undefined }))).toEqual([
      'url must be given when `keys` is not',
    ])
    expect(await refused(agentForm(crawler, { keys: { keys: [] } }))).toEqual(['keys.keys must have a key'])
    expect(await refused(agentForm(crawler, { creditLimit: '0' }))).toEqual([
      'creditLimit must be above zero',
    ])
  })

  it('changes only the sent fields and updates the credit line', async () => {
    const operator = await newOperator()
    const { id, line } = await operator.enrol({
      creditLimit: '$5',
      probation: '$5',
      period: 'weekly',
      tier: 'partner',
    })
    const before = (await operator.get(`/api/agents/${id}`)).body
    const { body } = await operator.call('PATCH', `/api/agents/${id}`, { creditLimit: '$2', name: 'Renamed' })
    expect(body).toEqual({ ...before, creditLimit: '2000000', name: 'Renamed', version: 2 })
    expect(await line().standing()).toMatchObject({ limit: 2_000_000n, enrolment: { name: 'Renamed' } })
  })

  it('keeps both of two concurrent changes', async () => {
    const operator = await newOperator()
    const { id } = await operator.enrol()
    await Promise.all([
      operator.call('PATCH', `/api/agents/${id}`, { creditLimit: '$7' }),
      operator.call('PATCH', `/api/agents/${id}`, { period: 'weekly' }),
    ])
    const { body } = await operator.get(`/api/agents/${id}`)
    expect(body).toMatchObject({ creditLimit: '7000000', period: 'weekly', version: 3 })
  })

  it('rejects a change that would leave neither URL nor keys', async () => {
    const operator = await newOperator()
    const { id } = await operator.enrol()
    const { status, body } = await operator.call('PATCH', `/api/agents/${id}`, { keys: null })
    expect([status, body.code]).toEqual([400, 'invalid'])
  })

  it('suspends and resumes an agent, effective from the next request', async () => {
    const operator = await newOperator()
    const { id, charge } = await operator.enrol()
    const suspended = await operator.post(`/api/agents/${id}/suspend`, { reason: 'fetches too fast' })
    expect(suspended.body).toMatchObject({ suspended: 'fetches too fast' })
    await expect(charge(1n)).rejects.toThrow('credit_suspended')
    const resumed = await operator.post(`/api/agents/${id}/resume`)
    expect(resumed.body).toMatchObject({ suspended: null })
    await charge(1n)
  })

  it('returns agents in pages', async () => {
    const operator = await newOperator()
    const crawlers = await Promise.all([newCrawler(), newCrawler(), newCrawler()])
    for (const [at, crawler] of crawlers.entries())
      await operator.post('/api/agents', agentForm(crawler, { id: `aaa-${at}` }))
    const first = await operator.get('/api/agents?limit=2')
    expect(first.body).toMatchObject({ agents: [{ id: 'aaa-0' }, { id: 'aaa-1' }], next: 'aaa-1' })
    const second = await operator.get('/api/agents?limit=1&after=aaa-1')
    expect(second.body).toMatchObject({ agents: [{ id: 'aaa-2' }] })
  })

  it('returns 404 for an unknown id', async () => {
    const operator = await newOperator()
    for (const id of ['unknown', '%', '%00', "'%20OR%201=1", 'x'.repeat(2000), '..%2fruns']) {
      expect((await operator.get(`/api/agents/${id}`)).status).toBe(404)
      expect((await operator.call('PATCH', `/api/agents/${id}`, { name: 'X' })).status).toBe(404)
      expect((await operator.post(`/api/agents/${id}/resume`)).status).toBe(404)
    }
  })
})

describe('API request body', () => {
  const PATHS = ['/api/agents', '/api/agents/unknown/suspend', '/api/invoices/INV-000001/payments']

  it('must be a JSON object: anything else returns 400', async () => {
    const operator = await newOperator()
    for (const path of PATHS) {
      for (const body of ['', '{', 'null', '[]', '1', '"x"', '{"a":1}x', '\u0000']) {
        const answer = await operator.post(path, body)
        expect([body, answer.status, answer.body]).toMatchObject([body, 400, { code: 'not_a_json_object' }])
      }
    }
  })

  it('of more than 64 KB returns 413', async () => {
    const { status, body } = await (await newOperator()).post(
      '/api/agents',
      `{"name":"${'x'.repeat(65_536)}"}`,
    )
    expect([status, body]).toMatchObject([413, { code: 'too_large' }])
  })

  it('with a key whose algorithm is an object returns 400 and names the key', async () => {
    const operator = await newOperator()
    const { jwk } = await newCrawler()
    const form = { ...agentForm(await newCrawler()), keys: { keys: [{ ...jwk, alg: { toString: 1 } }] } }
    const { status, body } = await operator.post('/api/agents', form)
    expect([status, body]).toMatchObject([400, { errors: [{ path: 'keys.keys[0]' }] }])
  })

  it('with arbitrary fields returns 201, 400, 404 or 409, never 500', async () => {
    const operator = await newOperator()
    const good = agentForm(await newCrawler())
    const members = [...Object.keys(good), 'id', 'url', 'tier', 'reason', 'amount', 'reference', '__proto__']
    const values = foreignJson(['keys', 'kty', 'crv', 'x', 'alg', 'name', 'country'], Object.values(good))
    const forms = fc.dictionary(fc.constantFrom(...members), values, { maxKeys: 3 })
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...PATHS), forms, async (path, form) => {
        const { status } = await operator.post(path, path === '/api/agents' ? { ...good, ...form } : form)
        expect([201, 400, 404, 409]).toContain(status)
      }),
      { numRuns: 150 },
    )
  })
})
