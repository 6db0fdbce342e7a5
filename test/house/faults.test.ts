/** docs/faults.md and the tests agree: each row names tests that cite it, and each code cited anywhere is a row. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { tracked } from './sources.ts'

type Row = { id: string; cells: string[]; tests: string[] }

const TABLE = 'docs/faults.md'
/** Rows, with `I` for the invariants. */
const COUNTS = { A: 14, B: 10, C: 13, D: 16, E: 15, F: 20, G: 6, H: 5, I: 14 }

const CODE = String.raw`[A-I]\d{1,2}`
/** `[A5, A6]`, as titles and comments cite rows. */
const IN_BRACKETS = new RegExp(String.raw`\[(${CODE}(?:, ${CODE})*)\]`, 'g')
/** `(faults: H1)`, `(C12)`: other forms that comments have used. */
const IN_PARENTHESES = new RegExp(String.raw`\((?:[^()\n]*[ ,])?(${CODE}(?:, ${CODE})*)\)`, 'g')

function read(file: string): string {
  return readFileSync(file, 'utf8')
}

/** The rows that a text cites. */
function cited(text: string, form: RegExp): string[] {
  return [...text.matchAll(form)].flatMap(([, list = '']) => list.split(', '))
}

/** Rows of the table: `| id | fault | what must happen | tests |`. */
function rowsOf(table: string): Row[] {
  return table
    .split('\n')
    .filter((line) => new RegExp(`^\\| ${CODE} \\| .* \\|$`).test(line))
    .map((line) => line.slice(2, -2).split(' | '))
    .filter((cells) => cells.length > 2)
    .map(([id = '', ...cells]) => ({
      id,
      cells,
      tests: [...(cells.at(-1) ?? '').matchAll(/`([^`]+)`/g)].map(([, test]) => `test/${test}.test.ts`),
    }))
}

const rows = rowsOf(read(TABLE))
const openRows = rows.filter(({ cells }) => cells.at(-1)?.startsWith('open: '))
const testedRows = rows.filter((row) => !openRows.includes(row))
const files = tracked('src', 'test', 'bench', 'docs', 'examples', 'wrangler.toml').filter(
  (file) => /\.(?:ts|sol|md|toml)$/.test(file) && file !== TABLE && !file.startsWith('examples/site/'),
)
/** Each test file, and the rows that it cites. */
const citations = new Map(
  files
    .filter((file) => file.endsWith('.test.ts') && file !== 'test/house/faults.test.ts')
    .map((file) => [file, new Set(cited(read(file), IN_BRACKETS))]),
)

function testsOf(id: string): string[] {
  return [...citations].filter(([, ids]) => ids.has(id)).map(([file]) => file)
}

describe('docs/faults.md', () => {
  it('has each row of the matrix once, in order', () => {
    const expected = Object.entries(COUNTS).flatMap(([letter, count]) =>
      Array.from({ length: count }, (_, at) => `${letter}${at + 1}`),
    )
    expect(rows.map(({ id }) => id)).toEqual(expected)
  })

  it('states for each row a fault, an answer, and tests or a reason', () => {
    const incomplete = rows.filter(({ cells: [fault, answer, tests, ...more] }) => {
      return !fault || !answer || !tests || tests === 'open: ' || more.length > 0
    })
    expect(incomplete).toEqual([])
    expect(testedRows.filter(({ tests }) => tests.length === 0)).toEqual([])
  })

  it('names only test files that cite the row', () => {
    const wrong = testedRows.flatMap(({ id, tests }) =>
      tests.filter((test) => !citations.get(test)?.has(id)).map((test) => `${id}: ${test}`),
    )
    expect(wrong).toEqual([])
  })

  it('says open for no row that a test cites', () => {
    const stale = openRows.flatMap(({ id }) => testsOf(id).map((test) => `${id}: ${test}`))
    expect(stale).toEqual([])
  })

  it('lists under "Covered in part" only rows that have tests', () => {
    const [, part = ''] = read(TABLE).split('## Covered in part')
    const ids = [...part.matchAll(/^\| ([A-I]\d[^|]*) \|/gm)].flatMap(([, list = '']) => list.split(', '))
    expect(ids.length).toBeGreaterThan(0)
    expect(ids.filter((id) => !testedRows.some((row) => row.id === id))).toEqual([])
  })
})

describe('a citation', () => {
  it('is a row of docs/faults.md', () => {
    const known = new Set(rows.map(({ id }) => id))
    const unknown = files.flatMap((file) => {
      const text = read(file)
      return [...cited(text, IN_BRACKETS), ...cited(text, IN_PARENTHESES)]
        .filter((id) => !known.has(id))
        .map((id) => `${file}: ${id}`)
    })
    expect(unknown).toEqual([])
  })

  it('is found in titles, in comments, and in lists', () => {
    expect(cited("it('charges once [A3, A11]'", IN_BRACKETS)).toEqual(['A3', 'A11'])
    expect(cited('holds no rows (faults: H1), nor', IN_PARENTHESES)).toEqual(['H1'])
    expect(cited('%C3%A9 row[0] [a-f0-9] Base64', IN_BRACKETS)).toEqual([])
  })
})
