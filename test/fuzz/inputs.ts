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

/** Fields that ask for a part of a page, for one that has changed, in another coding, or under another name. */
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  range: ['bytes=0-3', 'bytes=-1', 'bytes=0-0,2-3', 'bytes=99999-', 'items=0-1'],
  'if-range': ['"a"', 'Thu, 01 Jan 1970 00:00:00 GMT'],
  'if-none-match': ['*', '"a"', 'W/"a", "b"'],
  'if-match': ['*', '"z"'],
  'if-modified-since': ['Thu, 01 Jan 2099 00:00:00 GMT', 'x'],
  'accept-encoding': ['gzip', 'identity;q=0', 'br;q=1, *;q=0'],
  'cache-control': ['only-if-cached', 'max-stale=9999', 'no-transform'],
  'x-http-method-override': ['GET', 'POST', 'OPTIONS'],
  'x-original-url': ['/free/page', '/robots.txt'],
  'x-rewrite-url': ['/free/page'],
  'x-forwarded-host': ['other.example', 'site.example:81'],
  'x-forwarded-proto': ['http'],
  forwarded: ['for=127.0.0.1;host=other.example;proto=http'],
  'cf-connecting-ip': ['66.249.66.1', '::1', 'x'],
  origin: ['https://other.example', 'null'],
  'access-control-request-method': ['GET', 'POST', 'x'],
  'access-control-request-headers': ['payment-signature', 'x-payment, signature-input', ','],
  'payment-identifier': ['pay_1', 'pay_1, pay_2'],
  'idempotency-key': ['"1"'],
}

/** Ways to spell a page that some servers take for the same. */
const SPELLINGS: readonly ((path: string) => string)[] = [
  (path) => path,
  (path) => path,
  (path) => `/${path}`,
  (path) => `${path}/`,
  (path) => `${path}//`,
  (path) => `/free/..${path}`,
  (path) => `/free/%2e%2e${path}`,
  (path) => `/free%2f..${path}`,
  (path) => path.replace('/', '/%2F'),
  (path) => path.replace('/', '/\\'),
  (path) => `${path};a=1`,
  (path) => `${path}?`,
  (path) => `${path}?page=1`,
  (path) => `${path}%00`,
  (path) => `${path}%`,
  (path) => path.toUpperCase(),
  (path) => path.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
]
const METHODS = ['GET', 'GET', 'GET', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE']

/** The inputs by the name of their header. `mixed`: payments of several dialects in one request, and fields beside them. */
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
    mixed: mixed(
      {
        'payment-signature': fc.oneof(fc.constantFrom(...payments), nearPayments(payments)),
        'x-payment': fc.oneof(fc.constant(inV1), nearPayments([inV1])),
        authorization: near(['Payment eyJ4NDAyVmVyc2lvbiI6Mn0=', `Bearer ${token}`]),
        'crawler-exact-price': near(PRICES),
        'crawler-max-price': near(PRICES),
        ...Object.fromEntries(SIGNATURE_FIELDS.map((name) => [name, signatureOf(name, [onCredit, byPrice])])),
        ...Object.fromEntries(Object.entries(BESIDE).map(([name, values]) => [name, near(values)])),
      },
      [...onChain, onCredit, byPrice],
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

/** A value of one request, of two in one field, or near them. */
function signatureOf(name: string, from: readonly Input[]): fc.Arbitrary<string> {
  const values = from.map(({ headers }) => headers[name] ?? '')
  return fc.oneof(fc.constantFrom(...values, values.join(', ')), near(values))
}

/** A crawler's request with some of the fields, each once or twice: every other one beside a good payment. */
function mixed(
  fields: Readonly<Record<string, fc.Arbitrary<string>>>,
  good: readonly Input[],
): fc.Arbitrary<Input> {
  const some = fc.subarray(Object.keys(fields), { maxLength: 6 })
  const sent = some.chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc
          .tuple(fields[name] ?? fc.constant(''), fc.integer({ min: 0, max: 9 }))
          .map(([value, times]) => [name, times === 0 ? `${value}, ${value}` : value] as const),
      ),
    ),
  )
  const page = fc.tuple(fc.constantFrom(...good), fc.boolean(), fc.boolean(), fc.constantFrom(...SPELLINGS))
  return fc
    .tuple(page, fc.constantFrom(...METHODS), sent)
    .map(([[base, pays, isPlain, spell], method, values]) => {
      const { origin, pathname } = new URL(base.url)
      const url = isPlain ? base.url : origin + spell(pathname)
      const beside = Object.fromEntries(values.map(([name, value]) => [name, fieldOf(value)]))
      const headers = { 'user-agent': CRAWLER, ...(pays && base.headers), ...beside }
      return { url, method, headers, isPaying: true }
    })
}
