/** The lines of an invoice for people: pages by site, rule and unit price, summed over its statements. */
import type { Invoice, Statement } from '../ledger/billing/types.ts'
import type { BillingCalls } from '../ledger/credit/contract.ts'

/** One line. Amounts in micro-dollars. */
export type InvoiceLine = {
  site: string
  rule: string
  /** Charges less releases; below zero when more was released than charged. */
  pages: number
  /** `amount / pages`: the average of a day with several prices. Null when the division leaves a remainder. */
  unit: bigint | null
  amount: bigint
}

/** Reads the statements of an invoice and sums their lines. @throws when the credit line cannot be read */
export async function linesOf(
  line: Pick<BillingCalls, 'statement'>,
  { periods }: Pick<Invoice, 'periods'>,
): Promise<InvoiceLine[]> {
  const statements = await Promise.all(periods.map((period) => line.statement(period)))
  return invoiceLines(statements.filter((statement) => statement !== null))
}

/** Sums lines of one site, rule and unit price. Sorted by site and rule, the dearest first. */
export function invoiceLines(statements: readonly Pick<Statement, 'lines'>[]): InvoiceLine[] {
  const sums = new Map<string, InvoiceLine>()
  for (const { site, rule, charges, releases, amount } of statements.flatMap(({ lines }) => lines)) {
    const pages = charges - releases
    const unit = unitOf(amount, pages)
    const key = JSON.stringify([site, rule, unit === null ? null : unit.toString()])
    const sum = sums.get(key) ?? { site, rule, pages: 0, unit, amount: 0n }
    sums.set(key, { ...sum, pages: sum.pages + pages, amount: sum.amount + amount })
  }
  return [...sums.values()].filter(({ pages, amount }) => pages !== 0 || amount !== 0n).sort(byName)
}

function unitOf(amount: bigint, pages: number): bigint | null {
  const count = BigInt(pages)
  return count !== 0n && amount % count === 0n ? amount / count : null
}

/** `RULES[2]` before `RULES[10]`. */
const NAMES = new Intl.Collator('en', { numeric: true })

function byName(a: InvoiceLine, b: InvoiceLine): number {
  const order = NAMES.compare(a.site, b.site) || NAMES.compare(a.rule, b.rule)
  return order || Number((b.unit ?? -1n) - (a.unit ?? -1n))
}
