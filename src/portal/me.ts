/** A crawler's own account: it signs the request as it signs commitments, and gets the account of that signature only. */
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import type { CreditLineStub } from '../billing/context.ts'
import type { FindKey } from '../identity/keys.ts'
import { isBound, nothing, verify } from '../identity/verify.ts'
import { balanceOf, entriesOf } from '../operator/accounts.ts'
import { invoiceOf, invoiceView } from '../operator/invoices.ts'
import { formatOf, jsonResponse, notFound, problem } from '../operator/response.ts'
import type { CreditSettings, OperatorSettings } from '../operator/settings.ts'
import { inFormat, proven, signedOf } from '../operator/statements.ts'
import { Roster, signersOf } from '../schemes/credit/agent-cache.ts'

/** RFC 9421 §5.1. The signature must cover method and target: one for a page then gives no access to the account. */
const ACCEPT_SIGNATURE =
  'tab402=("@authority" "@method" "@target-uri" "signature-agent");created;expires;keyid;tag="web-bot-auth"'

type Me = { Variables: { line: CreditLineStub } }

/** Routes below `/_tab402/me`. `now` in Unix milliseconds. */
export function meRoutes({ billing }: OperatorSettings, credit: CreditSettings, now: () => number): Hono<Me> {
  const findKey = signersOf(new Roster(credit), credit.directories)
  const app = new Hono<Me>()
  app.use('*', async (c, next) => {
    const line = await lineOf(c, credit, findKey, now())
    if (line instanceof Response) return line
    c.set('line', line)
    return next()
  })
  app.get('/', (c) => balance(c.get('line')))
  app.get('/entries', async (c) => jsonResponse(await entriesOf(c, c.get('line'), false)))
  app.get('/statements', async (c) =>
    jsonResponse({ statements: (await c.get('line').statements()).reverse() }),
  )
  app.get('/statements/:period', async (c) => {
    const format = formatOf(c, 'json', 'csv', 'html')
    if (format instanceof Response) return format
    if (!billing) return notFound()
    const { seal } = await billing()
    const signed = await signedOf(c.get('line'), c.req.param('period'), credit, seal)
    return signed ? inFormat(signed, format) : notFound()
  })
  app.get('/statements/:period/proofs/:entry', (c) =>
    proven(c.get('line'), c.req.param('period'), c.req.param('entry')),
  )
  app.get('/invoices', async (c) => {
    const invoices = await c.get('line').invoices()
    return jsonResponse({ invoices: invoices.reverse().map(invoiceView) })
  })
  app.get('/invoices/:id', (c) => invoiceOf(c, c.get('line'), c.req.param('id')))
  return app
}

/** The credit line of the agent that signed the request, or the error response. */
async function lineOf(c: Context, credit: CreditSettings, findKey: FindKey, now: number) {
  const verdict = await verify(c.req.raw, nothing, { findKey, now })
  switch (verdict.outcome) {
    case 'verified':
      // Trap: a nonce alone binds a signature to one commitment, not to this URL.
      return isBound({ covered: verdict.covered, nonce: null })
        ? credit.lines.getByName(verdict.agent)
        : unsigned('target_not_covered')
    case 'unread':
      return unsigned(verdict.refusal.reason)
    case 'invalid':
      return unsigned(verdict.reason)
    case 'unverified':
      if (verdict.reason !== 'directory_unavailable') return unsigned(verdict.reason)
      return unavailable(verdict.reason)
  }
}

function unsigned(reason: string): Response {
  const detail = 'The request must be signed as the header Accept-Signature states. `reason` names the error.'
  const answer = problem('unauthorized', { detail, reason })
  answer.headers.set('accept-signature', ACCEPT_SIGNATURE)
  return answer
}

/** 503: the key directory could not be read. */
function unavailable(reason: string): Response {
  const detail = 'The key directory could not be read. Send the same request again.'
  const answer = problem('unavailable', { detail, reason })
  answer.headers.set('retry-after', '5')
  return answer
}

async function balance(line: CreditLineStub): Promise<Response> {
  const standing = await line.standing()
  if (!standing) return notFound()
  const { agent, name, terms } = standing.enrolment
  const { limit: creditLimit, probation, period, rail, tier, buyer } = terms
  return jsonResponse({
    agent: { id: agent, name },
    balance: balanceOf(standing),
    terms: { creditLimit, probation, period, rail, tier, buyer },
    openedAt: standing.openedAt,
  })
}
