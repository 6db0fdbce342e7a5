/** Terms that machines read, where the paywall is middleware: documents at their addresses, and prices in OpenAPI. */
import { env } from 'cloudflare:workers'
import { Hono } from 'hono'
import { parseDictionary } from 'structured-headers'
import { describe, expect, it } from 'vitest'
import { describeApi, paywall, type Terms } from '../../src/index.ts'

const SITE = 'https://weather.test'
const vars = { ...env, ORIGIN: 'self', TERMS: '[]' }
const terms: Terms = {
  TERMS: ['robots', 'rsl', 'tdm', 'x402', 'aipref'],
  NAME: 'Weather',
  RULES: [
    { action: 'allow', path: '/status' },
    { action: 'charge', path: '/forecast/*', method: 'GET', price: '0.002' },
    { action: 'charge', path: '/forecast/*', method: 'POST', price: '0.02' },
    { action: 'allow', path: '/mixed/free' },
    { action: 'charge', path: '/search', query: 'any', price: '0.01' },
    { action: 'block', path: '/closed/*' },
  ],
}

const document = {
  openapi: '3.1.0',
  info: { title: 'Weather', version: '2', contact: { email: 'a@weather.test' } },
  servers: [{ url: '/' }],
  paths: {
    '/status': { get: { responses: { '200': { description: 'fine' } } } },
    '/forecast/{city}': {
      parameters: [{ name: 'city', in: 'path', required: true }],
      get: { responses: { '200': { description: 'a forecast' } } },
      post: { 'x-payment-info': { price: 'old' } },
    },
    '/mixed/{part}': { get: { 'x-payment-info': { price: 'old' }, responses: {} } },
    '/search': { get: { responses: { '402': { description: 'ours' } } } },
    '/status/': {
      get: { parameters: [{ name: 'q', in: 'query' }] },
    },
    '/closed/{id}': { get: { responses: {} } },
  },
}

const app = new Hono<{ Bindings: typeof vars }>()
app.get('/openapi.json', (c) => describeApi(c.req.raw, c.env, { document, terms }))
app.get('/own.json', (c) => describeApi(c.req.raw, c.env, { terms }))
app.use(paywall(terms))
app.get('/robots.txt', (c) =>
  c.req.header('if-none-match')
    ? c.body(null, 304)
    : c.text('User-agent: *\nDisallow: /admin\n', 200, { etag: '"1"' }),
)
app.get('/status', (c) => c.text('fine'))

const bare = new Hono<{ Bindings: typeof vars }>()
bare.use(paywall(terms))

const ask = (path: string, init?: RequestInit, of = app) => of.fetch(new Request(SITE + path, init), vars)

type Operation = {
  security?: unknown
  responses?: Record<string, { description: string }>
  'x-payment-info'?: { price: Record<string, string>; protocols: unknown; offers: Record<string, string>[] }
}
type Document = { info: Record<string, unknown>; paths: Record<string, Record<string, Operation>> }
const described = async (path: string) => (await (await ask(path)).json()) as Document

describe('The documents of a site whose handlers are its content', () => {
  it('have our lines around the robots.txt of a handler, whatever version the client has', async () => {
    const answer = await ask('/robots.txt', { headers: { 'if-none-match': '"1"' } })
    expect([answer.status, answer.headers.has('etag')]).toEqual([200, false])
    expect(await answer.text()).toBe(
      [
        `License: ${SITE}/license.xml`,
        '',
        'User-agent: *',
        'Disallow: /admin',
        '',
        'User-agent: *',
        'Content-Signal: search=yes, ai-input=no, ai-train=no',
        'Content-Usage: train-ai=n, search=y',
        'Disallow: /closed?*',
        'Disallow: /closed$',
        'Disallow: /closed/*',
        '',
      ].join('\n'),
    )
  })

  it('have our robots.txt where no handler answers', async () => {
    const answer = await ask('/robots.txt', {}, bare)
    expect([answer.status, (await answer.text()).split('\n')[0]]).toEqual([
      200,
      `License: ${SITE}/license.xml`,
    ])
  })

  it('are served without a handler', async () => {
    for (const path of [
      '/license.xml',
      '/.well-known/tdmrep.json',
      '/.well-known/x402',
      '/.well-known/x402.json',
    ])
      expect((await ask(path)).status).toBe(200)
  })
})

describe('Content-Usage', () => {
  it('is on a page of the origin as a dictionary of tokens, and not on the 402', async () => {
    const page = await ask('/status')
    const [train, search] = [...parseDictionary(page.headers.get('content-usage') ?? '')]
    expect([train?.[0], String(train?.[1][0]), search?.[0], String(search?.[1][0])]).toEqual([
      'train-ai',
      'y',
      'search',
      'y',
    ])
    const required = await ask('/forecast/utrecht')
    expect([required.status, required.headers.has('content-usage')]).toEqual([402, false])
  })
})

describe('The OpenAPI document of an API', () => {
  it('has for each operation the price and the offer of its 402', async () => {
    const { paths } = await described('/openapi.json')
    for (const [template, method] of [
      ['/forecast/{city}', 'get'],
      ['/forecast/{city}', 'post'],
      ['/search', 'get'],
    ] as const) {
      const response = await ask(template.replace('{city}', 'utrecht'), { method: method.toUpperCase() })
      const { accepts } = JSON.parse(atob(response.headers.get('payment-required') ?? ''))
      const info = paths[template]?.[method]?.['x-payment-info']
      expect(info?.protocols).toEqual([{ x402: {} }])
      expect(info?.price).toMatchObject({ mode: 'fixed', currency: 'USD' })
      expect(BigInt(Math.round(Number(info?.price.amount) * 1e6))).toBe(BigInt(accepts[0].amount))
      expect(info?.offers).toEqual([
        { intent: 'charge', method: 'x402', amount: accepts[0].amount, currency: accepts[0].asset },
      ])
      expect(paths[template]?.[method]?.responses).toHaveProperty('402')
    }
  })

  it('keeps what the document says, and marks free operations', async () => {
    const { info, paths } = await described('/openapi.json')
    expect(info).toMatchObject({ ...document.info, 'x-guidance': expect.any(String) })
    expect(paths['/forecast/{city}']?.parameters).toEqual(document.paths['/forecast/{city}'].parameters)
    expect(paths['/search']?.get?.responses).toEqual({ '402': { description: 'ours' } })
    expect(paths['/status']?.get).toEqual({ security: [], responses: { '200': { description: 'fine' } } })
  })

  it('states no price for an operation that is blocked, or whose price depends on more than its path', async () => {
    const { paths } = await described('/openapi.json')
    expect(paths['/mixed/{part}']?.get).toEqual({ responses: {} })
    expect(paths['/closed/{id}']?.get).toEqual({ responses: {} })
    // Free without a query, and charged with one.
    expect(paths['/status/']?.get).toEqual(document.paths['/status/'].get)
  })

  it('lists the addresses that rules name where the API lacks a document', async () => {
    const { info, paths } = await described('/own.json')
    expect(info.title).toBe('Weather')
    expect(
      Object.entries(paths).flatMap(([path, item]) => Object.keys(item).map((method) => `${method} ${path}`)),
    ).toEqual(['get /', 'get /forecast', 'post /forecast', 'get /search'])
    expect(paths['/search']?.get?.['x-payment-info']?.price.amount).toBe('0.01')
  })

  it('is 503 while the policy has a fault', () => {
    const faulty = { ...vars, PRICE: 'much' }
    expect(describeApi(new Request(SITE), faulty).status).toBe(503)
  })
})
