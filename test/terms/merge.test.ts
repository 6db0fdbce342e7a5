/** robots.txt: the origin's own file stays as it is, and every other answer of an origin has an answer here. */
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { MAX_ROBOTS_BYTES, robotsTxt } from '../../src/terms/merge.ts'
import type { TermsName } from '../../src/terms/names.ts'
import { policyOf, SITE } from './site.ts'

const ORIGIN =
  'User-agent: *\r\nDisallow: /private\r\n\r\n# Ende – à bientôt\r\nSitemap: https://daily.example/map.xml'
const BEFORE = `License: ${SITE}/license.xml\n\n`
const GROUP = 'User-agent: *\nContent-Signal: search=yes, ai-input=no, ai-train=no\nDisallow:\n'

type Asking = { headers?: Record<string, string>; method?: string; seen?: (request: Request) => void }

/** Asks for robots.txt of a site whose origin gives this answer. */
function ask(
  answer: () => Response | Promise<Response>,
  { headers = {}, method = 'GET', seen }: Asking = {},
) {
  return robotsTxt({
    policy: policyOf([{ action: 'allow', who: 'search' }]),
    schemes: {},
    documents: new Set<TermsName>(['robots', 'rsl']),
    origin: SITE,
    request: new Request(`${SITE}/robots.txt`, { method, headers }),
    content: {
      async pass(request) {
        seen?.(request)
        return answer()
      },
      buy: () => Promise.reject(new Error('nothing is bought')),
    },
  })
}

function text(body: BodyInit | null, headers: Record<string, string> = {}, status = 200): () => Response {
  return () => new Response(body, { status, headers: { 'content-type': 'text/plain', ...headers } })
}

/** A body that arrives in pieces; counts those that were read. */
function pieces(size: number, count: number) {
  const read = { pieces: 0, isCancelled: false }
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (read.pieces++ < count) controller.enqueue(new Uint8Array(size).fill(0x23))
        else controller.close()
      },
      cancel() {
        read.isCancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  return { read, body }
}

describe('A robots.txt of the origin', () => {
  it('stays as it is, byte for byte, between our lines', async () => {
    const answer = await ask(text(ORIGIN))
    expect(answer.status).toBe(200)
    expect(await answer.text()).toBe(`${BEFORE}${ORIGIN}\n${GROUP}`)
  })

  it('keeps its byte order mark in front', async () => {
    const answer = await ask(text(`\uFEFF${ORIGIN}`))
    const bytes = new Uint8Array(await answer.arrayBuffer())
    expect([...bytes.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf])
    expect(new TextDecoder().decode(bytes)).toBe(`${BEFORE}${ORIGIN}\n${GROUP}`)
  })

  it('keeps bytes that are not UTF-8', async () => {
    const latin1 = new Uint8Array([...'# caf'].map((char) => char.charCodeAt(0)).concat(0xe9, 0x0a))
    const bytes = new Uint8Array(await (await ask(text(latin1))).arrayBuffer())
    const start = BEFORE.length
    expect([...bytes.subarray(start, start + latin1.length)]).toEqual([...latin1])
  })

  it('loses the headers that describe its own bytes, and keeps the others', async () => {
    const own = {
      etag: '"1"',
      'last-modified': 'x',
      'content-length': '9',
      'cache-control': 'max-age=60',
      'x-own': 'y',
    }
    const { headers } = await ask(text(ORIGIN, own))
    expect(Object.fromEntries(headers)).toEqual({
      'cache-control': 'max-age=60',
      'content-type': 'text/plain',
      'x-own': 'y',
    })
  })

  it('is asked for as a whole, whatever part or version the client wants', async () => {
    const headers = {
      range: 'bytes=0-9',
      'if-none-match': '"1"',
      'if-modified-since': 'x',
      accept: 'text/plain',
    }
    let asked: Request | undefined
    await ask(text(ORIGIN), { headers, seen: (request) => (asked = request) })
    expect(Object.fromEntries(asked?.headers ?? [])).toEqual({ accept: 'text/plain' })
  })

  it('without a body or a media type gets our lines alone', async () => {
    const answer = await ask(() => new Response(null))
    expect(await answer.text()).toBe(`${BEFORE}${GROUP}`)
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
  })

  it('answers HEAD without a body and without the length of the other file', async () => {
    const answer = await ask(text(null, { 'content-length': '9' }), { method: 'HEAD' })
    expect([answer.status, answer.body, answer.headers.get('content-length')]).toEqual([200, null, null])
  })
})

describe('A robots.txt longer than crawlers read', () => {
  it('gets our lines in front alone, because no crawler reads what stands behind', async () => {
    const { body } = pieces(64 * 1024, 160)
    const bytes = new Uint8Array(await (await ask(text(body))).arrayBuffer())
    expect(bytes.length).toBe(BEFORE.length + 10 * 1024 * 1024)
    expect(new TextDecoder().decode(bytes.subarray(0, BEFORE.length))).toBe(BEFORE)
    expect(bytes.at(-1)).toBe(0x23)
  })

  it('is read no further than the client reads, and no longer than it stays', async () => {
    const { body, read } = pieces(64 * 1024, 160)
    const answer = await ask(text(body))
    expect(read.pieces).toBeLessThan(12)
    await answer.body?.cancel()
    expect(read.isCancelled).toBe(true)
  })

  it('begins one byte beyond the limit', async () => {
    const at = await ask(text('#'.repeat(MAX_ROBOTS_BYTES)))
    expect((await at.text()).endsWith(GROUP)).toBe(true)
    const beyond = await ask(text('#'.repeat(MAX_ROBOTS_BYTES + 1)))
    expect((await beyond.text()).endsWith('#')).toBe(true)
  })
})

describe('An origin without a robots.txt', () => {
  it.each([404, 410])('with %i gets ours', async (status) => {
    const answer = await ask(text('no such page', {}, status))
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(await answer.text()).toBe(`${BEFORE}${GROUP}`)
  })
})

describe('An answer other than a robots.txt', () => {
  it.each([301, 401, 403, 418, 429, 500, 503])('with %i is passed on as it came', async (status) => {
    const answer = await ask(text('not now', { etag: '"1"' }, status))
    expect([answer.status, answer.headers.get('etag'), await answer.text()]).toEqual([
      status,
      '"1"',
      'not now',
    ])
  })

  it('from an origin out of reach is 502', async () => {
    expect((await ask(() => Promise.reject(new Error('down')))).status).toBe(502)
  })

  it.each([
    ['HTML', '<!doctype html>', 'text/html'],
    ['a compressed file', '', 'application/gzip'],
  ])('but %s by its media type is passed on as it came', async (_, body, type) => {
    const answer = await ask(text(body, { 'content-type': type, etag: '"1"' }))
    expect([answer.headers.get('etag'), await answer.text()]).toEqual(['"1"', body])
  })

  it.each([
    ['UTF-16 with a mark', new Uint8Array([0xff, 0xfe, 0x55, 0, 0x73, 0])],
    ['UTF-16 without a mark', new Uint8Array([0, 0x55, 0, 0x73, 0, 0x65])],
    ['gzip', new Uint8Array(gzipSync(ORIGIN))],
  ])('but %s is passed on byte for byte', async (_, bytes) => {
    const answer = await ask(text(bytes, { etag: '"1"' }))
    expect([...new Uint8Array(await answer.arrayBuffer())]).toEqual([...bytes])
    expect(answer.headers.get('etag')).toBe('"1"')
  })
})
