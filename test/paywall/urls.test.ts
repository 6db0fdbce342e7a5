/** URLs that old sites have: readers read them, crawlers buy them, and the origin receives them as they were sent. */
import { describe, expect, it } from 'vitest'
import { chainHere } from '../chain/here.ts'
import { newPayer } from '../chain/payer.ts'
import { BROWSER, newRegular, PRICE, requiredOf, startPaywall, type TestPaywall } from '../schemes/harness.ts'
import { channelFetch, exactFetch } from '../upstream.ts'

const { rpcUrl } = chainHere()

const PRICED = [
  '/doi/10.1038%2Fnature12373',
  '/doi/10.1002/(SICI)1097-4571(199806)49:8%3C693::AID-ASI4%3E3.0.CO;2-O',
  '/2009/caf%E9-du-commerce',
  '/web/20200101000000/https://www.example.com/a?b=//c',
  '/%7Euser/%61/?q=%7e%2f',
  '/list.php;jsessionid=1F',
  '/what%3Fa=1',
  '/%EF%BD%90remium/x',
]

/** Refused to crawlers, and what the URL standard makes of them. */
const UNREADABLE = [
  ['/100%', '/100%'],
  ['/a%00b', '/a%00b'],
  ['/50%25de', '/50%25de'],
  ['//double', '//double'],
  ['/a%5Cb', '/a%5Cb'],
  ['/%C0%AFadmin', '/%C0%AFadmin'],
  ['/caf%C3', '/caf%C3'],
  ['/a%2f..%2fb', '/a%2f..%2fb'],
] as const

async function askedUrl(response: Response): Promise<string> {
  const { url } = (await response.json()) as { url: string }
  return url.replace('https://origin.internal', '')
}

function fetchOf(shop: TestPaywall): typeof fetch {
  return (input, init) => {
    const request = new Request(input as RequestInfo, init)
    request.headers.set('user-agent', 'crawler/1.0')
    return shop.site.gate(request, shop.site.origin)
  }
}

describe('gate for a reader', () => {
  const shop = startPaywall({
    RULES: [
      { path: '/members/*', who: 'everyone', action: 'charge' },
      { path: '/premium/*', action: 'charge', price: '0.5' },
    ],
  })

  it.each(PRICED)('passes %s on to the origin as it was sent', async (path) => {
    const response = await shop.ask(path, { agent: BROWSER })
    expect([response.status, await askedUrl(response)]).toEqual([200, path])
  })

  it.each(UNREADABLE)('passes %s on, though it is refused to crawlers', async (path, sent) => {
    const response = await shop.ask(path, { agent: BROWSER })
    expect([response.status, await askedUrl(response)]).toEqual([200, sent])
  })

  it.each([
    ['/members;x/a', 402],
    ['/x;y/../members/a', 402],
    ['/members%2Fa', 402],
    ['/x%2f..%2fmembers/a', 400],
    ['/%6d%65mbers%5ca', 400],
    ['/%EF%BD%8Dembers/a', 402],
    ['/mem%E9bers/a', 402],
    ['/members%252Fa', 400],
    ['/%256dembers/a', 400],
    ['/members%C0%AFa', 400],
    ['/members%00/a', 400],
  ])(
    'asks for payment or refuses where one reading of %s leads to a rule for readers [D1]',
    async (path, status) => {
      shop.calls.length = 0
      expect((await shop.ask(path, { agent: BROWSER })).status).toBe(status)
      expect(shop.calls).toEqual([])
    },
  )

  it('passes a URL above 8 KB on unless a rule holds against readers [D13]', async () => {
    const long = `/a?${'b'.repeat(9000)}`
    const open = startPaywall()
    await open.ask(long, { agent: BROWSER })
    expect(open.calls).toEqual(['SITE.fetch'])
    expect((await shop.ask(long, { agent: BROWSER })).status).toBe(400)
    expect((await startPaywall().ask(long)).status).toBe(400)
  })
})

describe('gate for a crawler', () => {
  const shop = startPaywall({ RULES: [{ path: '/open/*', action: 'allow' }] })

  it.each(UNREADABLE.filter(([path]) => path !== '/caf%C3'))('rejects %s [D1]', async (path) => {
    const response = await shop.ask(path)
    expect([response.status, await response.json()]).toMatchObject([400, { error: 'tab_ambiguous_path' }])
  })

  it.each(PRICED)('offers %s under the URL that it was sent', async (path) => {
    const response = await shop.ask(path)
    expect([response.status, requiredOf(response).resource?.url]).toEqual([402, `https://site.test${path}`])
  })

  it.each(PRICED)('sells %s by a channel once, and replays it for the same URL alone', async (path) => {
    const crawler = await newRegular(shop)
    const payment = await crawler.owes(2n * PRICE)
    const bought = await shop.ask(path, { payment })
    expect([bought.status, await askedUrl(bought)]).toEqual([200, path])
    const again = await shop.ask(path, { payment })
    expect([again.status, await askedUrl(again)]).toEqual([200, path])
    const other = path.includes('%') ? path.replace('%', '%25') : `${path}x`
    expect((await shop.ask(other, { payment })).status).not.toBe(200)
    expect(await crawler.account().standing()).toMatchObject({ charged: 2n * PRICE })
  })

  it('sells another spelling of a page as a page of its own, since an origin may answer them differently [A2]', async () => {
    const crawler = await newRegular(shop)
    const payment = await crawler.owes(2n * PRICE)
    expect((await shop.ask('/%7Euser', { payment })).status).toBe(200)
    for (const path of ['/~user', '/%7euser', '//~user', '/%7Euser/', '/%7Euser;a'])
      expect([path, (await shop.ask(path, { payment })).status]).not.toEqual([path, 200])
  })

  it('sells each of these URLs to unmodified clients', async () => {
    const channel = channelFetch(fetchOf(shop), { privateKey: (await newPayer(1_000_000n)).key }, rpcUrl)
    const exactShop = startPaywall({ SCHEMES: ['exact'] })
    const exact = exactFetch(fetchOf(exactShop), { privateKey: (await newPayer(1_000_000n)).key }, rpcUrl)
    for (const path of PRICED) {
      for (const pay of [channel.fetch, exact]) {
        const response = await pay(`https://site.test${path}`)
        expect([response.status, await askedUrl(response)]).toEqual([200, path])
      }
    }
  })

  it('charges the dearest of all readings [D1]', async () => {
    const dear = startPaywall({
      RULES: [
        { path: '/open/*', action: 'allow' },
        { path: '/premium/*', action: 'charge', price: '0.5' },
        { path: '/never/*', action: 'block' },
      ],
    })
    const amount = async (path: string) => {
      const response = await dear.ask(path)
      return response.status === 402 ? requiredOf(response).accepts[0]?.amount : response.status
    }
    expect(await amount('/open/a')).toBe(200)
    for (const path of ['/open;a/b', '/x;y']) expect(await amount(path)).toBe('1000')
    for (const path of [
      '/premium;v=1/x',
      '/premium%2Fx',
      '/premium//x',
      '/%EF%BD%90remium/x',
      '/pre%E9mium/x',
    ])
      expect(await amount(path)).toBe('500000')
    for (const path of ['/never;v=1/x', '/never%2Fx', '/%EF%BD%8Eever/x'])
      expect(await amount(path)).toBe(403)
  })

  it('takes a path as it stands where PATHS says so', async () => {
    const literal = startPaywall({
      PATHS: 'literal',
      RULES: [
        { path: '/wiki/AC%2FDC', action: 'allow' },
        { path: '/dear/*', action: 'charge', price: '0.5' },
      ],
    })
    expect((await literal.ask('/wiki/AC%2FDC')).status).toBe(200)
    expect((await literal.ask('/50%25de')).status).toBe(402)
    expect(requiredOf(await literal.ask('/x;/../dear/a')).accepts[0]?.amount).toBe('500000')
    expect(requiredOf(await literal.ask('/dear;v/a')).accepts[0]?.amount).toBe('1000')
  })
})
