import { describe, expect, it } from 'vitest'
import { type Addresses, askOrigin, showSite } from '../../src/paywall/addresses.ts'

const between = (site: string, origin: string): Addresses => ({
  site: new URL(site),
  origin: new URL(origin),
})
const USUAL = between('https://news.example/a/b?q', 'https://origin.example')
const PORTS = between('http://127.0.0.1:8787/a', 'http://127.0.0.1:8080')

describe('showSite for an address', () => {
  it.each([
    ['https://origin.example/blog/', 'https://news.example/blog/'],
    ['https://origin.example', 'https://news.example/'],
    ['http://origin.example/x?y=1#z', 'https://news.example/x?y=1#z'],
    ['HTTPS://Origin.Example/x', 'https://news.example/x'],
    ['https://origin.example:443/x', 'https://news.example/x'],
    ['https://origin.example./x', 'https://news.example/x'],
    ['https://user@origin.example/x', 'https://news.example/x'],
    ['https://orig%69n.example/x', 'https://news.example/x'],
    ['//origin.example/x', 'https://news.example/x'],
    ['\\\\origin.example\\x', 'https://news.example/x'],
    ['/\\origin.example/x', 'https://news.example/x'],
    ['https:\\\\origin.example/x', 'https://news.example/x'],
    [' https://origin.example/x', 'https://news.example/x'],
    [
      'https://id.example/login?next=https://origin.example/x',
      'https://id.example/login?next=https://news.example/x',
    ],
  ])('shows %j as %j, so that clients stay with the site', (sent, shown) => {
    expect(showSite('location', sent, USUAL)).toBe(shown)
    expect(showSite('content-location', sent, USUAL)).toBe(shown)
  })

  it.each([
    '/blog/',
    'blog/',
    '?page=2',
    '',
    'https://news.example/x',
    'http://news.example/x',
    'https://other.example/x',
    'https://origin.example.evil.example/x',
    'https://notorigin.example/x',
    'https://origin.example:8443/x',
    'https://www.origin.example/x',
    'mailto:a@origin.example',
    'http://[',
  ])('leaves %j as it is', (sent) => {
    expect(showSite('location', sent, USUAL)).toBe(sent)
  })

  it('knows the origin with or without its port', () => {
    expect(showSite('location', 'http://127.0.0.1:8080/x', PORTS)).toBe('http://127.0.0.1:8787/x')
    expect(showSite('location', 'http://127.0.0.1/x', PORTS)).toBe('http://127.0.0.1:8787/x')
    expect(showSite('location', 'http://127.0.0.1:9000/x', PORTS)).toBe('http://127.0.0.1:9000/x')
    expect(showSite('location', 'http://127.0.0.1:8787/x', PORTS)).toBe('http://127.0.0.1:8787/x')
  })

  it('leads to https when the origin demands it, and never back from it', () => {
    const plain = between('http://news.example/a', 'https://origin.example')
    expect(showSite('location', 'https://origin.example/a', plain)).toBe('https://news.example/a')
    expect(showSite('location', 'http://origin.example/a', plain)).toBe('http://news.example/a')
    expect(showSite('location', 'http://origin.example/a', USUAL)).toBe('https://news.example/a')
  })
})

describe('showSite for a header with addresses in it', () => {
  it.each([
    [
      'link',
      '<https://origin.example/a,b;c>; rel=preload, </d>; rel=next, <//origin.example/e>; rel="canonical"',
      '<https://news.example/a,b;c>; rel=preload, </d>; rel=next, <//news.example/e>; rel="canonical"',
    ],
    ['refresh', '5; url=https://origin.example/x', '5; url=https://news.example/x'],
    ['refresh', "0;URL='http://origin.example/x'", "0;URL='https://news.example/x'"],
    ['refresh', '0 //origin.example', '0 //news.example'],
    ['access-control-allow-origin', 'https://origin.example', 'https://news.example'],
    ['x-pingback', 'https://origin.example/xmlrpc.php', 'https://news.example/xmlrpc.php'],
    [
      'content-security-policy',
      "form-action 'self' https://origin.example; connect-src wss://origin.example https://cdn.example",
      "form-action 'self' https://news.example; connect-src wss://news.example https://cdn.example",
    ],
    [
      'report-to',
      '{"endpoints":[{"url":"https://origin.example/r"}]}',
      '{"endpoints":[{"url":"https://news.example/r"}]}',
    ],
  ])('shows %s: %s', (name, sent, shown) => {
    expect(showSite(name, sent, USUAL)).toBe(shown)
  })

  it.each([
    ['link', '<https://origin.example.evil.example/x>; rel=next'],
    ['etag', '"origin.example"'],
    ['x-powered-by', 'https://other.example/origin.example'],
    ['content-type', 'text/html'],
  ])('leaves %s: %s', (name, sent) => {
    expect(showSite(name, sent, USUAL)).toBe(sent)
  })
})

describe('showSite for a cookie', () => {
  const deep = between('https://www.news.example/', 'https://app.origin.example')

  it.each([
    ['a=b; Domain=app.origin.example; Path=/', 'a=b; Domain=www.news.example; Path=/'],
    ['a=b; domain=.APP.origin.example', 'a=b; domain=www.news.example'],
    ['a=b;Domain = origin.example;Secure', 'a=b;Domain = www.news.example;Secure'],
    ['a=https://app.origin.example; Path=/', 'a=https://app.origin.example; Path=/'],
    ['a=b; Domain=other.example', 'a=b; Domain=other.example'],
    ['a=b; Domain=news.example', 'a=b; Domain=news.example'],
    ['a=b; Path=/; HttpOnly', 'a=b; Path=/; HttpOnly'],
  ])('shows %j as %j', (sent, shown) => {
    expect(showSite('set-cookie', sent, deep)).toBe(shown)
  })

  it('keeps a domain that covers the site as well', () => {
    const same = between('https://example.com/', 'https://origin.example.com')
    expect(showSite('set-cookie', 'a=b; Domain=.example.com', same)).toBe('a=b; Domain=.example.com')
  })
})

describe('askOrigin', () => {
  const sent = (headers: Record<string, string>, addresses = USUAL) => {
    const given = new Headers(headers)
    const own = askOrigin(given, addresses)
    return [own, given.get('origin'), given.get('referer')]
  }

  it('puts the origin into Origin and Referer of the site', () => {
    expect(sent({ origin: 'https://news.example', referer: 'https://news.example/form?a=1' })).toEqual([
      true,
      'https://origin.example',
      'https://origin.example/form?a=1',
    ])
  })

  it.each([
    'https://evil.example',
    'http://news.example',
    'https://news.example:8443',
    'https://news.example.evil.example',
    'null',
    '',
  ])('leaves %j, so that the origin rejects it', (origin) => {
    expect(sent({ origin, referer: `${origin}/` })).toEqual([false, origin, `${origin}/`])
  })

  it('adds neither header', () => {
    expect(sent({})).toEqual([false, null, null])
  })

  it('keeps the scheme that the client used, which X-Forwarded-Proto names', () => {
    const plain = between('https://news.example/', 'http://10.0.0.1:8080')
    expect(sent({ origin: 'https://news.example' }, plain)[1]).toBe('https://10.0.0.1:8080')
  })
})
