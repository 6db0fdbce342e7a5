/** Statements as documents: the JSON that is signed, its signature, and its lines as CSV. */
import type { Statement } from '../ledger/billing/types.ts'
import { csv } from '../platform/csv.ts'
import { canonicalJson } from '../protocol/encoding/canonical-json.ts'
import type { SignedStatement, StatementDocument } from '../protocol/statement.ts'
import type { Seal } from './operator-key.ts'

/** The document of a statement. Equal statements have equal documents. Amounts in micro-dollars, times as ISO 8601. */
export function documentOf(
  statement: Statement,
  operator: string,
  agent: { id: string; name: string },
): StatementDocument {
  const { form = 1, period, first, last, root, lines, total } = statement
  return {
    type: `tab402/statement/${form}`,
    operator,
    agent: { id: agent.id, name: agent.name },
    period: { id: period.id, from: iso(period.from), to: iso(period.to) },
    currency: 'USD',
    unit: 'micro-dollar',
    entries: { first, last, root },
    lines: lines.map(({ day, site, rule, policy = null, who = null, charges, releases, amount }) => ({
      day,
      site,
      rule,
      // A statement of form 1 must stay what was signed.
      ...(form !== 1 && { policy, who }),
      charges,
      releases,
      amount: amount.toString(),
    })),
    total: total.toString(),
  }
}

/** Signs a document with Ed25519 over its canonical JSON (RFC 8785). Deterministic: it can be signed again for each request. */
export async function signStatement(statement: StatementDocument, seal: Seal): Promise<SignedStatement> {
  const value = await seal.sign(canonicalJson(statement))
  return { statement, signature: { algorithm: 'Ed25519', keyId: seal.keyId, value } }
}

const COLUMNS = ['period', 'day', 'site', 'rule', 'charges', 'releases', 'usd', 'policy', 'who']

/** The lines as CSV, amounts in USD with six decimals. */
export function statementCsv({ period, lines }: StatementDocument): string {
  return csv(
    COLUMNS,
    lines.map(({ day, site, rule, charges, releases, amount, policy = null, who = null }) => [
      period.id,
      day,
      site,
      rule,
      charges,
      releases,
      BigInt(amount),
      policy,
      who,
    ]),
  )
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
