/** The proxy is invisible: a site that knows nothing of it works behind it as it does alone. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningWorker, startWorker } from '../../src/testing/stack/workerd.ts'
import { type Site, startSite } from './site.ts'

const READER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const CRAWLER = 'GPTBot/1.2'
const TIMEOUT_MS = 400
const PAGE = 'x'.repeat(5000)

let origin: { url: string; host: string; stop(): Promise<void> }
let site: Site
let zone: RunningWorker
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tab402-zone-'))
  origin = await startPublisher()
  site = await startSite({ ORIGIN: origin.url, ORIGIN_TIMEOUT_MS: `${TIMEOUT_MS}`, TERMS: '[]' })
  const { rpc, receiver } = site.facts
  const vars = { ORIGIN: 'zone', RECEIVER: receiver, RPC_URL: rpc, RELAYER_KEY: `0x${'1'.repeat(64)}` }
  zone = await startWorker({ port: undefined, directory, vars, log: () => undefined })
})
afterAll(async () => {
  await zone.stop()
  await site.stop()
  await origin.stop()
  await rm(directory, { recursive: true })
})

/** Answers as servers do that write their own address from the `Host` header, and that check the sender of a form. */
async function answer(asked: IncomingMessage, response: ServerResponse): Promise<void> {
  const { host, origin, cookie } = asked.headers
  const own = `http://${host}`
  const link = `<${own}/style.css>; rel=preload`
  const body = await text(asked)
  switch (`${asked.method} ${asked.url}`) {
    case 'GET /blog':
      return void response.writeHead(301, { location: `${own}/blog/`, refresh: `0; url=${own}/blog/` }).end()
    case 'GET /login': {
      const domain = new URL(own).hostname
      return void response.writeHead(200, { 'set-cookie': `csrf=one; Domain=${domain}; Path=/` }).end('form')
    }
    case 'POST /login': {
      const accepted = origin === own && cookie === 'csrf=one' && body === 'csrf=one'
      return void response.writeHead(accepted ? 302 : 403, accepted ? { location: `${own}/home` } : {}).end()
    }
    case 'OPTIONS /api':
      return void response
        .writeHead(204, { 'access-control-allow-origin': `${origin}`, 'x-from': 'origin' })
        .end()
    case 'GET /part': {
      const headers = { link, 'content-range': 'bytes 0-4/5000', 'content-length': 5 }
      return void response.writeHead(206, headers).end(PAGE.slice(0, 5))
    }
    case 'HEAD /page':
      return void response.writeHead(200, { link, 'content-length': PAGE.length }).end()
    case 'GET /latin':
      return void response
        .writeHead(200, { link, 'x-latin': 'caf\xe9', 'x-utf8': 'caf\xc3\xa9' })
        .end('latin')
    case 'GET /zipped':
      return void response.writeHead(200, { link, 'content-encoding': 'gzip' }).end(gzipSync(PAGE))
    case 'GET /stream':
      response.writeHead(200, { link, 'content-type': 'text/event-stream' }).write('first')
      return void setTimeout(() => response.end('last'), TIMEOUT_MS + 100)
    case 'GET /never':
      return
    default:
      return void response.writeHead(200).end(JSON.stringify({ url: asked.url, headers: asked.headers }))
  }
}

async function startPublisher() {
  const server = createServer((asked, response) => void answer(asked, response))
  // RFC 6455 §4.2.2, and one text frame.
  server.on('upgrade', ({ headers }, socket) => {
    const key = `${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
    const accept = createHash('sha1').update(key).digest('base64')
    const isOwn = headers.origin === `http://${headers.host}`
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`)
    socket.write(`Sec-WebSocket-Accept: ${accept}\r\n\r\n`)
    // Its only frame is the one that closes.
    socket.on('data', () => socket.destroy())
    socket.write(isOwn ? '\x81\x05hello' : '\x81\x05alien', 'latin1')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    host,
    url: `http://${host}`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const read = (path: string, { headers, ...init }: RequestInit = {}, agent = READER) =>
  fetch(site.facts.url + path, { redirect: 'manual', ...init, headers: { 'user-agent': agent, ...headers } })

describe('site with an origin under another host', () => {
  it('keeps readers at its own address through redirects', async () => {
    const moved = await read('/blog')
    expect(moved.status).toBe(301)
    expect(moved.headers.get('location')).toBe(`${site.facts.url}/blog/`)
    expect(moved.headers.get('refresh')).toBe(`0; url=${site.facts.url}/blog/`)
  })

  it('lets a person log in by a form that checks its sender', async () => {
    const { url } = site.facts
    const form = await read('/login')
    const [cookie = ''] = form.headers.getSetCookie()
    expect(cookie).toBe('csrf=one; Domain=127.0.0.1; Path=/')
    const sent = (from: string) =>
      read('/login', {
        method: 'POST',
        body: 'csrf=one',
        headers: { cookie: 'csrf=one', origin: from, referer: `${from}/login` },
      })
    const home = await sent(url)
    expect([home.status, home.headers.get('location')]).toEqual([302, `${url}/home`])
    expect((await sent('http://evil.example')).status).toBe(403)
  })

  it('leaves the preflight of a reader to the origin [D3]', async () => {
    const headers = { origin: 'https://app.example', 'access-control-request-method': 'PUT' }
    const response = await read('/api', { method: 'OPTIONS', headers })
    expect(response.headers.get('x-from')).toBe('origin')
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example')
    const charged = await read('/api', { method: 'OPTIONS', headers }, CRAWLER)
    expect(charged.headers.get('x-from')).toBeNull()
  })

  it('passes on a part of a page with its length', async () => {
    const response = await read('/part', { headers: { range: 'bytes=0-4' } })
    expect([response.status, response.headers.get('content-length')]).toEqual([206, '5'])
    expect(response.headers.get('content-range')).toBe('bytes 0-4/5000')
    expect(response.headers.get('link')).toBe(`<${site.facts.url}/style.css>; rel=preload`)
    expect(await response.text()).toBe('xxxxx')
  })

  it('passes on the length of a page that HEAD asks for', async () => {
    const response = await read('/page', { method: 'HEAD' })
    expect(response.headers.get('link')).toBe(`<${site.facts.url}/style.css>; rel=preload`)
    expect(response.headers.get('content-length')).toBe('5000')
  })

  it('passes on the bytes of a header in any encoding', async () => {
    const sent = request(`${site.direct}/latin`, { headers: { 'user-agent': READER } })
    sent.end()
    const [{ headers }] = (await once(sent, 'response')) as [IncomingMessage]
    expect(headers).toMatchObject({ 'x-latin': 'caf\xe9', 'x-utf8': 'caf\xc3\xa9' })
    expect(headers.link).toContain(site.direct)
  })

  it('passes on a compressed page', async () => {
    const response = await read('/zipped')
    expect(response.headers.get('link')).toContain(site.facts.url)
    expect(await response.text()).toBe(PAGE)
  })

  it('lets a page stream for longer than ORIGIN_TIMEOUT_MS', async () => {
    const response = await read('/stream')
    const reader = response.body?.getReader()
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('first')
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('last')
  })

  it('answers 502 to a reader when the origin sends no headers in ORIGIN_TIMEOUT_MS [D9]', async () => {
    const response = await read('/never')
    expect([response.status, await response.json()]).toMatchObject([502, { error: 'tab_origin_unreachable' }])
  })

  it('opens a WebSocket that the origin takes for one of its own', async () => {
    const { direct } = site
    const options = { headers: { 'user-agent': READER, origin: direct } }
    const socket = Reflect.construct(WebSocket, [
      `${direct.replace('http', 'ws')}/live`,
      options,
    ]) as WebSocket
    const [{ data }] = (await once(socket, 'message')) as [{ data: string }]
    expect(data).toBe('hello')
    socket.close()
  })
})

/** Asks the zone's Worker for a host. On Cloudflare, that name leads a Worker's own request to the zone's origin. */
async function askZone(
  path: string,
  agent: string,
): Promise<{ status: number; location?: string; body: string }> {
  const headers = { host: origin.host, 'user-agent': agent, 'x-forwarded-host': 'evil.example' }
  const sent = request(zone.direct + path, { headers })
  sent.end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  const { location } = response.headers
  return { status: response.statusCode ?? 0, body: await text(response), ...(location && { location }) }
}

describe('site with ORIGIN = "zone"', () => {
  it('asks the origin under the host that was asked', async () => {
    const { status, body } = await askZone('/a?b=1', READER)
    expect([status, JSON.parse(body)]).toMatchObject([
      200,
      { url: '/a?b=1', headers: { host: origin.host, 'x-forwarded-host': origin.host } },
    ])
  })

  it('passes on redirects as they are', async () => {
    expect(await askZone('/blog', READER)).toMatchObject({ status: 301, location: `${origin.url}/blog/` })
  })

  it('charges crawlers', async () => {
    expect(await askZone('/a', CRAWLER)).toMatchObject({ status: 402 })
  })
})
