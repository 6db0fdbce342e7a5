/** Statements and invoices as pages that print well: static, self-contained, every value escaped. */
import { html } from 'hono/html'
import { owedOn } from '../ledger/billing/dunning.ts'
import { isoDay } from '../ledger/billing/period.ts'
import type { InvoiceStanding, Party, Stage } from '../ledger/billing/types.ts'
import { vatWords } from '../ledger/billing/vat.ts'
import { htmlDocument } from '../platform/page.ts'
import type { SignedStatement } from '../protocol/statement.ts'
import type { InvoiceLine } from './invoice-lines.ts'
import { countText, decimalsOf, moneyCell, moneyText } from './money.ts'

const STYLE = `
  body { max-width: 46em }
  h1 { font-size: 1.6em; line-height: 1.25; margin: 0 } h2 { font-size: 1.1em; margin: 2em 0 0 }
  h1, .from, td, dd, p, address { overflow-wrap: anywhere } .from { font-size: 1.1em; font-weight: bold; margin: 0 0 .5em }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: .2em 1.5em } dt { color: var(--soft) } dd { margin: 0 }
  table { border-collapse: collapse; width: 100%; margin: 2em 0 }
  th, td { text-align: left; padding: .3em 0 .3em 1em; border-bottom: 1px solid var(--rule); vertical-align: top }
  :is(th, td):first-child { padding-left: 0 } thead th { color: var(--soft); font-weight: normal } time { white-space: nowrap }
  .site { min-width: 7em } .rule { white-space: nowrap } .wide { overflow-x: auto }
  .usd, .n { text-align: right; font-variant-numeric: tabular-nums lining-nums; white-space: nowrap } .pad { visibility: hidden }
  thead { display: table-header-group } tr { break-inside: avoid } tfoot { display: table-row-group } tfoot tr > * { border: 0 }
  tfoot th { font-weight: normal } tfoot .sum th { font-weight: bold } tfoot tr:first-child > * { padding-top: 1em }
  small, code { font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere }
  address { font-style: normal; flex: 1 1 14em; max-width: 24em } address, .as-written { white-space: pre-line }
  .parties { display: flex; flex-wrap: wrap; gap: 1.5em 4em; margin: 2em 0 } .due { font-size: 1.25em; margin: .5em 0 0 }
  .pay { border: 1px solid var(--rule); padding: 0 1.25em; margin: 2em 0; break-inside: avoid } .pay h2 { margin-top: 1em }
  @media screen and (max-width: 36em) {
    body { margin-top: 1.5em; font-size: 15px } table, thead, tbody, tfoot { display: block } thead tr > :not(:last-child) { display: none }
    tr { display: flex; flex-wrap: wrap; gap: 0 1em; border-bottom: 1px solid var(--rule); padding: .4em 0 }
    tr > *, tr > :first-child { border: 0; padding: 0 } tfoot tr { flex-wrap: nowrap; border: 0 } tr > .usd:last-child { margin-left: auto } .site { order: -1; flex: 1 0 100% }
    td[data-unit]::after { content: ' ' attr(data-unit) } .usd:not(:last-child) .pad { display: none }
  }
  @page { margin: 2cm }`

/** The page of a statement. */
export function statementPage({ statement, signature }: SignedStatement): string {
  const { operator, agent, period, lines, entries } = statement
  const total = BigInt(statement.total)
  const amounts = lines.map(({ amount }) => BigInt(amount))
  const width = decimalsOf([...amounts, total])
  return htmlDocument(
    `Statement ${period.id}`,
    STYLE,
    html`<p class="from">${operator}</p>
<h1>Statement ${period.id}</h1>
<dl>
<dt>For</dt><dd>${agent.name} <small>${agent.id}</small></dd>
<dt>Period</dt><dd>${minute(period.from)} to ${minute(period.to)}, UTC</dd>
<dt>Total</dt><dd>USD ${moneyText(total)}</dd>
</dl>
<div class="wide"><table>
<thead><tr><th>Day</th><th>Site</th><th>Rule</th><th>Asked by</th><th class="n">Charges</th><th class="n">Released</th><th class="usd">USD</th></tr></thead>
<tbody>
${lines.map(
  ({ day, site, rule, policy, who, charges, releases }, at) =>
    html`<tr><td><time>${day}</time></td><td class="site">${site}</td><td class="rule">${rule}${policy ? html` <small>v${policy}</small>` : ''}</td><td>${who ?? ''}</td><td class="n" data-unit="charges">${countText(charges)}</td><td class="n" data-unit="released">${countText(releases)}</td>${moneyCell(amounts[at] ?? 0n, width)}</tr>
`,
)}</tbody>
<tfoot><tr class="sum"><th scope="row" colspan="6">Total</th>${moneyCell(total, width)}</tr></tfoot>
</table></div>
<p><small>Entries ${entries.first} to ${entries.last}, Merkle root ${entries.root}<br>
${signature.algorithm} ${signature.keyId}<br>${signature.value}</small></p>`,
  )
}

/** How an invoice can be paid at once by x402 `exact`: where, on which network, to which address. */
export type ExactOffer = { url: string; network: string; payTo: string }

/** The page of an invoice. `exact` is null where the page must not offer x402. */
export function invoicePage(
  invoice: InvoiceStanding,
  lines: readonly InvoiceLine[],
  exact: ExactOffer | null = null,
): string {
  const { id, issuedAt, dueAt, from, to, seller, buyer, stage } = invoice
  const owed = owedOn(invoice)
  return htmlDocument(
    `Invoice ${id}, ${seller.name}`,
    STYLE,
    html`<p class="from">${seller.name}</p>
<h1>Invoice ${id}</h1>
<p class="due">${owed > 0n ? html`<strong>USD ${moneyText(owed)}</strong> due ${isoDay(dueAt)}` : STAGES[stage]}</p>
<div class="parties"><address><small>From</small>
${party(seller)}</address><address><small>To</small>
${party(buyer)}</address></div>
<dl>
<dt>Issued</dt><dd>${isoDay(issuedAt)}</dd>
<dt>Due</dt><dd>${isoDay(dueAt)}</dd>
<dt>For</dt><dd>Access by crawlers, ${isoDay(from)} to ${isoDay(to - 1)}</dd>
<dt>Statements</dt><dd>${periodsText(invoice.periods)}</dd>
<dt>Status</dt><dd>${STAGES[stage]}</dd>
</dl>
${table(invoice, lines)}
${owed > 0n ? howToPay(invoice, exact) : ''}`,
  )
}

const STAGES: Record<Stage, string> = {
  open: 'Open',
  due: 'Due',
  past_due: 'Past due',
  suspended: 'Suspended',
  written_off: 'Written off',
  settled: 'Settled',
}

type Figure = [name: string, amount: bigint, kind?: 'sum']

/** The figures below the lines. Zeros are left out, except the net amount, VAT, the total and the amount due. */
function figuresOf(invoice: InvoiceStanding): Figure[] {
  const { charged, carriedIn, carriedOut, net, vat, total, credited, paid } = invoice
  const optional = (...figures: Figure[]) => figures.filter(([, amount]) => amount !== 0n)
  return [
    ...(charged === net ? [] : [['Charged', charged] satisfies Figure]),
    ...optional(['Carried from earlier invoices', carriedIn], ['Carried to the next invoice', -carriedOut]),
    ['Net amount', net, 'sum'],
    [vatWords(vat), vat.amount],
    ['Total', total, 'sum'],
    ...optional(['Credited', -credited], ['Received', -paid]),
    ['Amount due', owedOn(invoice), 'sum'],
  ]
}

const COLUMNS = html`<th>Site</th><th>Rule</th><th class="n">Pages</th><th class="usd">Unit price</th>`

function table(invoice: InvoiceStanding, lines: readonly InvoiceLine[]) {
  const figures = figuresOf(invoice)
  const width = decimalsOf([...lines.map(({ amount }) => amount), ...figures.map(([, amount]) => amount)])
  const units = decimalsOf(lines.map(({ unit }) => unit ?? 0n))
  const head = html`<thead><tr>${lines.length > 0 ? COLUMNS : html`<td colspan="4"></td>`}<th class="usd">USD</th></tr></thead>
`
  const rows = lines.map(
    ({ site, rule, pages, unit, amount }) =>
      html`<tr><td class="site">${site}</td><td class="rule">${rule}</td><td class="n" data-unit="pages at">${countText(pages)}</td>${unit === null ? html`<td class="usd">various</td>` : moneyCell(unit, units)}${moneyCell(amount, width)}</tr>
`,
  )
  const sums = figures.map(
    ([name, amount, kind]) =>
      html`<tr class="${kind ?? ''}"><th scope="row" colspan="4">${name}</th>${moneyCell(amount, width)}</tr>
`,
  )
  return html`<div class="wide"><table>
${head}<tbody>
${rows}</tbody>
<tfoot>
${sums}</tfoot>
</table></div>`
}

function howToPay(invoice: InvoiceStanding, exact: ExactOffer | null) {
  const { id, rail, presented, seller } = invoice
  const amount = moneyText(owedOn(invoice))
  const url = presented?.url
  const contact = seller.email ? html` Questions: <a href="mailto:${seller.email}">${seller.email}</a>.` : ''
  return html`<section class="pay"><h2>How to pay</h2>
${presented?.instructions && html`<p class="as-written"><strong>By bank transfer</strong>, USD ${amount}:\n${presented.instructions}</p>`}
${rail === 'stripe' && url ? html`<p><strong>By card or bank</strong>, USD ${amount}, at Stripe: <a href="${url}">${url}</a></p>` : ''}
${rail === 'stablecoin' && url && !exact ? html`<p><strong>In USDC</strong>, with any x402 client, at <a href="${url}"><code>${url}</code></a></p>` : ''}
${exact ? exactOffer(exact, amount) : ''}
${presented || exact ? '' : html`<p>The seller has not sent payment details yet.</p>`}
<p><small>${presented?.instructions ? '' : `Reference: ${id}.`}${contact}</small></p></section>`
}

function exactOffer({ url, network, payTo }: ExactOffer, amount: string) {
  return html`<p><strong>In USDC</strong>, with any x402 client, at <a href="${url}"><code>${url}</code></a></p>
<dl>
<dt>Amount</dt><dd>${amount} USDC</dd>
<dt>Network</dt><dd>${network}</dd>
<dt>To</dt><dd><code>${payTo}</code></dd>
</dl>
<p>A transfer to this address without x402 does not settle the invoice by itself. Contact the seller first.</p>`
}

/** The ids of statements: all of up to three, else the first and the last. */
function periodsText(periods: readonly string[]): string {
  if (periods.length <= 3) return periods.join(', ')
  return `${periods[0]} to ${periods.at(-1)} (${periods.length})`
}

/** `2026-11-21 14:30` of an ISO 8601 time. */
function minute(moment: string): string {
  return moment.slice(0, 16).replace('T', ' ')
}

function party({ name, address, country, taxId }: Party): string {
  return [name, address, country, taxId && `Tax id ${taxId}`].filter(Boolean).join('\n')
}
