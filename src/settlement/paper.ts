/** Statements and invoices as pages that print well: static, self-contained, every value escaped. */
import { html, raw } from 'hono/html'
import type { InvoiceStanding, Party } from '../ledger/bill.ts'
import { owedOn } from '../ledger/dunning.ts'
import type { SignedStatement } from '../protocol/statement.ts'
import { vatWords } from './invoice.ts'
import { isoDay } from './period.ts'
import { decimalUsd } from './table.ts'

/** Sent with every page: nothing is loaded, nothing runs, nobody frames it. */
export const PAPER_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const STYLE = raw(`<style>
  body { font: 15px/1.5 Georgia, serif; color: #1d1d1b; max-width: 46em; margin: 3em auto; padding: 0 1.5em }
  h1 { font-size: 1.6em; margin: 0 } dl { display: grid; grid-template-columns: max-content 1fr; gap: .2em 1.5em }
  dt { color: #6b675e } dd { margin: 0 } table { border-collapse: collapse; width: 100%; margin: 2em 0 }
  th, td { text-align: left; padding: .3em .6em .3em 0; border-bottom: 1px solid #d8d4c9; vertical-align: top }
  .usd, .n { text-align: right; font-variant-numeric: tabular-nums; padding-right: 0 }
  thead { display: table-header-group } tr { break-inside: avoid } tfoot td { border: 0 } .sum td { font-weight: bold }
  small, code { font: 12px/1.5 ui-monospace, monospace; color: #6b675e; overflow-wrap: anywhere }
  address { font-style: normal; white-space: pre-line } .parties { display: flex; gap: 4em; margin: 2em 0 }
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
<dt>Period</dt><dd>${period.from} to ${period.to}, UTC</dd>
</dl>
<table>
<thead><tr><th>Day</th><th>Site</th><th>Rule</th><th class="n">Charges</th><th class="n">Taken back</th><th class="usd">USD</th></tr></thead>
<tbody>
${lines.map(
  ({ day, site, rule, charges, releases, amount }) =>
    html`<tr><td>${day}</td><td>${site}</td><td>${rule}</td><td class="n">${charges}</td><td class="n">${releases}</td><td class="usd">${decimalUsd(BigInt(amount))}</td></tr>
`,
)}</tbody>
<tfoot><tr class="sum"><td colspan="5">Total</td><td class="usd">${decimalUsd(BigInt(total))}</td></tr></tfoot>
</table>
<p><small>Entries ${entries.first} to ${entries.last}, Merkle root ${entries.root}<br>
${signature.algorithm} ${signature.keyId}<br>${signature.value}</small></p>`,
  )
}

/** The page of an invoice. */
export function invoicePage(invoice: InvoiceStanding): string {
  const { id, issuedAt, dueAt, from, to, periods, seller, buyer, stage, presented, paid, credited } = invoice
  const figures: [string, bigint][] = [
    ['Charged', invoice.charged],
    ['Carried from earlier invoices', invoice.carriedIn],
    ['Carried to the next invoice', -invoice.carriedOut],
  ]
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
<dt>For</dt><dd>Access by crawlers, ${isoDay(from)} to ${isoDay(to - 1)} (statements ${periods.join(', ')})</dd>
<dt>Stands</dt><dd>${stage.replace('_', ' ')}</dd>
</dl>
<table>
<thead><tr><th></th><th class="usd">USD</th></tr></thead>
<tbody>
${figures.filter(([, amount]) => amount !== 0n).map(figure)}
<tr class="sum"><td>Net</td><td class="usd">${decimalUsd(invoice.net)}</td></tr>
<tr><td>${vatWords(invoice.vat)}</td><td class="usd">${decimalUsd(invoice.vat.amount)}</td></tr>
<tr class="sum"><td>Total</td><td class="usd">${decimalUsd(invoice.total)}</td></tr>
${received.filter(([, amount]) => amount !== 0n).map(figure)}
<tr class="sum"><td>To be paid</td><td class="usd">${decimalUsd(owedOn(invoice))}</td></tr>
</tbody>
</table>
${presented?.instructions ? html`<p>${presented.instructions}</p>` : ''}
${presented?.url ? html`<p>Pay at <code>${presented.url}</code></p>` : ''}`,
  )
}

function figure([name, amount]: [string, bigint]) {
  return html`<tr><td>${name}</td><td class="usd">${decimalUsd(amount)}</td></tr>`
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
