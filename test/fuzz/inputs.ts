/** The inputs of each header: requests near good ones. */
import fc from 'fast-check'
import { nearPayments } from './payment.ts'
import { fieldOf, near } from './text.ts'

/** A request to send. `isPaying`: its client is a crawler that must pay, and the page is one that it must pay for. */
export type Input = { url: string; method?: string; headers: Record<string, string>; isPaying?: boolean }

/** Good requests, as upstream clients make them. */
export type Seeds = {
  onChain: readonly Input[]
  /** On credit, by x402 and by Pay Per Crawl. */
  onCredit: Input
  byPrice: Input
  /** The value of X-PAYMENT. */
  inV1: string
  site: string
  /** The operator's. */
  token: string
}

/** A User-Agent that pays. */
const CRAWLER = 'GPTBot/1.0'
const READER =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36'

/** Names and products as clients state them. */
const AGENTS = [
  CRAWLER,
  READER,
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)',
  'curl/8.9.1',
  'python-requests/2.32.3',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
]
const ACCEPTS = [
  'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'application/json',
  '*/*;q=0.1, text/markdown;q=1.0',
  'application/vnd.tab402+json;version="1;2", text/html;level=2;q=0.4',
]
const COOKIES = [
  'session=abc; __Host-tab402=0123456789abcdef',
  'a=b; c="d e"; tab402_session=x.y.z',
  '_ga=GA1.1.1; theme=dark; =; ;;',
]
const TARGETS = [
  '/articles/tally-sticks?page=2&lang=en',
  '/free/page',
  '/list?page=3',
  '/closed/x',
  '/a/b/../c/%2e%2e/d;v=1//e/%C3%A9?x=%20&y=+&y=1#z',
  '/robots.txt',
  '/_tab402/api/openapi.json',
  '/.well-known/x402',
  '/_tab402/me/statements?after=1&limit=5',
]
const PRICES = ['USD 0.001', 'USD 0.60', 'USD 1', 'USD 0.000001', 'USD .1', 'USD 00.1', 'EUR 0.001']
const PRICE_FIELDS = [
  ['crawler-exact-price', 'crawler-max-price'],
  ['crawler-max-price', 'crawler-exact-price'],
] as const
const SIGNATURE_FIELDS = ['signature-input', 'signature', 'signature-agent'] as const

/** The inputs by the name of their header. */
export function inputsOf({
  onChain,
  onCredit,
  byPrice,
  inV1,
  site,
  token,
}: Seeds): Record<string, fc.Arbitrary<Input>> {
  const paying = { 'user-agent': CRAWLER }
  const pages = onChain.map(({ url }) => url)
  const payments = [...onChain, onCredit].map(({ headers }) => headers['payment-signature'] ?? '')
  const one = (
    name: string,
    values: fc.Arbitrary<string>,
    headers: Record<string, string> = {},
    isPaying = false,
  ) =>
    fc
      .tuple(fc.constantFrom(...pages), values)
      .map(([url, value]): Input => ({ url, headers: { ...headers, [name]: fieldOf(value) }, isPaying }))
  const shown = fc.constantFrom<Record<string, string>>(
    paying,
    { 'user-agent': READER, accept: ACCEPTS[0] ?? '' },
    { ...paying, accept: 'text/html' },
  )
  const withShown = (inputs: fc.Arbitrary<Input>) =>
    fc
      .tuple(inputs, shown)
      .map(([input, headers]): Input => ({ ...input, headers: { ...headers, ...input.headers } }))
  return {
    'payment-signature': one('payment-signature', nearPayments(payments), paying, true),
    'x-payment': one('x-payment', nearPayments([inV1]), paying, true),
    authorization: fc
      .tuple(
        fc.constantFrom(
          `${site}/_tab402/api/accounts`,
          `${site}/_tab402/me`,
          `${site}/page`,
          `${site}/_tab402/api/runs`,
        ),
        near([`Bearer ${token}`, 'Basic dXNlcjpwYXNz', 'Payment eyJ4NDAyVmVyc2lvbiI6Mn0=', `DPoP ${token}`]),
      )
      .map(([url, value]): Input => ({ url, headers: { ...paying, authorization: fieldOf(value) } })),
    ...Object.fromEntries(SIGNATURE_FIELDS.map((name) => [name, changedIn(onCredit, [name])])),
    'signature fields': changedIn(onCredit, SIGNATURE_FIELDS),
    'crawler-price': fc.oneof(
      fc
        .tuple(fc.constantFrom(...PRICE_FIELDS), near(PRICES), fc.option(near(PRICES)))
        .map(([[name, other], value, second]): Input => {
          const prices = { [name]: fieldOf(value), ...(second !== null && { [other]: fieldOf(second) }) }
          return { ...byPrice, headers: { ...byPrice.headers, ...prices }, isPaying: true }
        }),
      changedIn(byPrice, SIGNATURE_FIELDS),
      fc.constant({ ...byPrice, isPaying: true }),
    ),
    'user-agent': one('user-agent', near(AGENTS)),
    accept: withShown(one('accept', near(ACCEPTS))),
    cookie: withShown(one('cookie', near(COOKIES))),
    url: fc
      .tuple(near(TARGETS), shown, fc.constantFrom('GET', 'HEAD', 'POST', 'OPTIONS'))
      .map(
        ([target, headers, method]): Input => ({ url: site + target.replace(/^\/*/, '/'), headers, method }),
      ),
  }
}

/** A good request with some of its fields edited. */
function changedIn({ url, headers }: Input, names: readonly string[]): fc.Arbitrary<Input> {
  const values = names.map((name) => near([headers[name] ?? '']))
  return fc.tuple(...values).map((changed) => {
    const fields = Object.fromEntries(names.map((name, at) => [name, fieldOf(changed[at] ?? '')]))
    return { url, headers: { ...headers, ...fields }, isPaying: true }
  })
}
