import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../src/config/policy.ts'
import { type Asker, classify } from '../../src/identity/classify.ts'
import { canonicalize } from '../../src/paywall/path.ts'
import { type Decision, decide, type Policy, policySchemes } from '../../src/paywall/policy.ts'

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0'
const TERMS = {
  ORIGIN: 'https://origin.example',
  RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  NETWORK: 'eip155:84532',
  PRICE: '0.001',
}

function policy(rules: unknown[] = [], terms: object = {}): Policy {
  const result = parsePolicy({ ...TERMS, ...terms, RULES: rules })
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  return result.policy
}

function asker(userAgent: string): Asker {
  return classify({ userAgent, signed: false, paying: false })
}

function ask(site: Policy, path: string, userAgent = 'GPTBot/1.2', method = 'GET'): Decision {
  const canonical = canonicalize(path)
  if (!canonical.ok) throw new Error('ambiguous')
  return decide(site, { method, path: canonical.value, asker: asker(userAgent) })
}

describe('decide without a matching rule', () => {
  it('charges crawlers the default price with the default schemes', () => {
    expect(ask(policy(), '/anything', 'curl/8.0')).toMatchObject({
      action: 'charge',
      price: 1000n,
      schemes: ['channel', 'exact'],
      rule: 'default',
    })
  })

  it('allows readers', () => {
    expect(ask(policy(), '/anything', FIREFOX)).toMatchObject({ action: 'allow', rule: 'default' })
  })

  it('charges a crawler for every method and path', () => {
    fc.assert(
      fc.property(
        fc.webPath(),
        fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'get'),
        (path, method) => {
          const canonical = canonicalize(path || '/')
          if (!canonical.ok) return
          const { action } = decide(policy(), { method, path: canonical.value, asker: asker('GPTBot/1.2') })
          expect(action).toBe('charge')
        },
      ),
    )
  })
})

describe('decide for always free paths', () => {
  const closed = policy([{ who: 'everyone', action: 'block' }])

  it.each([
    '/robots.txt',
    '/ROBOTS.TXT',
    '/.well-known/x402',
    '/sitemap.xml',
    '/sitemap_index.xml',
    '/sitemap-2.xml.gz',
    ...['ads.txt', 'app-ads.txt', 'sellers.json', 'security.txt', 'humans.txt', 'ai.txt', 'llms.txt'].map(
      (file) => `/${file}`,
    ),
    ...['/favicon.ico', '/license.xml', '/crawlers.json', '/openapi.json', '/.well-known/security.txt'],
    // Yoast, WordPress, and large papers.
    ...['/news-sitemap.xml', '/wp-sitemap-posts-post-1.xml', '/athletic/sitemap-teams.xml'],
    ...['/en/sitemap_index.xml', '/a/b/c/Sitemap.xml', '/bbcx/content_index_sitemap.xml'],
    ...['/sitemaps/news.xml', '/sitemaps/new/news.xml.gz', '/sitemap.xml/'],
  ])('allows %s even if the rules block it', (path) => {
    expect(ask(closed, path)).toMatchObject({ action: 'allow', rule: 'free' })
    expect(ask(closed, path, 'GPTBot', 'HEAD').action).toBe('allow')
  })

  it.each([
    '/robots.txt.html',
    '/a/robots.txt',
    '/.well-known',
    '/a/.well-known/b',
    '/sitemap',
    '/a/ads.txt',
    '/llms-full.txt',
    '/article.php/sitemap.xml',
    '/a/article.html/sitemap.xml',
    '/article.php/sitemaps/a.xml',
    '/sitemaps/article.php/a.xml',
    '/sitemap.xml/a',
    '/sitemap/articles/1',
    '/sitemap.xml;/articles/1',
    '/robots.txt;a',
  ])('applies the rules to %s', (path) => {
    expect(ask(closed, path).action).toBe('block')
  })

  it.each([
    '/robots.txt?rest_route=/wp/v2/posts/1',
    '/.well-known/x?rest_route=/wp/v2/posts',
    '/sitemap.xml?p=1',
    '/robots.txt?=',
  ])('applies the rules to %s, since a query may select any page [D2]', (path) => {
    expect(ask(closed, path).action).toBe('block')
    expect(ask(policy(), path)).toMatchObject({ action: 'charge', rule: 'default' })
    expect(ask(policy(), path, FIREFOX)).toMatchObject({ action: 'allow', rule: 'default' })
  })

  it('allows a path behind which only the mark of a query stands', () => {
    expect(ask(closed, '/robots.txt?').rule).toBe('free')
  })

  it('keeps the * of a sitemap within one segment [D2]', () => {
    for (const path of ['/sitemap/articles/1/x.xml', '/sitemap/.xml', '/sitemap/x.xml.gz'])
      expect([path, ask(closed, path).action]).toEqual([path, 'block'])
    const site = policy([], { SITEMAP: ['/maps/*/index-*.xml', '/feeds/*'] })
    for (const path of ['/maps/a/index-1.xml', '/maps/b/index-.xml', '/feeds/a'])
      expect([path, ask(site, path).rule]).toEqual([path, 'free'])
    for (const path of [
      '/maps/a/b/index-1.xml',
      '/maps/a/index-1/b.xml',
      '/maps/index-1.xml',
      '/feeds',
      '/feeds/a/b',
    ])
      expect([path, ask(site, path).rule]).toEqual([path, 'default'])
  })

  it('allows GET and HEAD only', () => {
    expect(ask(closed, '/robots.txt', 'GPTBot', 'POST').action).toBe('block')
  })

  it('allows the sitemaps of the site in place of the defaults', () => {
    const site = policy([], { SITEMAP: '/maps/*.xml' })
    expect(ask(site, '/maps/a.xml').rule).toBe('free')
    expect(ask(site, '/sitemap.xml').rule).toBe('default')
  })
})

describe('decide with rules', () => {
  it('applies the first rule that covers the request', () => {
    const site = policy([
      { path: '/a/free', action: 'allow' },
      { path: '/a/*', action: 'charge', price: '0.5' },
      { path: '/a/never', action: 'block' },
    ])
    expect(ask(site, '/a/free')).toMatchObject({ action: 'allow', price: 0n, schemes: [], rule: 0 })
    expect(ask(site, '/a/never')).toMatchObject({ action: 'charge', price: 500_000n, rule: 1 })
    expect(ask(site, '/b')).toMatchObject({ action: 'charge', price: 1000n, rule: 'default' })
  })

  it('uses the price and schemes of the site unless a rule sets its own', () => {
    const site = policy([
      { path: '/a', action: 'charge' },
      { path: '/b', action: 'charge', price: '2', schemes: ['exact'] },
    ])
    expect(ask(site, '/a')).toMatchObject({ price: 1000n, schemes: ['channel', 'exact'] })
    expect(ask(site, '/b')).toMatchObject({ price: 2_000_000n, schemes: ['exact'] })
  })

  it.each([
    [
      '/articles/*',
      ['/articles', '/articles/', '/ARTICLES/one', '/articles/a/b/'],
      ['/articles-2', '/x/articles/a'],
    ],
    ['/articles/', ['/articles', '/Articles/'], ['/articles/a']],
    ['/*/draft', ['/a/draft', '/a/b/draft'], ['/draft', '/a/drafts']],
    ['/*.pdf', ['/a.pdf', '/b/c.PDF/'], ['/a.pdf.html', '/pdf']],
    ['/a*b*c', ['/abc', '/a-b-b-c', '/abbcc'], ['/ab', '/acb', '/abcd']],
    ['/a*b*b', ['/abb'], ['/ab']],
    ['/a*b*b*c', ['/abbc', '/ab-b-c'], ['/abc']],
    ['/ab*ba', ['/abba', '/ab-ba'], ['/aba']],
    ['/*', ['/', '/a', '/a/b'], []],
    ['/*/x/*', ['/a/x', '/a/x/y', '/a/b/x/c'], ['/x', '/a/xy']],
    ['/caf%C3%A9', ['/café', '/CAFÉ', '/cafe%CC%81'], ['/cafe']],
    ['/a.c', ['/a.c'], ['/abc']],
  ])('matches the path pattern %s', (path, inside, outside) => {
    const site = policy([{ path, action: 'block' }])
    for (const covered of inside) expect([covered, ask(site, covered).action]).toEqual([covered, 'block'])
    for (const other of outside) expect([other, ask(site, other).action]).toEqual([other, 'charge'])
  })

  it('matches a long path against many wildcards in linear time [D13]', () => {
    const site = policy([{ path: `/${'*a'.repeat(50)}*b`, action: 'block' }])
    expect(ask(site, `/${'a'.repeat(8000)}`).action).toBe('charge')
  })

  it.each([
    [undefined, 'GPTBot/1.2', true],
    [undefined, FIREFOX, false],
    ['crawlers', 'curl/8', true],
    ['readers', FIREFOX, true],
    ['readers', 'GPTBot', false],
    ['everyone', FIREFOX, true],
    ['everyone', 'GPTBot', true],
    ['training', 'GPTBot', true],
    ['training', 'OAI-SearchBot/1.0', false],
    ['Search', 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', true],
    ['assistant', 'ChatGPT-User/1.0', true],
    ['other', 'curl/8', true],
    ['gptbot', 'GPTBot/1.2', true],
    ['GPTBot', 'ClaudeBot/1.0', false],
    ['agent:curl', 'curl/8', true],
    ['agent:acmebot', 'Mozilla/5.0 (compatible; AcmeBot/3.1; +https://acme.example)', true],
    [['ClaudeBot', 'search'], 'PerplexityBot/1.0', true],
    [['ClaudeBot', 'search'], 'GPTBot', false],
  ])('a rule for %j matches %s: %s', (who, userAgent, covered) => {
    const site = policy([{ ...(who && { who }), action: 'block' }])
    expect(ask(site, '/', userAgent).action === 'block').toBe(covered)
  })

  it('covers with an allow rule requests without a query, unless it says otherwise [D2]', () => {
    const site = policy([
      { path: '/none/*', action: 'allow' },
      { path: '/any/*', action: 'allow', query: 'any' },
      { path: '/named/*', action: 'allow', query: ['page', 'sort'] },
    ])
    const action = (path: string) => ask(site, path).action
    expect(
      ['/none/a', '/none/a?', '/any/a', '/any/a?p=1', '/named/a', '/named/a?page=2'].map(action),
    ).toEqual(Array(6).fill('allow'))
    expect(['/none/a?p=1', '/named/a?page=2&p=1', '/named/a?p=1'].map(action)).toEqual(
      Array(3).fill('charge'),
    )
    for (const path of ['/none/a?p=1', '/named/a?p=1']) expect(ask(site, path, FIREFOX).action).toBe('allow')
  })

  it('covers with a charge or block rule any query, unless it says otherwise [D2]', () => {
    const site = policy([
      { path: '/blocked', action: 'block' },
      { path: '/dear', action: 'charge', price: '0.5' },
      { path: '/plain', action: 'charge', price: '0.5', query: 'none' },
    ])
    expect(ask(site, '/blocked?p=1').action).toBe('block')
    expect(ask(site, '/dear?p=1').price).toBe(500_000n)
    expect(ask(site, '/plain').price).toBe(500_000n)
    expect(ask(site, '/plain?p=1').price).toBe(1000n)
  })

  it('gives the query term of a rule as text', () => {
    const site = policy([{ path: '/a', action: 'allow', query: ['page', 'sort'] }])
    expect(ask(site, '/a').why).toBe('RULES[0]: allow crawlers on /a with query page, sort')
  })

  it('matches the methods of a rule, and HEAD with GET', () => {
    const site = policy([{ method: ['get', 'POST'].map((name) => name.toUpperCase()), action: 'allow' }])
    for (const method of ['GET', 'HEAD', 'POST', 'head', 'post']) {
      expect(ask(site, '/', 'GPTBot', method).action).toBe('allow')
    }
    expect(ask(site, '/', 'GPTBot', 'DELETE').action).toBe('charge')
  })

  it('returns the deciding rule as text', () => {
    const site = policy([{ path: '/a/*', who: ['search', 'GPTBot'], action: 'block' }])
    expect(ask(site, '/a').why).toBe('RULES[0]: block search, GPTBot on /a/*')
  })

  it('lists in schemesOf every scheme that any request may be offered', () => {
    const site = policy([{ action: 'charge', schemes: ['exact'] }], { SCHEMES: ['channel'] })
    expect(policySchemes(site)).toEqual(new Set(['channel', 'exact']))
    expect(policySchemes(policy([{ action: 'allow' }], { SCHEMES: 'exact' }))).toEqual(new Set(['exact']))
  })
})

describe('decide with a preset', () => {
  const AGENTS: Record<string, string> = {
    search: 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
    preview: 'facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)',
    feed: 'Feedly/1.0 (+http://www.feedly.com/fetcher.html; 3 subscribers)',
    ads: 'AdsBot-Google (+http://www.google.com/adsbot.html)',
    monitor: 'Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)',
    archive: 'Mozilla/5.0 (compatible; archive.org_bot +http://archive.org/details/archive.org_bot)',
    training: 'GPTBot/1.2',
    assistant: 'ChatGPT-User/1.0',
    seo: 'Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)',
    other: 'curl/8.0',
    reader: FIREFOX,
  }
  const passing = (site: Policy, path: string) =>
    Object.keys(AGENTS).filter((name) => ask(site, path, AGENTS[name]).action === 'allow')

  it('passes for a publisher all that brings readers, with any query, and charges the others', () => {
    const site = policy([], { PRESET: 'publisher' })
    for (const path of ['/article', '/?p=12', '/wiki/AC%2FDC'])
      expect(passing(site, path)).toEqual([
        'search',
        'preview',
        'feed',
        'ads',
        'monitor',
        'archive',
        'reader',
      ])
    expect(ask(site, '/article', AGENTS.search)).toMatchObject({
      rule: 'preset',
      why: 'PRESET "publisher": allow search, preview, feed, ads, monitor, archive with query any',
    })
    expect(ask(site, '/article', AGENTS.seo)).toMatchObject({
      action: 'charge',
      price: 1000n,
      rule: 'default',
    })
  })

  it('charges everybody for an API, people too, except where a machine reads the terms', () => {
    const site = policy([], { PRESET: 'api' })
    expect(passing(site, '/v1/weather')).toEqual([])
    expect(ask(site, '/v1/weather', FIREFOX)).toMatchObject({ price: 1000n, rule: 'preset' })
    expect(passing(site, '/openapi.json')).toHaveLength(11)
  })

  it('charges all crawlers without one', () => {
    for (const site of [policy(), policy([], { PRESET: 'none' })])
      expect(passing(site, '/a')).toEqual(['reader'])
  })

  it('stands behind the written rules', () => {
    const site = policy([{ path: '/premium/*', action: 'charge', price: '0.5' }], { PRESET: 'publisher' })
    expect(ask(site, '/premium/a', AGENTS.search)).toMatchObject({ price: 500_000n, rule: 0 })
    expect(ask(site, '/a', AGENTS.search).rule).toBe('preset')
  })
})
