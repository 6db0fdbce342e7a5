/** The design tokens of the console: those of every page, and what tables, charts and controls need beyond them. */
import { COLOURS, type Colour, FONTS } from '../platform/tokens.ts'

const CONSOLE_COLOURS = {
  ...COLOURS,
  /** Raised paper: fields and boxes. */
  leaf: ['#fffefb', '#211f1c'],
  /** Hover, and code. */
  wash: ['#f1ede3', '#2a2723'],
  /** Borders of controls: 3.8 to 1 on paper, in the dark 4.2. */
  edge: ['#857f70', '#827b6d'],
  link: ['#234b7a', '#a3c3e8'],
  bad: ['#a1261a', '#f29b91'],
  warn: ['#7a5000', '#e3b966'],
  good: ['#2a6340', '#8fcaa0'],
  s1: ['#2f4d73', '#7fa3d1'],
  s2: ['#b27a24', '#d9a44e'],
  s3: ['#557a55', '#86b487'],
  s4: ['#a3472f', '#d97f65'],
  s5: ['#71507d', '#b08fbd'],
  s6: ['#3b8088', '#69b3bb'],
  s7: ['#8b8679', '#8a8477'],
} as const satisfies Record<string, Colour>

const TOKENS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.entries(CONSOLE_COLOURS).map(([name, [light, dark]]) => [name, `light-dark(${light}, ${dark})`]),
  ),
  hair: '1px solid var(--rule)',
  line: '1px solid var(--ink)',
  double: '3px double var(--ink)',
  box: '1px solid var(--edge)',
  ...FONTS,
  sans: 'Inter,system-ui,sans-serif',
  // Type: axes and badges, notes, tables and controls, text, sections, pages and large figures.
  ...{ f0: '.75rem', f1: '.8125rem', f2: '.875rem', f3: '.9375rem', f4: '1.1875rem', f5: '1.75rem' },
  // Space.
  ...{ g1: '.25rem', g2: '.5rem', g3: '.75rem', g4: '1rem', g5: '1.5rem', g6: '2.5rem' },
}

/** The block of the stylesheet that states them. */
export function tokenSheet(): string {
  const lines = Object.entries(TOKENS).map(([name, value]) => `  --${name}: ${value};`)
  return `:root {\n  color-scheme: light dark;\n${lines.join('\n')}\n}\n`
}
