import { describe, expect, it } from 'vitest'
import { FORMATS, sniff } from '../../src/logs/formats.ts'
import type { LogEntry } from '../../src/logs/record.ts'

const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36'

/** The entries of a log whose first lines show its format. */
function entries(...lines: string[]): LogEntry[] {
  const read = sniff(lines)?.open()
  if (!read) throw new Error('the lines must be of a known format')
  return lines.flatMap((line) => [...read(line)])
}

function only(...lines: string[]): LogEntry | undefined {
  const found = entries(...lines)
  expect(found).toHaveLength(lines.length)
  return found.at(-1)
}

function json(value: unknown): string {
  return JSON.stringify(value)
}

describe('combined', () => {
  const line = (request: string, rest = `200 512 "-" "${CHROME}"`) =>
    `203.0.113.7 - - [27/Nov/2026:01:02:03 +0200] "${request}" ${rest}`

  it('reads a request with its zone, its query and its User-Agent', () => {
    expect(only(line('GET /a/b?c=d HTTP/1.1'))).toEqual({
      time: Date.UTC(2026, 10, 26, 23, 2, 3),
      method: 'GET',
      host: null,
      path: '/a/b',
      query: 'c=d',
      status: 200,
      bytes: 512,
      ip: '203.0.113.7',
      ua: CHROME,
    })
  })

  it.each([
    ['vhost:port', 'news.example:443 203.0.113.7 - - ', { host: 'news.example', ip: '203.0.113.7' }],
    ['vhost and IPv6', 'news.example 2001:db8::7 - bob ', { host: 'news.example', ip: '2001:db8::7' }],
    ['a user with a blank', '203.0.113.7 - bob smith ', { host: null, ip: '203.0.113.7' }],
    ['a host name as the client', 'client.example.net - - ', { host: null, ip: 'client.example.net' }],
    ['a list of proxies', '203.0.113.7, 10.0.0.1 - - ', { host: null, ip: '203.0.113.7' }],
  ])('reads the columns before the time with %s', (_, columns, expected) => {
    const text = line('GET / HTTP/1.1').replace('203.0.113.7 - - ', columns)
    expect(only(text)).toMatchObject(expected)
  })

  it.each([
    ['nginx', String.raw`Bot/1.0 (\x22a\x22; \xC3\xA9)`],
    ['Apache', String.raw`Bot/1.0 (\"a\"; \xc3\xa9)`],
  ])('undoes the escapes of %s', (_, ua) => {
    expect(only(line('GET / HTTP/1.1', `200 - "-" "${ua}"`))).toMatchObject({
      ua: 'Bot/1.0 ("a"; é)',
      bytes: null,
    })
  })

  it('ends a User-Agent at the quote behind an escaped backslash', () => {
    expect(only(line('GET / HTTP/1.1', String.raw`200 1 "-" "a\\" "more"`))).toMatchObject({ ua: 'a\\' })
  })

  it.each([
    ['a blank', 'GET /a b?c HTTP/1.1', { path: '/a b', query: 'c' }],
    ['a whole URL', 'GET http://News.Example:80/a HTTP/1.1', { path: '/a', host: 'news.example' }],
    ['no version', 'GET /a', { path: '/a' }],
    ['an asterisk', 'OPTIONS * HTTP/1.1', { method: 'OPTIONS', path: '*' }],
  ])('reads a request line with %s', (_, request, expected) => {
    expect(only(line(request))).toMatchObject(expected)
  })

  it.each([
    String.raw`\x16\x03\x01\x00`,
    '-',
    '',
    'SSTP_DUPLEX_POST',
    String.raw`\n`,
    'GET evil.example:443 HTTP/1.1',
  ])('skips %j, which is not an HTTP request', (request) => {
    expect(only(line(request, '400 157 "-" "-"'))).toBe('no_request_line')
  })

  it('skips lines of the common format for their missing User-Agent', () => {
    expect(only(line('GET / HTTP/1.1', '200 512'))).toBe('no_user_agent')
  })

  it('reads "-" as a request without a User-Agent', () => {
    expect(only(line('GET / HTTP/1.1', '200 512 "-" "-"'))).toMatchObject({ ua: null })
  })

  it('skips a line that broke off', () => {
    expect(entries(line('GET / HTTP/1.1'), line('GET / HTTP/1.1').slice(0, 60)).at(-1)).toBe('malformed')
  })
})

describe('cloudflare-logpush', () => {
  const request = {
    ClientRequestMethod: 'GET',
    ClientRequestURI: '/a?b=c',
    ClientRequestUserAgent: CHROME,
    EdgeResponseStatus: 200,
  }

  it.each([
    ['RFC 3339', '"2026-11-27T01:02:03Z"'],
    ['Unix seconds', '1795741323'],
    ['nanoseconds beyond 2^53', '1795741323000000000'],
    ['nanoseconds as text', '"1795741323000000000"'],
  ])('reads a time in %s', (_, time) => {
    const text = json(request).replace('{', `{"EdgeStartTimestamp":${time},`)
    expect(only(text)).toMatchObject({ time: Date.UTC(2026, 10, 27, 1, 2, 3), path: '/a', query: 'b=c' })
  })

  it('reads the category and the score of a verified bot', () => {
    expect(only(json({ ...request, VerifiedBotCategory: 'AI Crawler', BotScore: 1 }))).toMatchObject({
      category: 'AI Crawler',
      score: 1,
    })
  })

  it('reads an empty category and the score 0 as absent', () => {
    const entry = only(json({ ...request, VerifiedBotCategory: '', BotScore: 0 }))
    expect(entry).not.toHaveProperty('category')
    expect(entry).not.toHaveProperty('score')
  })

  it.each([
    ['subrequest', { WorkerSubrequest: true }],
    ['subrequest', { ClientRequestSource: 'edgeWorkerFetch' }],
    ['no_user_agent', { ClientRequestUserAgent: undefined }],
    ['incomplete', { EdgeResponseStatus: undefined }],
    ['incomplete', { EdgeResponseStatus: 0 }],
    ['incomplete', { ClientRequestURI: undefined }],
  ])('skips a line as %s for %j', (reason, change) => {
    expect(only(json({ ...request, ...change }))).toBe(reason)
  })

  it('takes the path where the log has no URI', () => {
    const { ClientRequestURI: _, ...rest } = request
    expect(only(json({ ...rest, ClientRequestPath: '/p' }))).toMatchObject({ path: '/p', query: '' })
  })
})

describe('workers-trace', () => {
  const event = (headers: unknown) => ({
    EventTimestampMs: 1795741323000,
    EventType: 'fetch',
    Outcome: 'ok',
    ScriptName: 'paywall',
    Event: {
      Request: { URL: 'https://news.example/a?b=c', Method: 'GET', Headers: headers },
      Response: { Status: 200 },
    },
  })

  it('reads the request of an event that kept its headers', () => {
    const headers = { 'User-Agent': 'GPTBot/1.2', 'cf-connecting-ip': '203.0.113.7' }
    expect(only(json(event(headers)))).toMatchObject({
      host: 'news.example',
      path: '/a',
      query: 'b=c',
      status: 200,
      ip: '203.0.113.7',
      ua: 'GPTBot/1.2',
    })
  })

  it('skips requests whose headers were not kept', () => {
    expect(only(json(event(undefined)))).toBe('no_user_agent')
  })

  it('reads an event of wrangler tail', () => {
    const text = json({
      outcome: 'ok',
      eventTimestamp: 1795741323000,
      event: {
        request: {
          url: 'https://news.example/a',
          method: 'GET',
          headers: { 'user-agent': 'x/1' },
          cf: { verifiedBotCategory: 'AI Search' },
        },
        response: { status: 200 },
      },
    })
    expect(only(text)).toMatchObject({ ua: 'x/1', category: 'AI Search', time: 1795741323000 })
  })

  it('skips a cron event', () => {
    expect(only(json({ EventTimestampMs: 1, EventType: 'scheduled', Event: { Cron: '0 0 * * *' } }))).toBe(
      'not_a_request',
    )
  })
})

describe('cloudfront', () => {
  const NAMES =
    'date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(User-Agent) cs-uri-query x-host-header'
  const VALUES = [
    '2026-11-27',
    '01:02:03',
    'FRA2',
    '512',
    '203.0.113.7',
    'GET',
    'd1.cloudfront.net',
    '/a',
    '200',
    'GPTBot/1.2%20(+https://openai.com)',
    '-',
    'news.example',
  ]

  it('takes the order of columns from the line #Fields', () => {
    const shuffled = ['c-ip', 'cs-uri-stem', 'cs-method', 'sc-status', 'cs(User-Agent)']
    const lines = ['#Version: 1.0', `#Fields: ${shuffled.join(' ')}`, '203.0.113.7\t/a\tGET\t200\t-']
    expect(entries(...lines)).toEqual([
      'comment',
      'comment',
      expect.objectContaining({ path: '/a', ua: null, ip: '203.0.113.7', time: null }),
    ])
  })

  it('decodes the User-Agent, keeps its plus signs, and takes the host that the viewer asked', () => {
    expect(only('#Version: 1.0', `#Fields: ${NAMES}`, VALUES.join('\t'))).toEqual({
      time: Date.UTC(2026, 10, 27, 1, 2, 3),
      method: 'GET',
      host: 'news.example',
      path: '/a',
      query: '',
      status: 200,
      bytes: 512,
      ip: '203.0.113.7',
      ua: 'GPTBot/1.2 (+https://openai.com)',
    })
  })

  it('decodes the User-Agents of old logs twice', () => {
    const values = VALUES.with(9, 'GPTBot/1.2%2520(x)')
    expect(only(`#Fields: ${NAMES}`, values.join('\t'))).toMatchObject({ ua: 'GPTBot/1.2 (x)' })
  })

  it('reads version 2 as JSON', () => {
    const line = json(Object.fromEntries(NAMES.split(' ').map((name, at) => [name, VALUES[at]])))
    expect(only(line)).toMatchObject({ path: '/a', status: 200, host: 'news.example' })
  })

  it('skips columns that stand before any #Fields', () => {
    const read = FORMATS.find(({ name }) => name === 'cloudfront')?.open()
    expect(read?.(VALUES.join('\t'))).toEqual(['malformed'])
  })
})

describe('caddy', () => {
  const line = {
    level: 'info',
    ts: '2026-11-27T01:02:03.5Z',
    logger: 'http.log.access.log0',
    request: { remote_ip: '10.0.0.1', method: 'GET', host: 'news.example:8443', uri: '/a?b', headers: {} },
    size: 10,
    status: 200,
  }

  it('reads an ISO time, a host with a port and a request without a User-Agent', () => {
    expect(only(json(line))).toMatchObject({
      time: Date.UTC(2026, 10, 27, 1, 2, 3, 500),
      host: 'news.example',
      query: 'b',
      ua: null,
    })
  })

  it('skips lines of other loggers', () => {
    expect(
      entries(
        json({ level: 'info', ts: 1, msg: 'serving' }),
        json(line),
        json({ ...line, logger: 'http.log.error' }),
      ),
    ).toEqual(['not_a_request', expect.objectContaining({ path: '/a' }), 'not_a_request'])
  })
})

describe('vercel', () => {
  const line = (id: string, more = {}) => ({
    id: `log-${Math.random()}`,
    requestId: id,
    source: 'lambda',
    deploymentId: 'dpl_1',
    proxy: {
      timestamp: 1795741323000,
      method: 'GET',
      host: 'news.example',
      path: '/a?b',
      userAgent: ['x/1'],
      statusCode: 200,
      clientIp: '203.0.113.7',
      ...more,
    },
  })

  it('counts the several lines of one request once', () => {
    expect(entries(json(line('r1')), json(line('r1')), json(line('r2')))).toEqual([
      expect.objectContaining({ path: '/a', query: 'b', ua: 'x/1' }),
      'duplicate',
      expect.objectContaining({ path: '/a' }),
    ])
  })

  it('reads a list of lines', () => {
    expect(entries(json([line('r1'), line('r2')]))).toHaveLength(2)
  })

  it('reads a list with one object per line', () => {
    const lines = ['[', `${json(line('r1'))},`, json(line('r2')), ']']
    expect(entries(...lines).map((entry) => typeof entry)).toEqual(['string', 'object', 'object', 'string'])
  })

  it('skips build output and requests without an answer', () => {
    const build = { id: '1', source: 'build', deploymentId: 'dpl_1', message: 'Cloning' }
    expect(entries(json(build), json(line('r1', { statusCode: -1 })))).toEqual([
      'not_a_request',
      'not_a_request',
    ])
  })
})

describe('akamai', () => {
  const line = {
    cliIP: '203.0.113.7',
    reqHost: 'news.example',
    reqMethod: 'GET',
    reqPath: 'a/b',
    statusCode: '206',
    reqTimeSec: '1795741323.25',
  }

  it('reads numbers from texts, and adds the slash that a path may lack', () => {
    expect(only(json(line))).toMatchObject({ path: '/a/b', status: 206, time: 1795741323250, ua: null })
  })

  it.each([
    ['Mozilla%2F5.0+(compatible;+CCBot%2F2.0)', 'Mozilla/5.0 (compatible; CCBot/2.0)'],
    ['GPTBot%2F1.2%20(+https:%2F%2Fopenai.com)', 'GPTBot/1.2 (+https://openai.com)'],
    ['100%+plain', '100%+plain'],
  ])('decodes the User-Agent %s', (sent, ua) => {
    expect(only(json({ ...line, UA: sent }))).toMatchObject({ ua })
  })
})

describe('sniff', () => {
  it('returns undefined for lines of no format', () => {
    expect(sniff(['hello', '{"a":1}', '# comment'])).toBeUndefined()
  })
})
