/** The page that a person gets with a 402: static, self-contained, with no part of the request in it. */
import { html } from 'hono/html'
import { htmlDocument } from '../platform/page.ts'
import { showUsd } from '../protocol/amount.ts'
import { SCHEMES, type SchemeName } from '../schemes/index.ts'
import type { Offers } from './offers.ts'

const STYLE = `
  body { font-size: 17px; line-height: 1.6; max-width: 34em; margin: 12vh auto }
  h1 { font-size: 1.5em; margin: 0 } p, ul { margin: 1em 0 } li { margin: .4em 0 }
  .price { font-size: 3em; margin: .2em 0 0 } small, code { font-size: 14px }`

/** The page of an offer. `sentence` is a public sentence of refusal.ts, `note` one about the client. Every value is escaped. */
export function page({ made, price, about }: Offers, sentence: string, note?: string): string {
  const ways = made.map(({ scheme, terms }) => wayOf(scheme, terms.network))
  const names = [about.serviceName, about.description].filter(Boolean)
  return htmlDocument(
    '402 Payment Required',
    STYLE,
    html`<h1>402 Payment Required</h1>
${names.length > 0 ? html`<p>${names.join(': ')}</p>` : ''}
<p class="price">${showUsd(price)}</p>
${
  note === undefined
    ? ''
    : html`<p>${note}</p>
`
}<p>${sentence} Software can pay without an account, using the <b>x402</b> protocol:</p>
<ul>${ways}</ul>
<p><small>The PAYMENT-REQUIRED header of this response has the machine-readable offers.</small></p>`,
  )
}

function wayOf(scheme: SchemeName, network: string) {
  const { title, text, code } = SCHEMES[scheme].describe(network)
  return html`<li><b>${title}</b>: ${text} (<code>${code}</code>).</li>`
}

const NAMES_HTML = /text\/html/i
/** Media types that our JSON satisfies. */
const JSON_TYPE = /^(?:application\/(?:[^;]*\+)?json|application\/\*|\*\/\*)$/
const WEIGHT = /^q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/

/**
 * Whether `Accept` prefers HTML to JSON (RFC 9110 §12.5.1). The header must name `text/html`; of equal weights the first counts.
 * Without the header, or with a wildcard alone, the client gets JSON.
 */
export function prefersHtml(headers: Headers): boolean {
  const accepted = headers.get('accept') ?? ''
  // Most unpaid requests name no HTML at all.
  if (!NAMES_HTML.test(accepted)) return false
  let [html, json] = [0, 0]
  for (const range of accepted.split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const weight = weightOf(parameters)
    if (type === 'text/html' && weight > json) html = Math.max(html, weight)
    else if (JSON_TYPE.test(type) && weight > html) json = Math.max(json, weight)
  }
  return html > json
}

/** The weight of a media range, 1 by default. A malformed weight counts as 0. */
function weightOf(parameters: readonly string[]): number {
  const weight = parameters.find((parameter) => parameter.startsWith('q='))
  return weight === undefined ? 1 : Number(WEIGHT.exec(weight)?.[1] ?? 0)
}
