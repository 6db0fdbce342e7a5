import { describe, expect, it } from 'vitest'
import type { Zone } from '../sites/dns.ts'
import { document, PUBLISHER } from '../sites/harness.ts'
import { newOperator, type Operator, TOKEN } from './harness.ts'
import { type Answers, newSites, refusing } from './registry.ts'

type Body = Record<string, unknown>

/** An operator with a registry of its own, and one publisher. */
async function newDesk(world: Parameters<typeof newSites>[0] = {}) {
  const operator = await newOperator({ sites: newSites(world), credit: false })
  await operator.post('/api/publishers', PUBLISHER)
  const at = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
    operator.call(method, `/api/sites${path}`, body, headers)
  return { ...operator, at }
}

/** A site with one host that needs no proof. */
const local = (change: Parameters<typeof document>[0] = {}) => {
  const site = document(change)
  return { ...site, hosts: [`${site.id}.localhost`], ...change }
}

const errorsOf = ({ body }: Awaited<ReturnType<Operator['get']>>) =>
  (body.errors as { path: string; message: string }[]).map(({ path, message }) => `${path} ${message}`)

describe('The API of sites', () => {
  it('creates a site once, however often the request is sent', async () => {
    const desk = await newDesk()
    const site = local()
    const first = await desk.at('POST', '', site)
    expect([first.status, first.headers.get('etag')]).toEqual([201, '"1"'])
    const again = await Promise.all([desk.at('POST', '', site), desk.at('POST', '', site)])
    expect(again.map(({ status }) => status)).toEqual([201, 201])
    const other = await desk.at('POST', '', { ...site, mode: 'shadow' })
    expect([other.status, other.body.code]).toEqual([409, 'conflict'])
  })

  it('returns every fault of a document with its place', async () => {
    const desk = await newDesk()
    const terms = { PRICE: '1.2.3', RULES: [{ action: 'sell' }], RELAYER_KEY: 'x' }
    const answer = await desk.at('POST', '', { ...local(), terms })
    expect(answer.status).toBe(400)
    expect(errorsOf(answer)).toEqual([expect.stringContaining('terms.RELAYER_KEY must be removed')])
    delete (terms as Body).RELAYER_KEY
    const judged = await desk.at('POST', '/check', { ...local(), publisher: 'absent', terms })
    expect(errorsOf(judged).map((error) => error.split(' ')[0])).toEqual(
      expect.arrayContaining(['publisher', 'terms.PRICE', 'terms.RULES[0].action']),
    )
  })

  it('refuses a document that is nested too deep, whatever the call', async () => {
    const desk = await newDesk()
    const site = local()
    await desk.at('POST', '', site)
    const deep = '['.repeat(20_000) + ']'.repeat(20_000)
    const body = `{"id": "${site.id}", "publisher": "press", "hosts": ["a.localhost"], "terms": {"RULES": ${deep}}}`
    for (const [method, path] of [
      ['POST', ''],
      ['POST', '/check'],
      ['PUT', `/${site.id}`],
      ['PATCH', `/${site.id}`],
    ] as const) {
      const request = { method, body, headers: { authorization: `Bearer ${TOKEN}` } }
      const answer = await desk.fetch(new Request(`https://site.example/_tab402/api/sites${path}`, request))
      expect([method, path, answer.status, errorsOf(answer)]).toEqual([
        ...[method, path, 400],
        [' must be nested at most 32 levels deep'],
      ])
    }
  })

  it('publishes once when two operators publish at once, and answers the other 412', async () => {
    const desk = await newDesk()
    const site = local()
    await desk.at('POST', '', site)
    const headers = { 'if-match': '"1"' }
    const act = (path: string) => desk.at('POST', `/${site.id}/${path}`, {}, headers)
    const both = await Promise.all([act('publish'), act('publish')])
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 412])
    const crossed = await Promise.all([
      desk.at('POST', `/${site.id}/suspend`, {}),
      desk.at('PATCH', `/${site.id}`, { terms: { PRICE: '0.004' } }),
    ])
    expect(crossed.map(({ status }) => status)).toEqual([200, 200])
    const { body } = await desk.at('GET', `/${site.id}`)
    expect(body).toMatchObject({ mode: 'suspended', draft: { document: { terms: { PRICE: '0.004' } } } })
    const { body: history } = await desk.at('GET', `/${site.id}/versions`)
    expect((history.versions as { act: string }[]).map(({ act }) => act)).toEqual(['suspend', 'publish'])
  })

  it('changes the members and vars that a patch names, and removes those that are null', async () => {
    const desk = await newDesk()
    const site = local()
    await desk.at('POST', '', site)
    const patch = { terms: { PRICE: '0.003', ORIGIN: 'https://other.example.net', NAME: 'News' } }
    await desk.at('PATCH', `/${site.id}`, patch)
    const { body } = await desk.at('PATCH', `/${site.id}`, { terms: { NAME: null } })
    expect((body.draft as { document: Body }).document.terms).toEqual({
      PRICE: '0.003',
      ORIGIN: 'https://other.example.net',
    })
  })

  it('refuses a change that is based on an older state with 412', async () => {
    const desk = await newDesk()
    const site = local()
    const { headers } = await desk.at('POST', '', site)
    const tag = { 'if-match': headers.get('etag') ?? '' }
    expect((await desk.at('PUT', `/${site.id}`, { ...site, mode: 'shadow' }, tag)).status).toBe(200)
    const late = await desk.at('PUT', `/${site.id}`, { ...site, hosts: ['late.localhost'] }, tag)
    expect([late.status, late.body.code]).toEqual([412, 'stale'])
    expect((await desk.at('POST', `/${site.id}/publish`, {}, tag)).status).toBe(412)
    expect((await desk.at('DELETE', `/${site.id}/draft`, undefined, tag)).status).toBe(412)
  })

  it('publishes with a note, lists versions, reverts, suspends and resumes', async () => {
    const desk = await newDesk()
    const site = local()
    await desk.at('POST', '', site)
    const first = await desk.at('POST', `/${site.id}/publish`, { note: 'opening' })
    expect(first.body).toMatchObject({ version: 1, note: 'opening', act: 'publish', document: site })
    await desk.at('PATCH', `/${site.id}`, { terms: { PRICE: '0.004' } })
    const second = await desk.at('POST', `/${site.id}/publish`, {})
    expect(Number(second.body.effectiveAt) - Number(second.body.at)).toBe(120_000)
    const third = await desk.at('POST', `/${site.id}/revert`, { version: 1 })
    expect(third.body).toMatchObject({ version: 3, act: 'revert', document: site })
    expect((await desk.at('POST', `/${site.id}/suspend`, { note: 'a dispute' })).body).toMatchObject({
      version: 4,
    })
    expect((await desk.at('POST', `/${site.id}/resume`, {})).body).toMatchObject({ version: 5 })
    const page = await desk.at('GET', `/${site.id}/versions?limit=2`)
    expect(page.body).toMatchObject({ versions: [{ version: 5 }, { version: 4 }], next: 4 })
    expect((await desk.at('DELETE', `/${site.id}`)).body).toMatchObject({ act: 'remove' })
  })

  it('publishes a host only with its proof, and says which record is missing', async () => {
    const zone: Zone = {}
    const desk = await newDesk({ zone })
    const site = document()
    const { body } = await desk.at('POST', '', site)
    const hosts = body.hosts as { host: string; token: string }[]
    const refused = await desk.at('POST', `/${site.id}/publish`, {})
    expect([refused.status, refused.body.code]).toEqual([409, 'unproven'])
    expect(refused.text).toContain(`_tab402.${site.hosts[0]} TXT`)
    const [first, second] = hosts
    if (!first || !second) throw new Error('the site must have two hosts')
    zone[`_tab402.${first.host}`] = { TXT: [first.token] }
    zone[`_tab402.${second.host}`] = { TXT: [first.token] }
    expect(errorsOf(await desk.at('POST', `/${site.id}/publish`, {}))).toHaveLength(1)
    await desk.at('POST', `/${site.id}/proofs`, { host: second.host })
    const published = await desk.at('POST', `/${site.id}/publish`, {})
    expect([published.status, published.body.version]).toEqual([200, 1])
    const proofs = (await desk.at('GET', `/${site.id}`)).body.hosts as { host: string; how: string }[]
    expect(proofs.map(({ host, how }) => [host, how]).toSorted()).toEqual(
      [
        [first.host, 'txt'],
        [second.host, 'operator'],
      ].toSorted(),
    )
  })

  it('answers 404 to unknown sites, publishers and deployments without a registry', async () => {
    const desk = await newDesk()
    for (const path of ['/api/sites/none', '/api/sites/none/versions', '/api/publishers/none'])
      expect((await desk.get(path)).status).toBe(404)
    for (const act of ['publish', 'suspend', 'resume', 'check'])
      expect((await desk.at('POST', `/none/${act}`, {})).status).toBe(404)
    const without = await newOperator({ credit: false })
    expect((await without.get('/api/sites')).status).toBe(404)
  })

  it('explains a request by the policy of the site that is named', async () => {
    const desk = await newDesk()
    const site = local({ terms: { ORIGIN: 'https://origin.example.net', PRICE: '0.007' } })
    await desk.at('POST', '', site)
    const { body } = await desk.get(`/api/explain?url=/a&as=GPTBot&site=${site.id}`)
    expect(body.decision).toMatchObject({ action: 'charge', price: '7000' })
    expect((await desk.get('/api/explain?url=/a&as=GPTBot&site=none')).status).toBe(404)
  })

  it('takes a document of 100 kB, and no longer one than 1 MB', async () => {
    const desk = await newDesk()
    const rule = { action: 'charge', price: '0.001', path: `/${'a'.repeat(80)}/*` }
    const terms = { ORIGIN: 'https://origin.example.net', PRICE: '0.002', RULES: Array(800).fill(rule) }
    expect((await desk.at('POST', '', local({ terms }))).status).toBe(201)
    expect((await desk.at('POST', '', ' '.repeat(1_048_577))).status).toBe(413)
  })
})

describe('The check of a site', () => {
  const ADDRESSES = { A: ['1.1.1.1'] }

  it('reports proofs, origin, side door and paywall', async () => {
    const zone: Zone = { 'origin.example.net': ADDRESSES }
    const desk = await newDesk({ zone })
    const site = document({ terms: { ORIGIN: 'binding:SITE', PRICE: '0.002' } })
    await desk.at('POST', '', site)
    const { body } = await desk.at('POST', `/${site.id}/check`, { path: '/articles/1' })
    expect(body).toMatchObject({
      ok: false,
      errors: [],
      origin: { outcome: 'skipped' },
      hosts: [
        {
          record: `_tab402.${site.hosts[0]}`,
          proof: { outcome: 'failed' },
          crawler: { outcome: 'ok', status: 402 },
          reader: { outcome: 'ok', status: 200 },
        },
        {},
      ],
    })
  })

  it.each<[string, Answers, string, string]>([
    ['an origin that asks for the header', refusing, 'ok', 'ok'],
    ['an origin that answers everybody', () => new Response('page'), 'ok', 'failed'],
    [
      'an origin that redirects strangers',
      ({ headers }) =>
        headers.has('tab402-origin-secret') ? new Response() : Response.redirect('https://login.example/'),
      'ok',
      'ok',
    ],
    ['an origin that fails', () => new Response(null, { status: 502 }), 'failed', 'ok'],
  ])('reports %s', async (_, origin, reached, door) => {
    const desk = await newDesk({ zone: { 'origin.example.net': ADDRESSES }, origin })
    const site = document()
    await desk.at('POST', '', site)
    const { body } = await desk.at('POST', `/${site.id}/check`, {})
    expect([body.origin, body.sideDoor]).toMatchObject([{ outcome: reached }, { outcome: door }])
  })

  it('asks the host of the origin alone, whatever the path says', async () => {
    const asked: string[] = []
    const origin: Answers = ({ url }) => {
      asked.push(new URL(url).host)
      return new Response()
    }
    const desk = await newDesk({ zone: { 'origin.example.net': ADDRESSES }, origin })
    const site = document()
    await desk.at('POST', '', site)
    for (const path of ['//evil.example/x', '/\\evil.example', '/@evil.example', '/%2f/evil.example'])
      await desk.at('POST', `/${site.id}/check`, { path })
    expect(new Set(asked)).toEqual(new Set(['origin.example.net']))
  })

  it('asks no origin with a private address', async () => {
    let asked = 0
    const origin: Answers = () => {
      asked++
      return new Response()
    }
    const desk = await newDesk({ zone: { 'origin.example.net': { A: ['10.0.0.1'] } }, origin })
    const site = document()
    await desk.at('POST', '', site)
    const { body } = await desk.at('POST', `/${site.id}/check`, {})
    expect(body.origin).toMatchObject({ outcome: 'failed', why: 'ORIGIN must have public addresses only' })
    expect(asked).toBe(0)
  })
})

describe('The API of publishers', () => {
  it('creates, changes and lists them, each change based on the last', async () => {
    const desk = await newDesk()
    const again = await desk.post('/api/publishers', PUBLISHER)
    expect([again.status, again.headers.get('etag')]).toEqual([201, '"1"'])
    const receiver = `0x${'22'.repeat(20)}`
    const changed = await desk.call('PATCH', '/api/publishers/press', { receiver })
    expect(changed.body).toMatchObject({ ...PUBLISHER, receiver, revision: 2, sites: [] })
    const late = await desk.call('PUT', '/api/publishers/press', PUBLISHER, { 'if-match': '"1"' })
    expect(late.status).toBe(412)
    expect((await desk.post('/api/publishers', PUBLISHER)).status).toBe(409)
    expect((await desk.get('/api/publishers?limit=1')).body).toMatchObject({ publishers: [{ id: 'press' }] })
  })
})
