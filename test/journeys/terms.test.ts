/** The terms that machines read of a site and the prices that they are then asked, through a running Worker. */

import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { decodePaymentRequiredHeader } from '@x402/core/http'
import robotsParser from 'robots-parser'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningWorker, startWorker } from '../../src/testing/stack/workerd.ts'
import { licensedFor, readLicense } from '../terms/site.ts'

const READER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
/** A crawler of each purpose, with the word of RSL for its use. */
const CRAWLERS = [
  ['Meta-WebIndexer/1.1', 'search'],
  ['ChatGPT-User/1.0', 'ai-input'],
  ['GPTBot/1.2', 'ai-train'],
] as const
const RULES = [
  { action: 'block', path: '/search' },
  { action: 'charge', who: 'training', path: '/archive/*', price: '0.05' },
  // Charged, because the local runtime says of every crawler that Cloudflare did not verify it.
  { action: 'charge', who: 'search', price: '0.0005' },
  { action: 'charge', path: '/api/*', method: 'POST', price: '0.01' },
]
const ROBOTS = 'User-agent: *\nDisallow: /admin/\n'
const TENTH_MB = `${'#'.repeat(99_999)}\n`

let directory: string
let origin: {
  url: string
  robots: (response: ServerResponse, request: IncomingMessage) => void
  stop(): void
}
let site: RunningWorker
let blocked: RunningWorker
let faulty: RunningWorker
let silent: RunningWorker

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tab402-terms-'))
  origin = await startOrigin()
  site = await start('site', { RULES: JSON.stringify(RULES), NAME: 'The Daily' })
  blocked = await start('blocked', { RULES: JSON.stringify([{ action: 'block', who: 'everyone' }]) })
  faulty = await start('faulty', { PRICE: 'much' })
  silent = await start('silent', { TERMS: '[]' })
})
afterAll(async () => {
  await Promise.all([site, blocked, faulty, silent].map((worker) => worker.stop()))
  origin.stop()
  await rm(directory, { recursive: true })
})

function start(name: string, vars: Record<string, string>): Promise<RunningWorker> {
  const needed = {
    ORIGIN: origin.url,
    RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
    RPC_URL: 'http://127.0.0.1:9',
    RELAYER_KEY: `0x${'1'.repeat(64)}`,
  }
  return startWorker({
    port: undefined,
    directory: join(directory, name),
    vars: { ...needed, ...vars },
    log: () => undefined,
  })
}

async function startOrigin() {
  const state = {
    robots: (response: ServerResponse, _: IncomingMessage) => void response.writeHead(404).end(),
  }
  const server = createServer((request, response) => {
    if (request.url === '/robots.txt') return state.robots(response, request)
    response.writeHead(200, { 'content-type': 'text/html', link: '</style.css>; rel=preload' }).end('a page')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return Object.assign(state, { url, stop: () => void server.close().closeAllConnections() })
}

function ask(worker: RunningWorker, path: string, agent: string, method = 'GET'): Promise<Response> {
  return fetch(worker.url + path, { method, headers: { 'user-agent': agent } })
}

function offersIn(response: Response) {
  return decodePaymentRequiredHeader(response.headers.get('payment-required') ?? '').accepts
}

type X402Site = { resources: { url: string; method: string; accepts: unknown[] }[] }

describe('A site that states its terms', () => {
  it('asks each crawler for the price that license.xml has for its use', async () => {
    const answer = await ask(site, '/license.xml', 'GPTBot/1.2')
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/rsl+xml'])
    const xml = await answer.text()
    for (const [agent, use] of CRAWLERS) {
      for (const path of ['/', '/page', '/archive', '/archive/1999/x', '/search', '/archive/x?page=2']) {
        const response = await ask(site, path, agent)
        const price = response.status === 402 ? BigInt(offersIn(response)[0]?.amount ?? '') : 0n
        const asked = response.status === 403 ? 'block' : price
        expect([agent, path, licensedFor(xml, path, use)]).toEqual([agent, path, asked])
      }
    }
  })

  it('lists under both names of the x402 document what the 402 of each address offers', async () => {
    const answers = await Promise.all(
      ['/.well-known/x402', '/.well-known/x402.json'].map((path) => ask(site, path, 'curl/8')),
    )
    const [text, other] = await Promise.all(answers.map((answer) => answer.text()))
    expect(other).toBe(text)
    const { resources, ...about } = JSON.parse(text ?? '') as X402Site
    expect(about).toEqual({
      x402Version: 2,
      kind: 'resource-server',
      name: 'The Daily',
      attestation: { type: 'none' },
      docs: `${site.url}/license.xml`,
    })
    expect(resources.map(({ url, method }) => `${method} ${url.slice(site.url.length)}`)).toEqual([
      'GET /',
      'GET /*',
      'POST /api',
      'POST /api/*',
    ])
    for (const { url, method, accepts } of resources) {
      const response = await ask(site, url.slice(site.url.length), 'curl/8', method)
      expect(response.status).toBe(402)
      expect(accepts).toEqual(offersIn(response))
    }
  })

  it('reserves text and data mining in a list whose first row that covers a page holds', async () => {
    const answer = await ask(site, '/.well-known/tdmrep.json', 'curl/8')
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(await answer.json()).toEqual([
      { location: '/*', 'tdm-reservation': 1, 'tdm-policy': `${site.url}/license.xml` },
    ])
  })

  it('points to its licence on pages and on the 402, whose headers stay below 2 KB', async () => {
    const link = `<${site.url}/license.xml>; rel="license"; type="application/rsl+xml"`
    const page = await ask(site, '/page', READER)
    expect(page.headers.get('link')).toBe(`</style.css>; rel=preload, ${link}`)
    expect(page.headers.get('tdm-reservation')).toBe('1')
    expect(page.headers.get('tdm-policy')).toBe(`${site.url}/license.xml`)
    expect(await page.text()).toBe('a page')
    const required = await ask(site, '/page', 'GPTBot/1.2')
    expect(required.headers.get('link')).toBe(link)
    expect(required.headers.has('tdm-reservation')).toBe(false)
    const lines = [...required.headers].map(([name, value]) => `${name}: ${value}\r\n`)
    expect(lines.join('').length).toBeLessThan(2048)
  })

  it('answers HEAD for each document as GET, without the body', async () => {
    for (const path of ['/robots.txt', '/license.xml', '/.well-known/tdmrep.json', '/.well-known/x402']) {
      const [get, head] = [await ask(site, path, 'curl/8'), await ask(site, path, 'curl/8', 'HEAD')]
      expect([head.status, head.headers.get('content-type')]).toEqual([200, get.headers.get('content-type')])
      expect(await head.text()).toBe('')
    }
  })

  it('leaves the addresses of documents to the rules where a query or another method is sent', async () => {
    for (const [path, method] of [
      ['/license.xml?x=1', 'GET'],
      ['/.well-known/x402?x', 'GET'],
      ['/license.xml', 'POST'],
    ] as const)
      expect((await ask(site, path, 'GPTBot/1.2', method)).status).toBe(402)
  })
})

describe('robots.txt through the Worker', () => {
  it('is ours where the origin has none', async () => {
    const text = await (await ask(site, '/robots.txt', 'GPTBot/1.2')).text()
    expect(text).toBe(
      [
        `License: ${site.url}/license.xml`,
        '',
        'User-agent: *',
        'Content-Signal: search=no, ai-input=no, ai-train=no',
        'Disallow: /search?*',
        'Disallow: /search$',
        'Disallow: /search/?*',
        'Disallow: /search/$',
        '',
      ].join('\n'),
    )
  })

  it('has the lines of a compressed file of the origin as they stand', async () => {
    origin.robots = (response) =>
      void response
        .writeHead(200, { 'content-type': 'text/plain', 'content-encoding': 'gzip', etag: '"1"' })
        .end(gzipSync(ROBOTS))
    const answer = await ask(site, '/robots.txt', 'GPTBot/1.2')
    const text = await answer.text()
    expect(text).toContain(`\n\n${ROBOTS}\nUser-agent: *\n`)
    expect(answer.headers.has('etag')).toBe(false)
    const robots = robotsParser(`${site.url}/robots.txt`, text)
    const paths = ['/page', '/admin/x', '/search']
    expect(paths.map((path) => robots.isAllowed(site.url + path, 'GPTBot'))).toEqual([true, false, false])
  })

  it('streams a file of 10 MB', async () => {
    origin.robots = (response) => {
      response.writeHead(200, { 'content-type': 'text/plain' })
      for (let times = 0; times < 100; times++) response.write(TENTH_MB)
      response.end()
    }
    const text = await (await ask(site, '/robots.txt', 'GPTBot/1.2')).text()
    expect(text).toBe(`License: ${site.url}/license.xml\n\n${TENTH_MB.repeat(100)}`)
  })

  it('is a failure of the origin as it came', async () => {
    origin.robots = (response) => void response.writeHead(503, { 'retry-after': '60' }).end('not now')
    const answer = await ask(site, '/robots.txt', 'GPTBot/1.2')
    expect([answer.status, answer.headers.get('retry-after'), await answer.text()]).toEqual([
      503,
      '60',
      'not now',
    ])
  })
})

describe('The documents', () => {
  it('are free while every page is blocked for everybody', async () => {
    expect((await ask(blocked, '/page', READER)).status).toBe(403)
    const xml = await (await ask(blocked, '/license.xml', READER)).text()
    expect(readLicense(xml)).toEqual([
      {
        url: '/*',
        licences: [{ permits: [], users: ['personal'], prohibits: ['all'], payment: { type: 'free' } }],
      },
    ])
    const { resources } = (await (await ask(blocked, '/.well-known/x402', 'curl/8')).json()) as X402Site
    expect(resources).toEqual([])
  })

  it('are 503 as every page is while the policy has a fault, because such a policy states nothing', async () => {
    for (const path of [
      '/page',
      '/robots.txt',
      '/license.xml',
      '/.well-known/tdmrep.json',
      '/.well-known/x402',
    ])
      expect((await ask(faulty, path, READER)).status).toBe(503)
  })

  it('are not there where TERMS names none', async () => {
    origin.robots = (response) => void response.writeHead(200, { 'content-type': 'text/plain' }).end(ROBOTS)
    expect(await (await ask(silent, '/robots.txt', 'GPTBot/1.2')).text()).toBe(ROBOTS)
    expect(await (await ask(silent, '/license.xml', 'GPTBot/1.2')).text()).toBe('a page')
    const required = await ask(silent, '/page', 'GPTBot/1.2')
    expect([required.status, required.headers.has('link')]).toEqual([402, false])
    expect((await ask(silent, '/page', READER)).headers.has('tdm-reservation')).toBe(false)
  })
})
