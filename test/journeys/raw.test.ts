import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CANARY, openTab, PRICE, type Site, startSite, type Tab } from './site.ts'
import { exchange, head, statuses } from './socket.ts'

const CRAWLER = 'User-Agent: GPTBot'
const READER = 'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const HOST = 'Host: HOST'
const CLOSE = 'Connection: close'

/** Sent after an attack on the same socket: an HTTP answer shows that no tunnel is open. */
const LAST = head('GET /last HTTP/1.1', HOST, CRAWLER, CLOSE)
const WEBSOCKET = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']
const SMUGGLED = head('GET /smuggled HTTP/1.1', 'Host: evil.example', READER, CLOSE)

/** Bytes on a socket, where HOST stands for the site's own host, and the statuses of all answers. */
type Attack = readonly [name: string, bytes: string, answers: readonly number[]]

const get = (...lines: string[]) => head('GET /page HTTP/1.1', ...lines)
const asked = (line: string, ...lines: string[]) => head(line, HOST, CRAWLER, CLOSE, ...lines)

const UPGRADES: Attack[] = [
  [
    'a WebSocket',
    get(HOST, CRAWLER, 'Connection: Upgrade', 'Upgrade: websocket', ...WEBSOCKET) + LAST,
    [402, 402],
  ],
  [
    'h2c',
    get(HOST, CRAWLER, 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk') +
      LAST,
    [402, 402],
  ],
  ['an unknown protocol', get(HOST, CRAWLER, 'Connection: Upgrade', 'Upgrade: tunnel/1') + LAST, [402, 402]],
  ['HTTP/2 without asking', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', []],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', [400]],
]

const FRAMES: Attack[] = [
  [
    'Content-Length and chunks',
    body('Content-Length: 6', 'Transfer-Encoding: chunked', '0\r\n\r\n') + SMUGGLED,
    [402],
  ],
  [
    'chunks and Content-Length',
    body('Transfer-Encoding: chunked', 'Content-Length: 4', '5c\r\n') + SMUGGLED,
    [402],
  ],
  [
    'two codings',
    body('Transfer-Encoding: chunked', 'Transfer-Encoding: identity', '0\r\n\r\n') + SMUGGLED,
    [400],
  ],
  ['a coding that looks like chunked', body('Transfer-Encoding: xchunked', '0\r\n\r\n') + SMUGGLED, [400]],
  [
    'a coding with a space before its colon',
    body('Transfer-Encoding : chunked', '0\r\n\r\n') + SMUGGLED,
    [400],
  ],
  ['two lengths', body('Content-Length: 5', 'Content-Length: 6', 'hello') + SMUGGLED, [400]],
  ['a length with a sign', body('Content-Length: +5', 'hello') + SMUGGLED, [400]],
  ['a negative length', body('Content-Length: -1', '') + SMUGGLED, [400]],
  ['a length beyond 64 bits', body('Content-Length: 99999999999999999999', 'hello') + SMUGGLED, [400]],
  [
    'a payment in a trailer',
    body('Transfer-Encoding: chunked', 'Trailer: payment-signature', '0\r\nPAYMENT-SIGNATURE: e30=\r\n\r\n') +
      LAST,
    [402, 402],
  ],
  ['a folded header', get(HOST, 'X-Folded: a', ' b', CRAWLER, CLOSE), [400]],
  ['a NUL in a header', get(HOST, 'X-Nul: a\0b', CRAWLER, CLOSE), [400]],
  ['a second request line', get(HOST, CRAWLER, 'X: y\rGET /robots.txt HTTP/1.1', CLOSE), [400]],
]

function body(...lines: string[]): string {
  const content = lines.pop() ?? ''
  return head('POST /page HTTP/1.1', HOST, CRAWLER, ...lines) + content
}

const TARGETS: Attack[] = [
  ['the absolute form of another site', asked('GET http://evil.example/page HTTP/1.1'), [402]],
  ['the absolute form of the origin', asked('GET ORIGIN/page HTTP/1.1'), [402]],
  ['another scheme', asked('GET ftp://evil.example/page HTTP/1.1'), [402]],
  ['two slashes', asked('GET //evil.example/page HTTP/1.1'), [400]],
  ['no slash', asked('GET @evil.example/page HTTP/1.1'), [400]],
  ['a backslash', asked('GET /\\evil.example/page HTTP/1.1'), [400]],
  ['an empty segment', asked('GET /web/https://evil.example/page HTTP/1.1'), [402]],
  ['parameters', asked('GET /robots.txt;/page HTTP/1.1'), [402]],
  ['an escaped slash', asked('GET /robots.txt%2Fpage HTTP/1.1'), [402]],
  ['bytes of Latin-1', asked('GET /robots.txt%E9 HTTP/1.1'), [402]],
  ['dot segments', asked('GET /robots.txt/../page HTTP/1.1'), [400]],
  ['a fragment', asked('GET /page#/robots.txt HTTP/1.1'), [402]],
  ['a query for a path', asked('GET ?/robots.txt HTTP/1.1'), [400]],
  ['a star', asked('GET * HTTP/1.1'), [400]],
  ['a star with OPTIONS', asked('OPTIONS * HTTP/1.1'), [204]],
  ['two targets', asked('GET /page /robots.txt HTTP/1.1'), [400]],
  ['no version', 'GET /page\r\n\r\n', [400]],
  ['HTTP/3', asked('GET /page HTTP/3.0'), [400]],
]

const HOSTS: Attack[] = [
  ['another site', get('Host: evil.example', CRAWLER, CLOSE), [402]],
  ['a missing header', get(CRAWLER, CLOSE), [400]],
  ['an empty value', get('Host:', CRAWLER, CLOSE), [400]],
  ['two values', get(HOST, 'Host: evil.example', CRAWLER, CLOSE), [400]],
  ['a user', get('Host: robots.txt:x@HOST', CRAWLER, CLOSE), [402]],
  ['a port above 65535', get('Host: evil.example:99999', CRAWLER, CLOSE), [400]],
  ['an address cut short', get('Host: [::1', CRAWLER, CLOSE), [400]],
  ['a space', get('Host: evil example', CRAWLER, CLOSE), [400]],
  ['a backslash', get('Host: evil\\robots.txt', CRAWLER, CLOSE), [400]],
  [
    'forwarding headers for another host',
    get(
      HOST,
      'X-Forwarded-Host: evil.example',
      'X-Original-URL: /robots.txt',
      'X-Rewrite-URL: /robots.txt',
      'Forwarded: host=evil.example',
      CRAWLER,
      CLOSE,
    ),
    [402],
  ],
]

const METHODS: Attack[] = [
  ...['TRACE', 'PROPFIND', 'PURGE', 'MKCOL', 'COPY', 'LOCK', 'SEARCH'].map(
    (method): Attack => [method, asked(`${method} /page HTTP/1.1`), [405]],
  ),
  // The runtime itself rejects unknown methods and any in lower case.
  ...['get', 'Get', 'head', 'post', 'BREW'].map(
    (method): Attack => [method, asked(`${method} /page HTTP/1.1`), [501]],
  ),
  ['HEAD', asked('HEAD /page HTTP/1.1'), [402]],
  ['HEAD by another name', asked('HEAD /page HTTP/1.1', 'X-HTTP-Method-Override: GET'), [402]],
  ['OPTIONS', asked('OPTIONS /page HTTP/1.1'), [204]],
]

const LENGTHS: Attack[] = [
  ['a path of 9 KB', asked(`GET /${'a'.repeat(9_000)} HTTP/1.1`), [400]],
  ['a URL of 16 KB', asked(`GET /page?${'a'.repeat(16_384)} HTTP/1.1`), [400]],
  ['a URL of 128 KB', asked(`GET /${'a'.repeat(131_072)} HTTP/1.1`), [414]],
  [
    '128 headers of 1 KB',
    asked('GET /page HTTP/1.1', ...Array.from({ length: 128 }, (_, at) => `X-${at}: ${'a'.repeat(1_000)}`)),
    [402],
  ],
  ['a header of 128 KB', asked('GET /page HTTP/1.1', `X-Long: ${'a'.repeat(131_072)}`), [402]],
  ['a payment of 9 KB', asked('GET /page HTTP/1.1', `PAYMENT-SIGNATURE: ${'A'.repeat(9_000)}`), [400]],
  ['a payment of 128 KB', asked('GET /page HTTP/1.1', `PAYMENT-SIGNATURE: ${'A'.repeat(131_072)}`), [400]],
  ['a payment of 1 MB', asked('GET /page HTTP/1.1', `PAYMENT-SIGNATURE: ${'A'.repeat(1 << 20)}`), [431]],
  ['two payments', asked('GET /page HTTP/1.1', 'PAYMENT-SIGNATURE: e30=', 'PAYMENT-SIGNATURE: e30='), [400]],
]

let site: Site

beforeAll(async () => {
  site = await startSite({ ORIGIN_SECRET: 'a-secret-of-the-origin' })
})
afterAll(() => site.stop())
beforeEach(() => {
  site.origin.asked.length = 0
})

/** Sends bytes straight to the runtime, past the proxy of the local tools. */
function attack(bytes: string, door = site.direct): Promise<string> {
  const sent = bytes.replaceAll('HOST', new URL(door).host).replaceAll('ORIGIN', site.facts.origin)
  return exchange(door, sent)
}

const paid: { title: string; attacks: Attack[] }[] = [
  { title: 'site opens no tunnel for an upgrade [D5]', attacks: UPGRADES },
  { title: 'site reads ambiguous framing safely [D5]', attacks: FRAMES },
  { title: 'site serves nothing for a strange target [D10]', attacks: TARGETS },
  { title: 'site serves nothing for a strange host [D5]', attacks: HOSTS },
  { title: 'site serves nothing for a strange method [D3]', attacks: METHODS },
  { title: 'site serves nothing for excessive lengths [D13]', attacks: LENGTHS },
]

describe.each(paid)('$title', ({ attacks }) => {
  it.each(attacks)('%s', async (_, bytes, answers) => {
    const answer = await attack(bytes)
    expect({ answers: statuses(answer), answer }).toEqual({
      answers,
      answer: expect.not.stringContaining(CANARY),
    })
    expect(site.origin.asked).toEqual([])
    // Answers of the local tools, given before the Worker runs, must not leak the page either.
    expect(await attack(bytes, site.facts.url)).not.toContain(CANARY)
    expect(site.origin.asked).toEqual([])
  })
})

describe('site on a raw socket', () => {
  it('opens no tunnel for CONNECT [D3]', async () => {
    for (const target of ['HOST', 'evil.example:443', site.facts.origin.slice('http://'.length)]) {
      const answer = await attack(head(`CONNECT ${target} HTTP/1.1`, HOST, CRAWLER) + LAST)
      // The runtime answers 500 by itself, without calling the Worker.
      expect(statuses(answer)).toEqual([500])
    }
    expect(site.origin.asked).toEqual([])
  })

  it('sends the body of a free request to the origin as a body, not as a request [D5]', async () => {
    const length = SMUGGLED.length
    const chunk = `${length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`
    const free = (line: string, ...lines: string[]) => head(line, HOST, READER, ...lines)
    await attack(free('GET /one HTTP/1.1', `Content-Length: ${length}`) + SMUGGLED + LAST)
    await attack(free('GET /two HTTP/1.1', 'Transfer-Encoding: chunked') + chunk + LAST)
    await attack(free('HEAD /three HTTP/1.1', `Content-Length: ${length}`) + SMUGGLED + LAST)
    await attack(free('POST /four HTTP/1.1', `Content-Length: ${length}`) + SMUGGLED + LAST)
    expect(site.origin.asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /one',
      'GET /two',
      'HEAD /three',
      'POST /four',
    ])
    expect(site.origin.asked[3]?.body).toBe(SMUGGLED)
  })

  it('sends the path of a free request to the origin as it came', async () => {
    const paths = ['/a//b', '/a;b/c%3Bd', '/wiki/AC%2fDC', '/caf%E9', '/%7e/%C3%A9', '/100%', "/a?b='%zz'//c"]
    for (const path of paths) await attack(head(`GET ${path} HTTP/1.1`, HOST, READER, CLOSE))
    const sent = paths.map((path) => path.replaceAll("'", '%27'))
    expect(site.origin.asked.map(({ url }) => url)).toEqual(sent)
  })

  it('removes upgrade headers of a reader other than for a WebSocket [D5]', async () => {
    await attack(
      get(HOST, READER, 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk') +
        LAST,
    )
    expect(site.origin.asked[0]?.headers).not.toHaveProperty('upgrade')
    expect(site.origin.asked[0]?.headers).not.toHaveProperty('http2-settings')
  })
})

describe('site for a payment on a raw socket', () => {
  let tab: Tab
  const pay = (line: string, payment: string, ...lines: string[]) =>
    head(line, HOST, CRAWLER, `PAYMENT-SIGNATURE: ${payment}`, ...lines)

  beforeAll(async () => {
    // Signs and sends at the same host, since the payment is bound to it.
    tab = openTab(site, site.payer(), site.direct)
  })

  it('serves the page and opens no tunnel [D5]', async () => {
    const payment = await tab.sign('/page')
    site.origin.asked.length = 0
    const lines = ['Connection: Upgrade', 'Upgrade: websocket', ...WEBSOCKET]
    const answer = await attack(pay('GET /page HTTP/1.1', payment, ...lines) + LAST)
    expect(statuses(answer)).toEqual([200, 402])
    expect(site.origin.asked).toHaveLength(1)
    expect(site.origin.asked[0]?.headers).not.toHaveProperty('upgrade')
  })

  it('keeps our own headers when Connection lists them [D5]', async () => {
    const payment = await tab.sign('/page')
    site.origin.asked.length = 0
    const listed =
      'Connection: close, x-listed, tab402-origin-secret, x-forwarded-host, payment-signature, host'
    const answer = await attack(pay('GET /page HTTP/1.1', payment, listed, 'X-Listed: one', 'TE: trailers'))
    expect(statuses(answer)).toEqual([200])
    const headers = site.origin.asked[0]?.headers
    expect(headers).toMatchObject({
      'tab402-origin-secret': 'a-secret-of-the-origin',
      'x-forwarded-host': new URL(site.direct).host,
    })
    for (const name of ['x-listed', 'payment-signature', 'te']) expect(headers).not.toHaveProperty(name)
  })

  it('does not read a payment on HEAD [D3]', async () => {
    const payment = await tab.sign('/page')
    const before = await tab.charged()
    site.origin.asked.length = 0
    expect(statuses(await attack(pay('HEAD /page HTTP/1.1', payment, CLOSE)))).toEqual([402])
    expect(site.origin.asked).toEqual([])
    expect(await tab.charged()).toBe(before)
  })

  it('rejects the payment at another host [A2, I10]', async () => {
    const payment = await tab.sign('/page')
    expect(statuses(await attack(pay('GET /page HTTP/1.1', payment, CLOSE)))).toEqual([200])
    const elsewhere = pay('GET /page HTTP/1.1', payment, CLOSE).replace(HOST, 'Host: evil.example')
    const answer = await attack(elsewhere)
    expect(statuses(answer)).toEqual([402])
    expect(answer).not.toContain(CANARY)
  })

  it('sends one request to the origin for a body that looks like a request [D5]', async () => {
    const payment = await tab.sign('/page')
    site.origin.asked.length = 0
    const answer = await attack(
      pay('POST /page HTTP/1.1', payment, `Content-Length: ${SMUGGLED.length}`) + SMUGGLED + LAST,
    )
    expect(statuses(answer)).toEqual([200, 402])
    expect(site.origin.asked.map(({ url, body }) => ({ url, body }))).toEqual([
      { url: '/page', body: SMUGGLED },
    ])
  })

  it('charges once for a payment sent twice on one socket [A11]', async () => {
    const payment = await tab.sign('/page')
    const before = await tab.charged()
    const answer = await attack(
      pay('GET /page HTTP/1.1', payment) + pay('GET /page HTTP/1.1', payment, CLOSE),
    )
    expect(statuses(answer)).toEqual([200, 200])
    expect(await tab.charged()).toBe(before + PRICE)
  })

  it.each(['/web/2020/https://www.example.com/a', '/a;v=1', '/doi/10.1038%2fnature1', '/2009/caf%E9'])(
    'delivers %s as it came, and again for the same payment without a charge [A11]',
    async (path) => {
      const payment = await tab.sign(path)
      const before = await tab.charged()
      site.origin.asked.length = 0
      const line = `GET ${path} HTTP/1.1`
      const answer = await attack(pay(line, payment) + pay(line, payment, CLOSE))
      expect(statuses(answer)).toEqual([200, 200])
      expect(site.origin.asked.map(({ url }) => url)).toEqual([path, path])
      expect(await tab.charged()).toBe(before + PRICE)
      const merged = pay('GET /web/2020/https:/www.example.com/a HTTP/1.1', payment, CLOSE)
      expect(await attack(merged)).not.toContain(CANARY)
    },
  )

  it('keeps no account except the one with money [H1]', async () => {
    expect((await site.books.lines()).map(({ payer }) => payer)).toEqual([tab.account.address])
  })
})
