/** Payments with one thing wrong: a member of the JSON, its text, or its base64. */
import fc from 'fast-check'
import { foreignJson } from '../foreign.ts'
import { type Edit, edits, near } from './text.ts'

/** Amounts, addresses and signatures that have a second reading, or none. */
const HOSTILE = [
  ...[
    '',
    '0',
    '-1',
    '01',
    '1e3',
    '0x10',
    ' 5',
    '5.0',
    'NaN',
    `${2n ** 128n}`,
    `${2n ** 256n}`,
    '9'.repeat(4_000),
  ],
  ...[
    `0x${'0'.repeat(40)}`,
    `0x${'F'.repeat(40)}`,
    `0x${'0'.repeat(130)}`,
    `0x${'f'.repeat(64)}`,
    '0x',
    '0X00',
  ],
  ...[
    'exact',
    'batch-settlement',
    'voucher',
    'deposit',
    'refund',
    'eip155:1',
    'eip155:84532',
    'base-sepolia',
  ],
  ...[0, -1, 1, 2, 1.5, 1e300, true, false, null],
]

type Path = (string | number)[]

/** Where a value can be changed: each member of each object and array within. */
function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path]
  const members = Object.entries(value).flatMap(([key, member]) => pathsOf(member, [...path, key]))
  return [path, ...members]
}

/** The value with what stands at the path changed; a change to undefined removes it. */
function changed(value: unknown, [key, ...rest]: Path, change: (value: unknown) => unknown): unknown {
  if (key === undefined) return change(value)
  const copy: Record<string, unknown> = Array.isArray(value) ? { ...value } : { ...(value as object) }
  copy[key] = changed(copy[key], rest, change)
  return Array.isArray(value) ? Object.values(copy) : copy
}

const member = foreignJson(['payload', 'accepted', 'extra', 'type', 'amount', '__proto__'], HOSTILE)

/** A change of one value of the JSON. */
const alteration: fc.Arbitrary<(value: unknown) => unknown> = fc.oneof(
  fc.constantFrom(...HOSTILE).map((other) => () => other),
  member.map((other) => () => other),
  fc.constant(() => undefined),
  fc.constant((value: unknown) => (typeof value === 'string' ? value.toUpperCase() : value)),
  fc.constant((value: unknown) => [value]),
  fc.constant((value: unknown) => ({ value })),
  fc.nat(200).map((depth) => (value: unknown) => {
    let nested = value
    for (let at = 0; at < depth; at++) nested = at % 2 === 0 ? [nested] : { nested }
    return nested
  }),
  edits.map((edit) => (value: unknown) => (typeof value === 'string' ? edit(value) : value)),
  fc.constant((value: unknown) =>
    typeof value === 'object' ? { ...value, __more: 1, more: value } : `${value}`,
  ),
)

/** How JSON is written: mostly as it is. */
const writing: fc.Arbitrary<Edit> = fc.oneof(
  { arbitrary: fc.constant((json: string) => json), weight: 8 },
  {
    arbitrary: fc.constantFrom<Edit>(
      (json) => json.replace('{', '{ '),
      (json) => json.replace('{', '{"x402Version":2,'),
    ),
    weight: 1,
  },
  { arbitrary: edits, weight: 2 },
)

/** How the text becomes a header: mostly standard base64. */
const encoding: fc.Arbitrary<Edit> = fc.oneof(
  { arbitrary: fc.constant((json: string) => Buffer.from(json).toString('base64')), weight: 10 },
  {
    arbitrary: fc.constantFrom<Edit>(
      (json) => Buffer.from(json).toString('base64url'),
      (json) => Buffer.from(json).toString('base64').replace(/=+$/, ''),
      (json) => ` ${Buffer.from(json).toString('base64')}`,
      (json) => Buffer.from(json, 'utf16le').toString('base64'),
      (json) => Buffer.from(json, 'latin1').toString('base64'),
      (json) => json,
    ),
    weight: 1,
  },
)

/** Payment headers near the good ones. */
export function nearPayments(good: readonly string[]): fc.Arbitrary<string> {
  const values = good.map((header) => JSON.parse(Buffer.from(header, 'base64').toString()) as unknown)
  const places = values.flatMap((value) => pathsOf(value).map((path) => ({ value, path })))
  const altered = fc
    .tuple(fc.constantFrom(...places), alteration, writing, encoding)
    .map(([{ value, path }, change, write, encode]) =>
      encode(write(JSON.stringify(changed(value, path, change)) ?? '')),
    )
  return fc.oneof({ arbitrary: altered, weight: 8 }, { arbitrary: near(good), weight: 2 })
}
