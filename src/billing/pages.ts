/** Statements and invoices as pages that print well: static, self-contained, every value escaped. */
import { html, raw } from 'hono/html'
import { owedOn } from '../ledger/billing/dunning.ts'
import { isoDay } from '../ledger/billing/period.ts'
import type { InvoiceStanding, Party, Presented, RailName } from '../ledger/billing/types.ts'
import { vatWords } from '../ledger/billing/vat.ts'
import { decimalUsd } from '../platform/csv.ts'
import type { SignedStatement } from '../protocol/statement.ts'

/** Sent with every page: nothing is loaded, nothing runs, nobody frames it. */
export const PAPER_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const STYLE = raw(`<style>
  body { font: 15px/1.5 Georgia, serif; color: #1d1d1b; max-width: 46em; margin: 3em auto; padding: 0 1.5em }
  h1 { font-size: 1.6em; margin: 0 } dl { display: grid; grid-template-columns: max-content 1fr; gap: .2em 1.5em }
  dt { color: #6b675e } dd { margin: 0 } table { border-collapse: collapse; width: 100%; margin: 2em 0 }
  th, td { text-align: left; padding: .3em 0 .3em 1em; border-bottom: 1px solid #d8d4c9; vertical-align: top }
  :is(th, td):first-child { padding-left: 0 } time { white-space: nowrap }
  .site { min-width: 9em; overflow-wrap: anywhere } .wide { overflow-x: auto }
  .usd, .n { text-align: right; font-variant-numeric: tabular-nums } .usd { white-space: nowrap }
  thead { display: table-header-group } tr { break-inside: avoid } tfoot * { border: 0 }
  [scope=row] { font-weight: normal } .sum * { font-weight: bold }
  small, code { font: 12px/1.5 ui-monospace, monospace; color: #6b675e; overflow-wrap: anywhere }
  address { font-style: normal; max-width: 20em } address, .as-written { white-space: pre-line }
  .parties { display: flex; flex-wrap: wrap; gap: 1.5em 4em; margin: 2em 0 }
  @page { margin: 2cm } @media print { body { margin: 0; max-width: none; padding: 0 } }
</style>`)

/** The page of a statement. */
export function statementPage({ statement, signature }: SignedStatement): string {
  const { operator, agent, period, lines, total, entries } = statement
  return page(
    `Statement ${period.id}`,
    html`<h1>Statement ${period.id}</h1>
<dl>
<dt>From</dt><dd>${operator}</dd>
<dt>To</dt><dd>${agent.name} <small>${agent.id}</small></dd>
<dt>Period</dt><dd>${minute(period.from)} to ${minute(period.to)}, UTC</dd>
<dt>Total</dt><dd>USD ${decimalUsd(BigInt(total))}</dd>
</dl>
<div class="wide"><table>
<thead><tr><th>Day</th><th>Site</th><th>Rule</th><th class="n">Charges</th><th class="n">Released</th><th class="usd">USD</th></tr></thead>
<tbody>
${lines.map(
  ({ day, site, rule, charges, releases, amount }) =>
    html`<tr><td><time>${day}</time></td><td class="site">${site}</td><td>${rule}</td><td class="n">${charges}</td><td class="n">${releases}</td><td class="usd">${decimalUsd(BigInt(amount))}</td></tr>
`,
)}</tbody>
<tfoot><tr class="sum"><th scope="row" colspan="5">Total</th><td class="usd">${decimalUsd(BigInt(total))}</td></tr></tfoot>
</table></div>
<p><small>Entries ${entries.first} to ${entries.last}, Merkle root ${entries.root}<br>
${signature.algorithm} ${signature.keyId}<br>${signature.value}</small></p>`,
  )
}

/** The page of an invoice. */
export function invoicePage(invoice: InvoiceStanding): string {
  const { id, issuedAt, dueAt, from, to, periods, seller, buyer } = invoice
  const { stage, rail, presented, paid, credited } = invoice
  const figures: [string, bigint][] = [
    ['Charged', invoice.charged],
    ['Carried from earlier invoices', invoice.carriedIn],
    ['Carried to the next invoice', -invoice.carriedOut],
  ]
  const owed = owedOn(invoice)
  const received: [string, bigint][] = [
    ['Credited', -credited],
    ['Received', -paid],
  ]
  return page(
    `Invoice ${id}`,
    html`<h1>Invoice ${id}</h1>
<div class="parties"><address><small>From</small>
${party(seller)}</address><address><small>To</small>
${party(buyer)}</address></div>
<dl>
<dt>Issued</dt><dd>${isoDay(issuedAt)}</dd>
<dt>Due</dt><dd>${isoDay(dueAt)}</dd>
<dt>For</dt><dd>Access by crawlers, ${isoDay(from)} to ${isoDay(to - 1)}; statements: ${periods.join(', ')}</dd>
<dt>Status</dt><dd>${stage.replace('_', ' ')}</dd>
</dl>
<table>
<thead><tr><td></td><th class="usd">USD</th></tr></thead>
<tbody>
${figures.filter(([, amount]) => amount !== 0n).map(figure)}
${sum(['Net', invoice.net])}
${figure([vatWords(invoice.vat), invoice.vat.amount])}
${sum(['Total', invoice.total])}
${received.filter(([, amount]) => amount !== 0n).map(figure)}
${sum(['To be paid', owed])}
</tbody>
</table>
${owed > 0n && presented ? howToPay(rail, presented) : ''}`,
  )
}

function howToPay(rail: RailName, { instructions, url }: Presented) {
  const means = rail === 'stablecoin' ? 'Pay in USDC, with any x402 client, at' : 'Pay at'
  return html`${instructions && html`<p class="as-written">${instructions}</p>`}
${url && html`<p>${means} <a href="${url}"><code>${url}</code></a></p>`}`
}

function figure([name, amount]: [string, bigint]) {
  return html`<tr><th scope="row">${name}</th><td class="usd">${decimalUsd(amount)}</td></tr>`
}

function sum([name, amount]: [string, bigint]) {
  return html`<tr class="sum"><th scope="row">${name}</th><td class="usd">${decimalUsd(amount)}</td></tr>`
}

/** Of an ISO 8601 time, what a person reads. */
function minute(moment: string): string {
  return moment.slice(0, 16).replace('T', ' ')
}

function party({ name, address, country, taxId }: Party): string {
  return [name, address, country, taxId && `Tax id ${taxId}`].filter(Boolean).join('\n')
}

function page(title: string, body: unknown): string {
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>${title}</title>
${STYLE}
${body}
</html>`.toString()
}
