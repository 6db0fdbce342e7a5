import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CanonicalPath, canonicalize, originUrl } from '../../src/paywall/path.ts'
import { runs } from '../runs.ts'

const ORIGIN = new URL('https://origin.example:8443')

function read(url: URL | string): CanonicalPath {
  const result = canonicalize(url)
  if (!result.ok) throw new Error(`refused: ${result.refusal.detail}`)
  return result.value
}

function refusal(url: URL | string): string | undefined {
  const result = canonicalize(url)
  return result.ok ? undefined : result.refusal.reason
}

/** Paths made of pieces that servers read differently. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom('/', '//', '.', '..', '%2e', '%2E', '%2f', '%5C', '\\', ';', '%3b', '%25', '%', '%00'),
      fc.constantFrom('%2', '%5', '%46', '%66', '%43', '%45', '%32', '2', 'F', 'e'),
      fc.constantFrom(
        '?',
        '#',
        '@',
        ':',
        '+',
        '%20',
        ' ',
        '*',
        '(',
        '%28',
        '~',
        '%7e',
        'a',
        'Z',
        '%41',
        '%c0%af',
      ),
      fc.constantFrom('é', '%C3%A9', 'e\u0301', 'İ', 'ẞ', '\u037e', '\u212a', '%E2%84%AA', '\ud800', '文'),
      fc.string({ unit: 'grapheme', maxLength: 3 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => `/${parts.join('')}`)

/** Characters that become three to nine when they are escaped: around the limit of 8192. */
const long = fc
  .tuple(fc.constantFrom('', '"', 'é', '文', '?"', '?é'), fc.integer({ min: 880, max: 2740 }))
  .map(([unit, times]) => unit + unit.slice(-1).repeat(times))

describe('canonicalize', () => {
  it.each([
    ['https://site.example', '/', '/', ''],
    ['https://site.example?a=1', '/', '/', '?a=1'],
    ['https://site.example/', '/', '/', ''],
    ['https://site.example/Articles/One', '/Articles/One', '/articles/one', ''],
    ['https://site.example/a/?q=A&q=b#part', '/a/', '/a', '?q=A&q=b'],
    ['https://site.example/a?', '/a', '/a', ''],
    ['https://site.example/%7Euser/%61', '/~user/a', '/~user/a', ''],
    ['https://site.example/a%20b+c', '/a%20b+c', '/a b+c', ''],
    ['https://site.example/a b', '/a%20b', '/a b', ''],
    ['https://site.example/@user/talk:one', '/@user/talk:one', '/@user/talk:one', ''],
    ['https://site.example/%40user', '/%40user', '/@user', ''],
    ['https://site.example/Café', '/Caf%C3%A9', '/café', ''],
    ['https://site.example/caf%c3%a9', '/caf%C3%A9', '/café', ''],
    ['https://site.example/文章', '/%E6%96%87%E7%AB%A0', '/文章', ''],
    ['https://site.example/100%25', '/100%25', '/100%25', ''],
    ['https://site.example/a|b', '/a%7Cb', '/a|b', ''],
    ['https://site.example/.well-known/x', '/.well-known/x', '/.well-known/x', ''],
    ['https://site.example/a.b/...', '/a.b/...', '/a.b/...', ''],
    ['https://site.example/a?next=//evil/%2e%2e;x', '/a', '/a', '?next=//evil/%2e%2e;x'],
    ['https://site.example/a?q="é"', '/a', '/a', '?q=%22%C3%A9%22'],
    ['/a?b', '/a', '/a', '?b'],
  ])('reads %s', (url, path, match, search) => {
    expect(read(url)).toEqual({ path, match, search })
  })

  it.each([
    ['//x'],
    ['///x'],
    ['/;/x'],
    ['/;a=1/x'],
    ['/%2Fx'],
    ['/%3B/x'],
    ['/./x'],
    ['/a/../x'],
    ['/a/..'],
    ['/%2e%2e/x'],
    ['/a/%2E'],
    ['/a/.%2e/x'],
    ['/a/..;/x'],
    ['/a/..%3b/x'],
    ['/a%2f..%2Fx'],
    ['/a/%EF%BC%8E%EF%BC%8E/x'],
    ['/a/%E2%80%A5/x'],
    ['/a%EF%BC%8Fx'],
    ['/a%EF%BC%BCx'],
    ['/%EF%BC%852e/x'],
    ['/a%5cx'],
    ['/a\\x'],
    ['/\\evil.example'],
    ['/x%00'],
    ['/x\u0000'],
    ['/x%0d%0aset-cookie:a'],
    ['/x\n'],
    ['/x?a\nb'],
    ['/x?\u0000'],
    ['/x%7f'],
    ['/x%C2%85'],
    ['/%'],
    ['/%4'],
    ['/%zz'],
    ['/%u002f'],
    ['/%2%46'],
    ['/%2%66'],
    ['/%5%43'],
    ['/%2%45%2%45'],
    ['/%4%41'],
    ['/%%34%31'],
    ['/.well-known/..%2%46articles%2%46x'],
    ['/%c0%af'],
    ['/%e0%80%af'],
    ['/%f0%80%80%af'],
    ['/caf%E9/%c0%ae'],
    ['/%81'],
    ['/%ed%a0%80'],
    ['/\ud800'],
    ['/%252e%252e/x'],
    ['/%2525'],
    ['/%25%34%31'],
    ['@evil.example'],
    ['evil.example/a'],
    ['ftp://site.example/a'],
    ['https://site.example\\@evil.example/a'],
  ])('rejects %j as ambiguous [D1]', (url) => {
    expect(refusal(url)).toBe('ambiguous_path')
    expect(refusal(url.startsWith('/') ? `https://site.example${url}` : url)).toBe('ambiguous_path')
  })

  it.each([
    ['/a//x', '/a//x', ['/a/x']],
    ['/a//', '/a//', ['/a']],
    ['/web/2020/https://b.example/c', '/web/2020/https://b.example/c', ['/web/2020/https:/b.example/c']],
    ['/a%2fx', '/a%2fx', ['/a/x']],
    ['/x;a=1', '/x;a=1', ['/x']],
    ['/x%3Ba=1/y', '/x;a=1/y', ['/x/y']],
    ['/x%CD%BEa', '/x;a', ['/x']],
    ['/x%3Ba;b', '/x;a;b', ['/x;a', '/x']],
    ['/x%EF%BC%9Ba', '/x；a', ['/x;a', '/x']],
    ['/a;%2f/b', '/a;%2f/b', ['/a/b', '/a;//b', '/a//b', '/a;/b']],
    ['/%EF%BD%90remium/x', '/ｐremium/x', ['/premium/x']],
    ['/caf%E9-du-commerce', '/café-du-commerce', ['/caf-du-commerce']],
    ['/%C0-propos', '/à-propos', ['/-propos']],
    ['/l%92avenir/%C3%A9t%E9', '/l’avenir/été', ['/l’avenir/ã©té', '/lavenir/ét']],
    ['/caf%C3%A9', '/café', []],
    [
      '/doi/10.1002/(SICI)1097-4571:8%3C693::AID-ASI4%3E3.0.CO;2-O',
      undefined,
      ['/doi/10.1002/(sici)1097-4571:8<693::aid-asi4>3.0.co'],
    ],
  ])('gives every reading that servers have of %s [D1]', (url, match, others) => {
    const { match: main, readings = [] } = read(url)
    if (match !== undefined) expect(main).toBe(match)
    expect(readings.map((reading) => reading.match).sort()).toEqual([...others].sort())
  })

  it.each([
    ['/what%3F', '/what', '?'],
    ['/what%3fa=1', '/what', '?a=1'],
    ['/what%3Fa=1?b=2', '/what', '?a=1?b=2'],
    ['/what%EF%BC%9Fa', '/what', '?a'],
    ['/what%EF%BC%9F', '/what', '?'],
  ])('reads an escaped question mark of %s as the start of a query too [D1]', (url, match, search) => {
    const { match: main, readings = [] } = read(url)
    expect(main).not.toBe(match)
    expect(readings).toContainEqual({ match, search })
  })

  it('takes a path as it stands for an origin that takes it so', () => {
    for (const path of [
      '/a//b',
      '/a;b',
      '/a%2Fb',
      '/100%25de',
      '/what%3F',
      '/%EF%BD%90',
      '/caf%E9',
      '/a%zz',
      '//a',
    ]) {
      const result = canonicalize(path, 'literal')
      expect([path, result.ok, result.ok && result.value.readings]).toEqual([path, true, undefined])
    }
    for (const path of ['/a/../b', '/a/%2e%2e/b', '/a\\b', '/a%00', '/a\n']) {
      expect([path, canonicalize(path, 'literal').ok]).toEqual([path, false])
    }
  })

  it('rejects a path with more readings than fit into 16 KB [D13]', () => {
    const path = (times: number) => `/${'a;b//c%2Fd'.repeat(times)}`
    expect(refusal(path(100))).toBeUndefined()
    expect(refusal(path(400))).toBe('ambiguous_path')
  })

  it('gives the rules one path for any case, trailing slash, escape or Unicode form [D1]', () => {
    const match = '/articles/café (1)'
    for (const dodge of [
      '/articles/café (1)',
      '/ARTICLES/CAFÉ (1)',
      '/Articles/Caf%C3%A9%20(1)/',
      '/%61rticles/cafe\u0301%20%281%29',
    ]) {
      expect(read(dodge).match).toBe(match)
    }
    expect(read('/H\u0331').match).toBe(read('/\u1e96').match)
  })

  it('keeps the case and the trailing slash for the origin', () => {
    expect(read('/Aa/').path).toBe('/Aa/')
  })

  it('keeps an escaped delimiter escaped for the origin', () => {
    expect(read('/a%2Bb%28').path).toBe('/a%2Bb%28')
  })

  it('never reads an escaped question mark as a query', () => {
    expect(read('/a%3Fb').match).not.toBe(read('/a?b').match)
    expect(read('/a%23b').search).toBe('')
  })

  it('rejects a path and query above 8 KB [D13]', () => {
    expect(refusal(`/${'a'.repeat(8192)}`)).toBe('url_too_long')
    expect(refusal(`/a?${'a'.repeat(8192)}`)).toBe('url_too_long')
    expect(refusal(`/${'a'.repeat(8191)}`)).toBeUndefined()
  })

  it('measures the canonical form too, since escapes make it longer [D13]', () => {
    for (const long of [`/${'"'.repeat(2730)}`, `/a?${'"'.repeat(2729)}`, `/é?${'"'.repeat(2727)}`]) {
      const { path, search } = read(long)
      expect(path.length + search.length).toBeOneOf([8190, 8191, 8192, 8189])
      expect(refusal(path + search)).toBeUndefined()
      expect(refusal(`${long}""`)).toBe('url_too_long')
    }
    expect(refusal(`/${'é'.repeat(4000)}`)).toBe('url_too_long')
  })

  it('returns the same result for its own output [D1]', () => {
    fc.assert(
      fc.property(hostile, long, (target, grown) => {
        const raw = target + grown
        const first = canonicalize(raw)
        if (!first.ok) return
        const { path, match, search } = first.value
        expect(read(path + search)).toEqual(first.value)
        // Lower case may be longer, so what rules match may be too long to be read again.
        const again = canonicalize(match.replaceAll(' ', '%20'))
        expect(again.ok ? again.value.match : again.refusal.reason).toBeOneOf([match, 'url_too_long'])
      }),
      { numRuns: runs(300) },
    )
  })

  it('ignores case and trailing slash in the path that rules match, for any URL [D1]', () => {
    fc.assert(
      fc.property(fc.webPath(), (raw) => {
        const first = canonicalize(raw)
        if (!first.ok || raw === '') return
        const { path, match } = first.value
        const dodge = path.replace(/%..|[a-z]/g, (piece) => piece.toUpperCase())
        expect(read(dodge).match).toBe(match)
        if (path.endsWith('/')) return
        const slashed = canonicalize(`${path}/`)
        // "/;/" begins with an empty segment for servers that cut parameters off.
        if (slashed.ok) expect(slashed.value.match).toBe(match)
        else expect(path).toMatch(/^\/(?:;|%3B)[^/]*$/)
      }),
      { numRuns: runs(200) },
    )
  })

  it('reads a parsed URL like its text', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (text) => {
        const url = new URL(text)
        expect(canonicalize(url)).toEqual(canonicalize(url.href))
      }),
    )
  })
})

describe('originUrl', () => {
  it('keeps the path and the query', () => {
    expect(originUrl(ORIGIN, read('https://site.example/A/b%20c?d=%2e#e')).href).toBe(
      'https://origin.example:8443/A/b%20c?d=%2e',
    )
  })

  it('keeps the host of the origin for any canonical path [D10]', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          hostile,
          hostile.map((path) => `https://site.example${path}`),
        ),
        (raw) => {
          const result = canonicalize(raw)
          if (!result.ok) return
          const url = originUrl(ORIGIN, result.value)
          expect(url.origin).toBe(ORIGIN.origin)
          expect(url.pathname + url.search).toBe(result.value.path + result.value.search)
          expect(url.username + url.password + url.hash).toBe('')
        },
      ),
      { numRuns: runs(300) },
    )
  })

  it('keeps the host of the origin for a path that is not canonical [D10]', () => {
    expect(originUrl(ORIGIN, { path: '//evil.example/x', search: '' }).host).toBe(ORIGIN.host)
  })

  it.each(['/\\evil.example', '/a/../b', '/a\n', 'a'])('throws for the path %j [D10]', (path) => {
    expect(() => originUrl(ORIGIN, { path, search: '' })).toThrow('must be canonical')
  })
})
