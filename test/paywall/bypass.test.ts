/** D1, D10: ways around the gate by the path. What is paid stays paid however it is written, and no writing leaves the origin. */
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { BROWSER, type Meddle, openShop } from '../schemes/harness.ts'

/** Hosts that the origin's service was asked for. */
const asked: URL[] = []
const watch: Meddle = async (_, call) => {
  const answer = await call()
  if (answer instanceof Response) {
    const { url } = (await answer.clone().json()) as { url: string }
    asked.push(new URL(url))
  }
  return answer
}

/** One page is charged to everybody, a folder is free to all, another is blocked; the rest is free for readers. */
const RULES = [
  { path: '/secret', who: 'everyone', action: 'charge' },
  { path: '/blocked/*', who: 'everyone', action: 'block' },
  { path: '/open/*', who: 'everyone', action: 'allow' },
]
const shop = openShop({ RULES }, watch)

beforeEach(() => {
  shop.calls.length = 0
  asked.length = 0
})

const get = (target: string) => shop.ask(target, { agent: BROWSER })

/** Other ways to write `/secret`, as some server or router reads them. */
const WRITINGS = [
  '/secret',
  '/SECRET',
  '/Secret/',
  '//secret',
  '///secret',
  '/./secret',
  '/secret/.',
  '/x/../secret',
  '/x/%2e%2e/secret',
  '/x/.%2e/secret',
  '/%2e/secret',
  '/open/../secret',
  '/open/%2e%2e/secret',
  '/open/..%2fsecret',
  '/open/%2e%2e%2fsecret',
  '/open/..%2%46secret',
  '/open/%2%45%2%45/secret',
  '/open/..%5%43secret',
  '/.well-known/..%2%46secret',
  '/open/..%5csecret',
  '/open\\..\\secret',
  '/%73ecret',
  '/%53ecret',
  '/s%65cre%74',
  '/%2573ecret',
  '/%252573ecret',
  '/secret%2f',
  '/secret%5c',
  '/%2fsecret',
  '/%5csecret',
  '/\\secret',
  '/secret;a=1',
  '/secret;',
  '/;/secret',
  '/secret%3ba=1',
  '/secret%00',
  '/secret%00.txt',
  '/secret%0a',
  '/secret%20',
  '/secret%09',
  '/secret%',
  '/secret%c0',
  '/secret%c0%af',
  '/%c0%aesecret',
  '/secret%ef%bc%8f',
  '/ſecret',
  '/%c5%bfecret',
  '/secret?x=/open/a',
  '/secret#/open/a',
  '/secret%3f',
  '/secret%23',
  '/secret??',
  '/secret?%2e%2e',
]

describe('a page that is charged [D1]', () => {
  it.each(WRITINGS)('gives nothing away written as %j', async (writing) => {
    const response = await get(writing)
    const said = await response.text()
    if (response.status === 200) {
      // Another page than the secret one, for every origin: one that reads this as the secret would be a way around.
      expect(readings(asked[0]?.pathname ?? '/secret')).not.toContain('/secret')
    } else {
      expect(response.status).toBeOneOf([400, 402])
      expect(said).not.toContain('origin.internal')
      expect(shop.calls).toEqual([])
    }
  })

  it('is the same to the rules in Unicode’s forms', async () => {
    const accented = openShop({ RULES: [{ path: '/café', who: 'everyone', action: 'charge' }] })
    for (const path of ['/café', '/cafe\u0301', '/caf%C3%A9', '/cafe%CC%81', '/CAFÉ', '/CAFE%cc%81/']) {
      expect([path, (await accented.ask(path, { agent: BROWSER })).status]).toEqual([path, 402])
    }
  })

  it('is not opened by a folder that is free, nor is one that is blocked', async () => {
    for (const path of [
      '/open/../blocked/x',
      '/open/%2e%2e/blocked/x',
      '/OPEN/..%2fblocked/x',
      '/blocked//x',
      '/Blocked/x',
    ]) {
      expect((await get(path)).status).toBeOneOf([400, 403])
    }
    expect(shop.calls).toEqual([])
  })

  it('is refused to whoever writes it so that servers disagree, whatever else is in the path', async () => {
    const piece = fc.constantFrom(
      ...[
        '/',
        '//',
        '.',
        '..',
        '%2e',
        '%2f',
        '%2',
        '%46',
        '%5c',
        '\\',
        ';',
        '%3b',
        '%25',
        '%00',
        '%',
        '?',
        '#',
        'a',
        'secret',
      ],
      ...[
        'open',
        'SECRET',
        '%73',
        '@',
        ':',
        ' ',
        '%20',
        '\t',
        '%0d%0a',
        'é',
        '%c3%a9',
        '%ff',
        '/open/',
        '/secret',
      ],
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        asked.length = 0
        const response = await get(`https://site.test/${pieces.join('')}`)
        expect(response.status).toBeOneOf([200, 400, 402, 403])
        await response.text()
        if (response.status !== 200) expect(asked).toEqual([])
        if (response.status !== 200) return
        const { pathname, host } = asked[0] ?? new URL('https://nobody.test')
        expect(host).toBe('origin.internal')
        expect(readings(pathname)).not.toContain('/secret')
      }),
      { numRuns: 400 },
    )
  })
})

/** A path as some origin or other may read it: decoded once or twice, without `;`, `//` and dot segments, in one case. */
function readings(path: string): string[] {
  const once = decode(path)
  return [path, once, decode(once)]
    .flatMap((read) => [read, read.replace(/;[^/]*/g, '')])
    .map((read) => {
      const kept: string[] = []
      for (const segment of read.replaceAll('\\', '/').split('/')) {
        if (segment === '..') kept.pop()
        else if (segment !== '' && segment !== '.') kept.push(segment)
      }
      return `/${kept.join('/')}`.toLowerCase()
    })
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

describe('a target that names another host [D10]', () => {
  it.each([
    '//evil.test/x',
    '/\\evil.test/x',
    '/\\/evil.test/x',
    '///evil.test',
    '/@evil.test/x',
    '/:80@evil.test',
    '/.evil.test',
    '/http://evil.test/x',
    '/https:/evil.test/x',
    '/%0d%0aHost:%20evil.test',
    '/%09//evil.test',
    '/x?url=//evil.test',
    '/x/@evil.test:443/..//',
  ])('asks the origin or nobody: %j', async (target) => {
    const response = await get(`https://site.test${target}`)
    expect(response.status).toBeOneOf([200, 400])
    if (response.status === 200) expect(asked.map(({ host }) => host)).toEqual(['origin.internal'])
    else expect(shop.calls).toEqual([])
  })
})
