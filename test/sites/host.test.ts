import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLocalHost, normalHost, requestedHost } from '../../src/sites/host.ts'

describe('normalHost', () => {
  it.each([
    ['News.Example.COM', 'news.example.com'],
    ['news.example.com.', 'news.example.com'],
    ['news.example.com:8443', 'news.example.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['BÜCHER.example', 'xn--bcher-kva.example'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['daily.localhost:8787', 'daily.localhost:8787'],
    ['Daily.LOCALHOST', 'daily.localhost'],
    ['localhost:80', 'localhost'],
    ['127.0.0.1:8787', '127.0.0.1:8787'],
  ])('writes %s as %s', (text, host) => {
    expect(normalHost(text)).toBe(host)
  })

  it.each([
    '',
    'news',
    'https://news.example.com',
    'news.example.com/path',
    'user@news.example.com',
    'news example.com',
    '203.0.113.7',
    '0x08080808',
    '[2001:db8::1]',
    'a..example.com',
    '-a.example.com',
    'a_b.example.com',
    '*.example.com',
    `${'a'.repeat(64)}.example.com`,
    `${'a.'.repeat(130)}com`,
    'localhost.example.com:x',
  ])('takes no host from %j', (text) => {
    expect(normalHost(text)).toBeUndefined()
  })

  it('returns a host that it has written unchanged', () => {
    fc.assert(
      fc.property(fc.oneof(fc.domain(), fc.string(), fc.webAuthority()), (text) => {
        const host = normalHost(text)
        if (host !== undefined) expect(normalHost(host)).toBe(host)
      }),
    )
  })

  it('reads a request by the same spelling as a document', () => {
    fc.assert(
      fc.property(fc.domain(), (domain) => {
        const { href } = new URL(`https://${domain.toUpperCase()}./a?b`)
        expect(requestedHost(href)).toBe(normalHost(domain))
      }),
    )
  })
})

describe('isLocalHost', () => {
  it.each([
    ['localhost', true],
    ['daily.localhost:8787', true],
    ['127.0.0.1', true],
    ['localhost.example.com', false],
    ['notlocalhost', false],
  ])('is %s: %s', (host, isLocal) => {
    expect(isLocalHost(host)).toBe(isLocal)
  })
})
