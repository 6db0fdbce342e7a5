import { afterEach, describe, expect, it } from 'vitest'
import { type Fetch, type Fetched, fetchKeys, LARGEST } from '../../src/identity/jwks.ts'
import { DIRECTORY, newCrawler } from './harness.ts'

const { jwk, key } = await newCrawler()
const TYPE = 'application/http-message-signatures-directory+json'
const BODY = JSON.stringify({ keys: [jwk] })

type Call = { url: string; init: RequestInit }
let calls: Call[] = []

afterEach(() => {
  calls = []
})

/** Fetches keys from a directory that gives this answer. */
function ask(answer: (call: Call) => Response | Promise<Response>, patience?: number): Promise<Fetched> {
  const fetch: Fetch = async (url, init) => {
    calls.push({ url, init })
    return answer({ url, init })
  }
  return fetchKeys(DIRECTORY, fetch, patience)
}

function serve(body: BodyInit | null, headers: Record<string, string> = {}, status = 200) {
  return ask(() => new Response(body, { status, headers: { 'content-type': TYPE, ...headers } }))
}

/** A body without end: each read returns `more`. */
function endless(more: Uint8Array, cancelled: () => void = () => undefined) {
  return new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(more),
    cancel: cancelled,
  })
}

describe('fetchKeys', () => {
  it.each([
    TYPE,
    `${TYPE}; charset=utf-8`,
    'application/jwk-set+json',
    'Application/JSON;charset=utf-8',
    'application/json',
  ])('reads a directory served as %s', async (type) => {
    expect(await serve(BODY, { 'content-type': type })).toEqual({
      outcome: 'read',
      keys: [key],
      maxAge: null,
    })
  })

  it('reads a directory that is one bare JWK', async () => {
    expect(await serve(JSON.stringify(jwk))).toMatchObject({ outcome: 'read', keys: [key] })
  })

  it('reads a directory without keys as an empty list', async () => {
    expect(await serve('{"keys":[]}')).toMatchObject({ outcome: 'read', keys: [] })
  })

  it.each([
    ['max-age=600', 600],
    ['public, max-age=86400', 86_400],
    ['no-store', 0],
    ['max-age=600, no-cache', 0],
    ['max-age=soon', null],
    ['', null],
  ])('reads Cache-Control %j as a maxAge of %j seconds', async (control, maxAge) => {
    expect(await serve(BODY, { 'cache-control': control })).toMatchObject({ maxAge })
  })

  it('sends one request to the URL, without credentials or redirects', async () => {
    await serve(BODY)
    expect(calls).toHaveLength(1)
    expect(calls[0]).toMatchObject({ url: DIRECTORY, init: { redirect: 'manual' } })
    expect(Object.keys(calls[0]?.init.headers ?? {})).toEqual(['accept', 'user-agent'])
  })
})

describe('fetchKeys from a hostile directory', () => {
  it.each([301, 302, 303, 307, 308])('fails on redirect %d and does not follow it [C5]', async (status) => {
    expect(await serve(null, { location: 'https://169.254.169.254/' }, status)).toMatchObject({
      outcome: 'failed',
    })
    expect(calls).toHaveLength(1)
  })

  it.each([201, 203, 206, 400, 401, 402, 404, 410, 429, 500, 503])(
    'fails on status %d [C5]',
    async (status) => {
      expect(await serve(BODY, {}, status)).toMatchObject({ outcome: 'failed' })
    },
  )

  it.each(['text/html', 'text/plain', 'application/javascript', 'image/png', ''])(
    'fails on content type %j [C5]',
    async (type) => {
      expect(await serve(BODY, { 'content-type': type })).toMatchObject({ outcome: 'failed' })
    },
  )

  it.each(['', 'null', '[]', '{', '{"keys":1}', '"keys"', `${BODY}x`, '\ufffe'])(
    'fails on the body %j [C5]',
    async (body) => {
      expect(await serve(body)).toMatchObject({ outcome: 'failed' })
    },
  )

  it('fails on a body that is not UTF-8 [C5]', async () => {
    expect(await serve(new Uint8Array([0x22, 0xff, 0x22]))).toMatchObject({ outcome: 'failed' })
  })

  it('reads a body of the largest size and fails on one more byte [C5]', async () => {
    const padded = (size: number) => BODY + ' '.repeat(size - BODY.length)
    expect(await serve(padded(LARGEST))).toMatchObject({ outcome: 'read' })
    expect(await serve(padded(LARGEST + 1))).toMatchObject({ outcome: 'failed' })
  })

  it('cancels a body without end soon after 64 KB [C5]', async () => {
    let read = 0
    const cancelled = await new Promise<number>((resolve) => {
      const body = endless(new Uint8Array(8192).fill(0x20), () => resolve(read))
      const counted = body.pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
          transform: (part, controller) => {
            read += part.byteLength
            controller.enqueue(part)
          },
        }),
      )
      void serve(counted)
    })
    expect(cancelled).toBeLessThan(4 * LARGEST)
  })

  it('reads only 16 of many keys [C5]', async () => {
    const read = await serve(JSON.stringify({ keys: new Array(300).fill(jwk) }))
    expect(read.outcome === 'read' && read.keys).toHaveLength(16)
  })

  it('fails after the timeout when the directory never answers [C5]', async () => {
    const fetched = await ask(() => new Promise<Response>(() => undefined), 20)
    expect(fetched).toEqual({ outcome: 'failed', why: 'took too long' })
  })

  it('fails after the timeout when the directory sends one byte at a time [C5]', async () => {
    const slow = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        await new Promise((resolve) => setTimeout(resolve, 15))
        controller.enqueue(new Uint8Array([0x20]))
      },
    })
    const answer = () => new Response(slow, { headers: { 'content-type': TYPE } })
    expect(await ask(answer, 40)).toEqual({ outcome: 'failed', why: 'took too long' })
  })

  it('fails with the reason when the directory is unreachable [C5]', async () => {
    const unreachable = () => Promise.reject(new TypeError('getaddrinfo ENOTFOUND'))
    expect(await ask(unreachable)).toEqual({ outcome: 'failed', why: 'getaddrinfo ENOTFOUND' })
  })
})
