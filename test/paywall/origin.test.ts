/** Requests to an origin and its answers, as `pass` and `buy` make them. */
import { describe, expect, it } from 'vitest'
import { buy, type OriginSettings, pass } from '../../src/paywall/origin.ts'
import { canonicalize } from '../../src/paywall/path.ts'
import { BROWSER } from '../schemes/harness.ts'

const SITE = 'https://news.example'

/** An origin that gives `answer`, and the request that it received. */
function originOf(
  answer: (request: Request) => Response | Promise<Response>,
  rest: Partial<OriginSettings> = {},
) {
  const asked: Request[] = []
  const settings: OriginSettings = {
    url: new URL('https://origin.example'),
    fetch: async (request) => {
      asked.push(request)
      return answer(request)
    },
    secret: undefined,
    timeoutMs: 200,
    ...rest,
  }
  return { asked, settings }
}

function ask(settings: OriginSettings, target: string, init: RequestInit = {}): Promise<Response> {
  const request = new Request(target.startsWith('http') ? target : SITE + target, init)
  const path = canonicalize(request.url)
  if (!path.ok) throw new Error('ambiguous')
  return pass(settings, request, path.value)
}

async function received(
  headers: Record<string, string>,
  init: RequestInit = {},
  rest = {},
): Promise<Headers> {
  const { asked, settings } = originOf(() => new Response(), rest)
  await ask(settings, '/a', { ...init, headers })
  return asked[0]?.headers ?? new Headers()
}

const never = new Promise<Response>(() => undefined)

describe('pass for the headers of a request', () => {
  it('passes on no header that is about one connection [D5]', async () => {
    const headers = await received({
      connection: 'keep-alive, X-Listed, b@d',
      'keep-alive': 'timeout=5',
      'proxy-authorization': 'Basic eDp5',
      'proxy-authenticate': 'Basic',
      'proxy-connection': 'close',
      te: 'trailers',
      trailer: 'x',
      'transfer-encoding': 'gzip, chunked',
      upgrade: 'h2c',
      'http2-settings': 'AAMAAABkAAQAoAAAAAIAAAAA',
      'x-listed': '1',
      'x-kept': '1',
    })
    const names = [...headers.keys()].filter((name) => !/^(?:x-)?forwarded/.test(name))
    expect(names).toEqual(['x-kept'])
  })

  it('passes on no header with which a client could pose as another [D6]', async () => {
    const names = [
      'cf-connecting-ip cf-connecting-ipv6 cf-ipcountry cf-ray cf-visitor cf-worker cf-pseudo-ipv4 cf-ew-via',
      'client-ip fastly-client-ip true-client-ip x-client-ip x-cluster-client-ip x-real-ip',
      'x-forwarded x-forwarded-by x-forwarded-for x-forwarded-port x-forwarded-prefix x-forwarded-scheme',
      'x-forwarded-server x-forwarded-ssl x-original-forwarded-for front-end-https x-url-scheme proxy',
      'x-host x-http-host-override x-original-host x-original-uri x-original-url x-override-url x-rewrite-url',
      'x-http-method x-http-method-override x-method-override x-original-method',
      'x-tab402-paid tab402-origin-secret payment-signature x-payment crawler-exact-price crawler-max-price',
    ].flatMap((line) => line.split(' '))
    // A CGI origin reads these as the same.
    const spelled = ['_', '.', '~'].flatMap((mark) => names.map((name) => name.replaceAll('-', mark)))
    const sent = [...names, ...spelled].map((name) => [name, 'forged'])
    const headers = await received(Object.fromEntries(sent))
    expect([...headers]).toEqual([
      ['forwarded', 'host="news.example";proto=https'],
      ['x-forwarded-host', 'news.example'],
      ['x-forwarded-proto', 'https'],
    ])
  })

  it('passes on what Cloudflare itself has written', async () => {
    const written = { 'cf-ray': '1-TXL', 'cf-visitor': '{"scheme":"https"}', 'cf-connecting-ip': '192.0.2.7' }
    const cf = { country: 'DE' } as IncomingRequestCfProperties
    const headers = await received({ ...written, 'cf-ipcountry': 'T1', 'cf-worker': 'x' }, { cf })
    expect(Object.fromEntries(headers)).toEqual({
      ...written,
      'cf-ipcountry': 'DE',
      forwarded: 'for=192.0.2.7;host="news.example";proto=https',
      'x-forwarded-for': '192.0.2.7',
      'x-forwarded-host': 'news.example',
      'x-forwarded-proto': 'https',
    })
  })

  it('writes an address of version 6 into Forwarded as RFC 7239 does', async () => {
    const headers = await received({ 'cf-connecting-ip': '2001:db8::7' })
    expect(headers.get('forwarded')).toBe('for="[2001:db8::7]";host="news.example";proto=https')
    expect(headers.get('x-forwarded-for')).toBe('2001:db8::7')
  })

  it('states the client to a zone as X-Real-IP too, which Cloudflare takes there', async () => {
    const headers = await received(
      { 'cf-connecting-ip': '192.0.2.7', 'x-real-ip': '6.6.6.6' },
      {},
      { url: undefined },
    )
    expect(headers.get('x-real-ip')).toBe('192.0.2.7')
    expect((await received({ 'x-real-ip': '6.6.6.6' }, {}, { url: undefined })).has('x-real-ip')).toBe(false)
  })
})

/** Whether the CSRF check of a framework accepts a request, as its documentation describes the check. */
const CHECKS: Readonly<Record<string, (asked: Request) => boolean>> = {
  'Rails, which takes the forwarded host': ({ headers }) =>
    headers.get('origin') === `${headers.get('x-forwarded-proto')}://${headers.get('x-forwarded-host')}`,
  'Django, which takes the Host header': ({ headers, url }) => headers.get('origin') === new URL(url).origin,
  'Django without Origin, by the Referer': ({ headers, url }) =>
    new URL(headers.get('referer') ?? '').host === new URL(url).host,
  'WordPress, by the Referer': ({ headers, url }) => headers.get('referer') === `${new URL(url).origin}/form`,
}

describe('pass for a form', () => {
  const form = (origin: string) => ({
    method: 'POST',
    body: 'a=1',
    headers: { 'user-agent': BROWSER, origin, referer: `${origin}/form` },
  })

  it.each(Object.entries(CHECKS))('satisfies the check of %s', async (_, accepts) => {
    for (const url of [undefined, new URL('https://origin.example')]) {
      const { asked, settings } = originOf(() => new Response(), { url })
      await ask(settings, '/form', form(SITE))
      await ask(settings, '/form', form('https://evil.example'))
      expect(asked.map(accepts)).toEqual([true, false])
    }
  })
})

describe('pass for an answer', () => {
  it('shows the site in place of the origin in every header', async () => {
    const { settings } = originOf(() => {
      const answer = new Response(null, {
        status: 302,
        statusText: 'Found',
        headers: { location: 'https://origin.example/b', link: '<https://origin.example/c>; rel=next' },
      })
      answer.headers.append('set-cookie', 'a=1; Domain=origin.example')
      answer.headers.append('set-cookie', 'b=2, 3; Path=/')
      return answer
    })
    const answer = await ask(settings, '/a')
    expect([answer.status, answer.statusText]).toEqual([302, 'Found'])
    expect([...answer.headers]).toEqual([
      ['link', '<https://news.example/c>; rel=next'],
      ['location', 'https://news.example/b'],
      ['set-cookie', 'a=1; Domain=news.example'],
      ['set-cookie', 'b=2, 3; Path=/'],
    ])
  })

  it('shows a paid page in the same way', async () => {
    const { settings } = originOf(
      () => new Response('x', { headers: { link: '<//origin.example/c>; rel=next' } }),
    )
    const path = { path: '/a', search: '' }
    const answer = await buy(settings, new Request(`${SITE}/a`), path, null)
    expect(answer.headers.get('link')).toBe('<//news.example/c>; rel=next')
  })

  it('removes headers that are about the connection to the origin [D5]', async () => {
    const headers = {
      connection: 'close, X-Listed',
      'keep-alive': 'timeout=5',
      'x-listed': '1',
      'alt-svc': 'h3="origin.example:443"',
      'x-kept': '1',
    }
    for (const url of [undefined, new URL('https://origin.example')]) {
      const answer = await ask(originOf(() => new Response('x', { headers }), { url }).settings, '/a')
      expect([...answer.headers.keys()].filter((name) => name !== 'content-type')).toEqual(['x-kept'])
      expect(await answer.text()).toBe('x')
    }
  })

  it('returns the same answer when no header changes', async () => {
    const given = new Response('x', { headers: { location: '/b', 'set-cookie': 'a=1' } })
    expect(await ask(originOf(() => given).settings, '/a')).toBe(given)
  })
})

describe('pass for a zone', () => {
  it.each([
    ['https://news.example/a?b=1', 'https://news.example/a?b=1'],
    ['http://news.example:8080/%7Ea', 'http://news.example:8080/~a'],
  ])('asks %s under its own address', async (target, url) => {
    const { asked, settings } = originOf(() => new Response(), { url: undefined })
    await ask(settings, target, { headers: { origin: 'https://news.example', referer: target } })
    expect(asked.map((request) => request.url)).toEqual([url])
    expect(asked[0]?.headers.get('origin')).toBe('https://news.example')
    expect(asked[0]?.headers.get('referer')).toBe(target)
    expect(asked[0]?.redirect).toBe('manual')
  })

  it('fails where the name leads back to the Worker, as on a custom domain', async () => {
    const { asked, settings } = originOf((request) => pass(settings, request, { path: '/a', search: '' }), {
      url: undefined,
    })
    await expect(ask(settings, '/a')).rejects.toThrow('ORIGIN = "zone" must lead to a server')
    expect(asked).toHaveLength(1)
  })

  it('leaves addresses in answers as they are', async () => {
    const given = new Response('x', { headers: { location: 'https://origin.example/b' } })
    expect(await ask(originOf(() => given, { url: undefined }).settings, '/a')).toBe(given)
  })
})

describe('pass for a slow origin', () => {
  /** Aborts as `fetch` does. */
  const hangs = ({ signal }: Request) =>
    Promise.race([
      never,
      new Promise<Response>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    ])

  it.each(['GET', 'HEAD', 'POST', 'DELETE'])(
    'gives up a %s without headers at the timeout [D9]',
    async (method) => {
      const { settings } = originOf(hangs)
      const body = method === 'POST' ? 'x' : null
      await expect(ask(settings, '/a', { method, body })).rejects.toThrow('origin timeout')
    },
  )

  it('gives up an origin that reads no body [D9]', async () => {
    const { settings } = originOf(hangs)
    const body = new Blob(['x'.repeat(1 << 20)]).stream()
    await expect(ask(settings, '/a', { method: 'POST', body })).rejects.toThrow('origin timeout')
  })

  it('lets a page stream for longer than the timeout', async () => {
    let send: (() => void) | undefined
    const { settings, asked } = originOf(
      () =>
        new Response(
          new ReadableStream({
            start(controller) {
              send = () => {
                controller.enqueue(new TextEncoder().encode('late'))
                controller.close()
              }
            },
          }),
        ),
      { timeoutMs: 20 },
    )
    const answer = await ask(settings, '/a')
    await scheduler.wait(60)
    send?.()
    expect(await answer.text()).toBe('late')
    expect(asked[0]?.signal.aborted).toBe(false)
  })

  it('lets a client send for longer than the timeout, with the length that it stated', async () => {
    const parts = ['one', 'two']
    const slow = new ReadableStream({
      async pull(controller) {
        await scheduler.wait(60)
        const part = parts.shift()
        if (part) controller.enqueue(new TextEncoder().encode(part))
        else controller.close()
      },
    })
    const { settings } = originOf(async (request) => new Response(await request.text()), { timeoutMs: 40 })
    const answer = await ask(settings, '/a', {
      method: 'PUT',
      body: slow,
      headers: { 'content-length': '6' },
    })
    expect(await answer.text()).toBe('onetwo')
  })

  it('fails when the client gives up its body', async () => {
    const broken = new ReadableStream({
      pull(controller) {
        controller.error(new Error('the client has gone'))
      },
    })
    const { settings } = originOf(async (request) => new Response(await request.text()))
    await expect(ask(settings, '/a', { method: 'PUT', body: broken })).rejects.toThrow()
  })

  it('returns an answer that comes before the body was read', async () => {
    const { settings } = originOf(() => new Response('too large', { status: 413 }))
    const body = new Blob(['x'.repeat(1 << 20)]).stream()
    const answer = await ask(settings, '/a', { method: 'POST', body })
    expect([answer.status, await answer.text()]).toEqual([413, 'too large'])
  })
})
