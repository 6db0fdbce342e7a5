/** D1, D10: ways around the gate by the path. Every spelling of a paid page stays paid, and none leads to another host. */
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { BROWSER, type Meddle, startPaywall } from '../schemes/harness.ts'

/** URLs that reached the origin's service. */
const asked: URL[] = []
const watch: Meddle = async (_, call) => {
  const answer = await call()
  if (answer instanceof Response) {
    const { url } = (await answer.clone().json()) as { url: string }
    asked.push(new URL(url))
  }
  return answer
}

/** One page is charged to everyone, one folder is free, another is blocked. The rest is free for readers. */
const RULES = [
  { path: '/secret', who: 'everyone', action: 'charge' },
  { path: '/blocked/*', who: 'everyone', action: 'block' },
  { path: '/open/*', who: 'everyone', action: 'allow' },
]
const shop = startPaywall({ RULES }, watch)

beforeEach(() => {
  shop.calls.length = 0
  asked.length = 0
})

const get = (target: string) => shop.ask(target, { agent: BROWSER })

/** Spellings that some server or router reads as `/secret`. */
const SPELLINGS = [
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

describe('gate for a charged page', () => {
  it.each(SPELLINGS)('serves no other spelling of the page for free: %j [D1]', async (spelling) => {
    const response = await get(spelling)
    const text = await response.text()
    if (response.status === 200) {
      // Served for free, so no origin may read this path as the charged page.
      expect(readings(asked[0]?.pathname ?? '/secret')).not.toContain('/secret')
    } else {
      expect(response.status).toBeOneOf([400, 402])
      expect(text).not.toContain('origin.internal')
      expect(shop.calls).toEqual([])
    }
  })

  it('charges every Unicode form of the path [D1]', async () => {
    const accented = startPaywall({ RULES: [{ path: '/café', who: 'everyone', action: 'charge' }] })
    for (const path of ['/café', '/cafe\u0301', '/caf%C3%A9', '/cafe%CC%81', '/CAFÉ', '/CAFE%cc%81/']) {
      expect([path, (await accented.ask(path, { agent: BROWSER })).status]).toEqual([path, 402])
    }
  })

  it('blocks a page reached through a free folder [D1]', async () => {
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

  it('never sends the page to the origin unpaid, for any mix of path pieces [D1]', async () => {
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
        const { pathname, host } = asked[0] ?? new URL('https://none.test')
        expect(host).toBe('origin.internal')
        expect(readings(pathname)).not.toContain('/secret')
      }),
      { numRuns: 400 },
    )
  })
})

/** The readings that origins may have of a path: decoded once or twice, without `;`, `//` and dot segments, in lower case. */
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

describe('gate for a target that names another host', () => {
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
  ])('sends the request to the origin or rejects it: %j [D10]', async (target) => {
    const response = await get(`https://site.test${target}`)
    expect(response.status).toBeOneOf([200, 400])
    if (response.status === 200) expect(asked.map(({ host }) => host)).toEqual(['origin.internal'])
    else expect(shop.calls).toEqual([])
  })
})
