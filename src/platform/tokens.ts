/**
 * The design of every page of ours: the colours and the type that the 402 page, the papers of billing, the payers' pages and the
 * console share. `src/console/public/console.css` states them once more for the browser; a test holds both equal.
 */

/** A colour in the light scheme and in the dark one. */
export type Colour = readonly [light: string, dark: string]

/** On paper, ink has 15.9 to 1 and soft 6.1; in the dark 14.2 and 7.2. `rule` is for lines alone. */
export const COLOURS = {
  paper: ['#faf8f3', '#191816'],
  ink: ['#1d1d1b', '#eae6dc'],
  soft: ['#625e55', '#aca596'],
  rule: ['#ddd8cb', '#3b3731'],
} as const satisfies Record<string, Colour>

/** Headings and papers in a serif; amounts are never set in it, since its digits are old-style. */
export const FONTS = {
  serif: 'Georgia,Gelasio,serif',
  mono: 'ui-monospace,Consolas,monospace',
} as const

/** Custom properties of one scheme: `--ink:#1d1d1b;…`. */
export function properties(colours: Readonly<Record<string, Colour>>, scheme: 0 | 1): string {
  return Object.entries(colours)
    .map(([name, colour]) => `--${name}:${colour[scheme]}`)
    .join(';')
}
