/** The layout of every HTML page: the palette, and the document around a page's content. */
import { html, raw } from 'hono/html'
import { COLOURS, FONTS, properties } from './tokens.ts'

/** A Content-Security-Policy value: the page loads and runs nothing, and other pages cannot frame it. */
export const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Not `light-dark()`: browsers that lack it would show these pages without colours, and strangers open them.
const PALETTE = `
  :root{color-scheme:light dark;${properties(COLOURS, 0)}}
  @media (prefers-color-scheme:dark){:root{${properties(COLOURS, 1)}}}
  @media print{:root{color-scheme:light;--ink:#000;--soft:#555;--rule:#bbb;--paper:#fff}}
  body{font:16px/1.5 ${FONTS.serif};color:var(--ink);background:var(--paper);margin:3em auto;padding:0 1.25em}
  a{color:inherit}small,code{color:var(--soft)}code{font-family:${FONTS.mono}}
  @media print{body{margin:0;max-width:none;padding:0}}`

/**
 * Returns an HTML document. Escapes the title. `body` must come from `html`, which escapes every value.
 *
 * Trap: `style` is inserted as it is. It must never contain a value from a request or a setting.
 */
export function htmlDocument(title: string, style: string, body: unknown): string {
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>${title}</title>
${raw(`<style>${PALETTE}${style}</style>`)}
${body}
</html>`.toString()
}
