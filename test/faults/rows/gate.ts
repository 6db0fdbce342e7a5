/** Section D of docs/faults.md: ways around the gate. */
import type { Removal } from '../removal.ts'

const GATE = 'src/paywall/gate.ts'
const ORIGIN = 'src/paywall/origin.ts'

/** See {@link Removal}. */
export const GATE_ROWS: readonly Removal[] = [
  {
    row: 'D1',
    file: 'src/paywall/policy.ts',
    from: 'const decision = decideReadings(policy, facts, request.path.readings)',
    to: 'const decision = decideReadings(policy, facts, undefined)',
    test: 'paywall/readings',
  },
  {
    row: 'D2',
    file: 'src/config/rule/query.ts',
    from: '.split(/[&;]/)',
    to: ".split('&')",
    test: 'config/rule/query',
  },
  {
    row: 'D2',
    file: GATE,
    from: 'const page = `${site}${target.path}${target.search}`',
    to: 'const page = `${site}${target.path}`',
    test: 'paywall/gate',
  },
  {
    row: 'D3',
    file: GATE,
    from: 'const isPaying = dialect !== undefined && !manner.head',
    to: 'const isPaying = dialect !== undefined',
    test: 'paywall/gate',
  },
  {
    row: 'D4',
    file: GATE,
    from: 'return status >= 200 && status < 300',
    to: 'return status >= 200 && status < 500',
    test: 'paywall/gate',
  },
  {
    row: 'D5',
    file: ORIGIN,
    from: "'transfer-encoding',\n",
    to: '',
    test: 'paywall/origin',
  },
  {
    row: 'D6',
    file: ORIGIN,
    from: "'x-original-url',",
    to: '',
    test: 'paywall/origin',
  },
  {
    row: 'D7',
    file: 'wrangler.toml',
    from: 'minify = true',
    to: 'minify = true\ncache = { enabled = true }',
    test: 'house/style',
  },
  {
    row: 'D8',
    file: 'src/paywall/response.ts',
    from: "response.headers.set('cache-control', 'private, no-store')",
    to: '',
    test: 'paywall/gate',
  },
  {
    row: 'D9',
    file: 'src/paywall/sale.ts',
    from: 'const kept = await charge.release()',
    to: 'const kept = null',
    test: 'paywall/gate',
  },
  {
    row: 'D10',
    file: 'src/paywall/path.ts',
    from: 'if (url.origin !== origin.origin || url.pathname !== path || url.search !== search) {',
    to: 'if (url.search !== search) {',
    test: 'paywall/path',
  },
  {
    row: 'D11',
    file: 'wrangler.toml',
    from: 'workers_dev = false',
    to: 'workers_dev = true',
    test: 'house/style',
  },
  {
    row: 'D12',
    file: GATE,
    from: "return refuse('ledger_unavailable')",
    to: "return refuse('payment_required')",
    test: 'schemes/channel/faults',
  },
  {
    row: 'D13',
    file: 'src/protocol/x402/header.ts',
    from: "if (text.length > MOST_CHARACTERS) return refuse('header_too_large')",
    to: '',
    test: 'protocol/x402/header',
  },
  {
    row: 'D14',
    file: 'src/paywall/dialects/x402-v2.ts',
    from: 'value(fitting(url, room), reason, corrected),',
    to: 'value(url, reason, corrected),',
    test: 'paywall/gate',
  },
  {
    row: 'D15',
    file: 'src/billing/pages.ts',
    from: "import { html } from 'hono/html'",
    to: "import { raw } from 'hono/html'\nconst html = (parts, ...values) => raw(String.raw({ raw: parts }, ...values))",
    test: 'billing/signed-statement',
  },
  {
    row: 'D15',
    file: 'src/paywall/response.ts',
    from: "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
    to: "base-uri 'none'",
    test: 'paywall/gate',
  },
  {
    row: 'D16',
    file: 'src/identity/product.ts',
    from: 'return first.slice(0, 40)',
    to: 'return userAgent',
    test: 'identity/classify',
  },
]
