/** What a person sees in place of a page that must be paid for: static, self-contained, nothing of the request in it. */
import { html } from 'hono/html'
import { showUsd } from '../protocol/amount.ts'
import { SCHEMES, type SchemeName } from '../schemes/index.ts'
import type { Offers } from './offers.ts'

/** `sentence` is one of our own (refusal.ts); every value is escaped all the same. */
export function page({ made, price, about }: Offers, sentence: string): string {
  const ways = [...made].map(([scheme, { network }]) => wayOf(scheme, network))
  const names = [about.serviceName, about.description].filter(Boolean)
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>402 Payment Required</title>
<style>
  body { font: 17px/1.6 Georgia, serif; color: #1d1d1b; background: #faf8f3; max-width: 34em; margin: 12vh auto; padding: 0 1.5em }
  h1 { font-size: 1.5em; margin: 0 } p, ul { margin: 1em 0 } li { margin: .4em 0 }
  .price { font-size: 3em; margin: .2em 0 0 } small, code { font-size: 14px; color: #6b675e } code { font-family: ui-monospace, monospace }
  @media (prefers-color-scheme: dark) { body { color: #eae6dc; background: #191816 } small, code { color: #a29d91 } }
  @media print { body { margin: 0 } }
</style>
<h1>402 Payment Required</h1>
${names.length > 0 ? html`<p>${names.join(': ')}</p>` : ''}
<p class="price">${showUsd(price)}</p>
<p>${sentence} Software pays it without an account, by the <b>x402</b> protocol:</p>
<ul>${ways}</ul>
<p><small>The machine-readable offers are in this answer&rsquo;s PAYMENT-REQUIRED header.</small></p>
</html>`.toString()
}

function wayOf(scheme: SchemeName, network: string) {
  const { title, text, code } = SCHEMES[scheme].describe(network)
  return html`<li><b>${title}</b>: ${text} (<code>${code}</code>).</li>`
}
