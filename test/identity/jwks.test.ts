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

/** Asks a directory that answers so. */
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

/** A body that never ends: `more` of it whenever it is read. */
function endless(more: Uint8Array, cancelled: () => void = () => undefined) {
  return new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(more),
    cancel: cancelled,
  })
}

describe('a directory', () => {
  it.each([
    TYPE,
    `${TYPE}; charset=utf-8`,
    'application/jwk-set+json',
    'Application/JSON;charset=utf-8',
    'application/json',
  ])('is read when it is served as %s', async (type) => {
    expect(await serve(BODY, { 'content-type': type })).toEqual({
      outcome: 'read',
      keys: [key],
      maxAge: null,
    })
  })

  it('may be one bare JWK', async () => {
    expect(await serve(JSON.stringify(jwk))).toMatchObject({ outcome: 'read', keys: [key] })
  })

  it('without keys is read: that it has none is evidence', async () => {
    expect(await serve('{"keys":[]}')).toMatchObject({ outcome: 'read', keys: [] })
  })

  it.each([
    ['max-age=600', 600],
    ['public, max-age=86400', 86_400],
    ['no-store', 0],
    ['max-age=600, no-cache', 0],
    ['max-age=soon', null],
    ['', null],
  ])('says how long it may be kept: %j is %j s', async (control, maxAge) => {
    expect(await serve(BODY, { 'cache-control': control })).toMatchObject({ maxAge })
  })

  it('is asked once, by its URL, without credentials, and not for where it redirects to', async () => {
    await serve(BODY)
    expect(calls).toHaveLength(1)
    expect(calls[0]).toMatchObject({ url: DIRECTORY, init: { redirect: 'manual' } })
    expect(Object.keys(calls[0]?.init.headers ?? {})).toEqual(['accept', 'user-agent'])
  })
})

describe('a hostile directory [C5]', () => {
  it.each([301, 302, 303, 307, 308])(
    'that redirects with %d has failed, and is not followed [C5]',
    async (status) => {
      expect(await serve(null, { location: 'https://169.254.169.254/' }, status)).toMatchObject({
        outcome: 'failed',
      })
      expect(calls).toHaveLength(1)
    },
  )

  it.each([201, 203, 206, 400, 401, 402, 404, 410, 429, 500, 503])(
    'that answers %d has failed [C5]',
    async (status) => {
      expect(await serve(BODY, {}, status)).toMatchObject({ outcome: 'failed' })
    },
  )

  it.each(['text/html', 'text/plain', 'application/javascript', 'image/png', ''])(
    'of type %j has failed [C5]',
    async (type) => {
      expect(await serve(BODY, { 'content-type': type })).toMatchObject({ outcome: 'failed' })
    },
  )

  it.each(['', 'null', '[]', '{', '{"keys":1}', '"keys"', `${BODY}x`, '\ufffe'])(
    'that answers %j has failed [C5]',
    async (body) => {
      expect(await serve(body)).toMatchObject({ outcome: 'failed' })
    },
  )

  it('that answers no UTF-8 has failed [C5]', async () => {
    expect(await serve(new Uint8Array([0x22, 0xff, 0x22]))).toMatchObject({ outcome: 'failed' })
  })

  it('that is as large as may be is read, and a byte more has failed [C5]', async () => {
    const padded = (size: number) => BODY + ' '.repeat(size - BODY.length)
    expect(await serve(padded(LARGEST))).toMatchObject({ outcome: 'read' })
    expect(await serve(padded(LARGEST + 1))).toMatchObject({ outcome: 'failed' })
  })

  it('without an end is left after 64 KB [C5]', async () => {
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

  it('of a thousand keys costs sixteen [C5]', async () => {
    const read = await serve(JSON.stringify({ keys: new Array(300).fill(jwk) }))
    expect(read.outcome === 'read' && read.keys).toHaveLength(16)
  })

  it('that accepts the connection and says nothing has failed, even if fetch takes no notice [C5]', async () => {
    const silent = await ask(() => new Promise<Response>(() => undefined), 20)
    expect(silent).toEqual({ outcome: 'failed', why: 'took too long' })
  })

  it('that sends a byte now and then has failed when the time is up [C5]', async () => {
    const slow = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        await new Promise((resolve) => setTimeout(resolve, 15))
        controller.enqueue(new Uint8Array([0x20]))
      },
    })
    const answer = () => new Response(slow, { headers: { 'content-type': TYPE } })
    expect(await ask(answer, 40)).toEqual({ outcome: 'failed', why: 'took too long' })
  })

  it('that cannot be reached has failed [C5]', async () => {
    const unreachable = () => Promise.reject(new TypeError('getaddrinfo ENOTFOUND'))
    expect(await ask(unreachable)).toEqual({ outcome: 'failed', why: 'getaddrinfo ENOTFOUND' })
  })
})
