/** Arbitrary text near good text: edits, repeats, splices, and characters that parsers trip over. */
import fc from 'fast-check'

/** A change of a text. */
export type Edit = (text: string) => string

/** The longest repeat, in characters: more than the platform lets through. */
const MAX_REPEAT = 140_000

/** Pieces that end, open or continue something in one of the grammars: fields, JSON, base64, URLs. */
const PIECES = [
  ...'"\'\\;,=:()?%@*-_.~/#&<>[]{}|^`+ \t',
  ...[
    '""',
    '\\"',
    '%00',
    '%2e',
    '%2F',
    '%c0%ae',
    '%',
    '..',
    '//',
    '=:',
    ':=',
    '?1',
    '1e999',
    '-0',
    '00',
    '{}',
  ],
  ...[
    'null',
    '__proto__',
    'constructor',
    'toString',
    'é',
    'ſ',
    '\u0130',
    '\ufeff',
    '\u202e',
    '\ud800',
    '💸',
    '\x7f',
    '\x80',
    '\xff',
    '\x01',
    '\x1b[31m',
  ],
]

const piece = fc.oneof(
  { arbitrary: fc.constantFrom(...PIECES), weight: 6 },
  { arbitrary: fc.string({ unit: 'binary', maxLength: 4 }), weight: 2 },
  { arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 8 }), weight: 2 },
)

const replaced: fc.Arbitrary<Edit> = fc
  .tuple(fc.nat(), fc.nat(4), piece)
  .map(([place, length, text]) => (good) => {
    const at = place % (good.length + 1)
    return good.slice(0, at) + text + good.slice(at + length)
  })

const cut: fc.Arbitrary<Edit> = fc.tuple(fc.nat(), fc.nat()).map(
  ([from, to]) =>
    (good) =>
      good.slice(from % (good.length + 1), to % (good.length + 1)),
)

/** Repeats a part of the text, or a piece, within the text. */
const repeated: fc.Arbitrary<Edit> = fc
  .tuple(
    fc.nat(),
    fc.nat(40),
    fc.option(piece, { freq: 2 }),
    fc.constantFrom(2, 10, 100, 1_000, 10_000, 40_000),
  )
  .map(([place, length, text, times]) => (good) => {
    const at = place % (good.length + 1)
    const part = text ?? good.slice(at, at + length)
    return (
      good.slice(0, at) +
      part.repeat(Math.min(times, Math.ceil(MAX_REPEAT / (part.length || 1)))) +
      good.slice(at)
    )
  })

/** One to four edits. Long repeats are rarer, so that most inputs are quick to make. */
export const edits: fc.Arbitrary<Edit> = fc
  .array(
    fc.oneof(
      { arbitrary: replaced, weight: 12 },
      { arbitrary: cut, weight: 2 },
      { arbitrary: repeated, weight: 1 },
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((all) => (good) => all.reduce((text, edit) => edit(text), good).slice(0, MAX_REPEAT))

/** Text of pieces in any order. */
export const pieces = fc.array(piece, { maxLength: 30 }).map((all) => all.join(''))

/** One of the good texts with edits, or a good one as it is, or pieces. */
export function near(good: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    { arbitrary: fc.tuple(fc.constantFrom(...good), edits).map(([text, edit]) => edit(text)), weight: 8 },
    { arbitrary: pieces, weight: 2 },
    { arbitrary: fc.constantFrom(...good), weight: 1 },
  )
}

/** A text as the value of a field: its UTF-8 bytes, as the wire has them, without those that end a field. */
export function fieldOf(text: string): string {
  return Buffer.from(text, 'utf8')
    .toString('latin1')
    .replace(/[\0\r\n]/g, ' ')
}
