/** Section C of docs/faults.md: signed requests and credit. */
import type { Removal } from '../removal.ts'

const VERIFY = 'src/identity/verify.ts'
const CACHE = 'src/identity/key-cache.ts'
const LINE = 'src/ledger/credit/credit-line.ts'

/** See {@link Removal}. */
export const REQUESTS: readonly Removal[] = [
  {
    row: 'C1',
    file: VERIFY,
    from: "if (!whole.has('@authority') && !whole.has('@target-uri')) return flawed('target_not_covered')",
    to: '',
    test: 'identity/verify',
  },
  {
    row: 'C2',
    file: VERIFY,
    from: "if (expires < seconds) return flawed('expired')",
    to: '',
    test: 'identity/verify',
  },
  {
    row: 'C3',
    file: LINE,
    from: 'const same = used.iou === order.iou && used.request === order.request',
    to: 'const same = used.iou === order.iou',
    test: 'ledger/credit/credit-line',
  },
  {
    row: 'C4',
    file: 'src/identity/keys.ts',
    from: 'else for (const { keyId } of agent.keys ?? []) byKey.set(keyId, agent)',
    to: 'for (const { keyId } of agent.keys ?? []) byKey.set(keyId, agent)',
    test: 'identity/keys',
  },
  {
    row: 'C5',
    file: 'src/identity/jwks.ts',
    from: 'if (size > LARGEST) {',
    to: 'if (size > LARGEST * LARGEST) {',
    test: 'identity/jwks',
  },
  {
    row: 'C5',
    file: 'src/identity/keys.ts',
    from: "if (agent.url === null || new URL(agent.url).host === host) return 'agent_unknown'",
    to: "if (agent.url === null) return 'agent_unknown'",
    test: 'identity/keys',
  },
  {
    row: 'C6',
    file: CACHE,
    from: 'const known = listing ?? { keys: [], readAt: null, freshUntil: 0 }',
    to: 'const known = { ...listing, keys: [], readAt: null, freshUntil: 0 }',
    test: 'identity/key-cache',
  },
  {
    row: 'C7',
    file: CACHE,
    from: 'return { keys: fetched.keys, readAt',
    to: 'return { keys: [...fetched.keys, ...(listing?.keys ?? [])], readAt',
    test: 'identity/key-cache',
  },
  {
    row: 'C8',
    file: 'src/identity/jwk.ts',
    from: "return refused.has(keyId) ? 'public_secret' : { keyId,",
    to: 'return { keyId,',
    test: 'identity/jwk',
  },
  {
    row: 'C9',
    file: LINE,
    from: 'if (totals.charged - totals.redeemed > standing.limit) {',
    to: 'if (standing.charged - standing.redeemed > standing.limit) {',
    test: 'ledger/credit/credit-line',
  },
  {
    row: 'C10',
    file: 'src/ledger/credit/terms.ts',
    from: 'const earned = probation + paid',
    to: 'const earned = limit + paid',
    test: 'ledger/credit/credit-line',
  },
  {
    row: 'C11',
    file: 'src/identity/signature-base.ts',
    from: "'@authority': (_, { authority }) => authority,",
    to: "'@authority': ({ headers }, { authority }) => headers.get('host') ?? authority,",
    test: 'identity/verify',
  },
  {
    row: 'C12',
    file: 'src/protocol/http/content-digest.ts',
    from: "if (!equal(claimed, actual)) return 'differs'",
    to: '',
    test: 'identity/body',
  },
  {
    row: 'C13',
    file: 'src/ledger/billing/dunning.ts',
    from: "const least = invoice.failedAt === null ? 0 : ORDER.indexOf('past_due')",
    to: 'const least = 0',
    test: 'ledger/billing/dunning',
  },
]
