/** docs/storage.md names every table and every column that the code and the migrations create. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { sources, tracked } from './sources.ts'

const CREATE = /CREATE TABLE(?: IF NOT EXISTS)? (\w+) \(([\s\S]*?)\)\s*(?:STRICT|,\s*WITHOUT)/g
const ADD = /ALTER TABLE (\w+) ADD COLUMN (\w+)/g
const RENAME = /ALTER TABLE (\w+) RENAME TO (\w+)/g
const COLUMN = /(?:^|[,(]|\$\{AMOUNT\(')\s*(?!CHECK|PRIMARY|UNIQUE)(\w+)(?:'\)\}| (?:TEXT|INTEGER))/gm

/** Tables of some files, and their columns. */
function tablesOf(files: string[]): Map<string, Set<string>> {
  const tables = new Map<string, Set<string>>()
  const columnsOf = (table: string) => {
    const columns = tables.get(table) ?? new Set()
    tables.set(table, columns)
    return columns
  }
  for (const file of files) {
    const text = readFileSync(file, 'utf8')
    for (const [, table = '', body = ''] of text.matchAll(CREATE))
      for (const [, column = ''] of body.matchAll(COLUMN)) columnsOf(table).add(column)
    for (const [, table = '', column = ''] of text.matchAll(ADD)) columnsOf(table).add(column)
    for (const [, from = '', to = ''] of text.matchAll(RENAME)) {
      tables.set(to, columnsOf(from))
      tables.delete(from)
    }
  }
  return tables
}

/** The parts of the document that speak of a table: the sections and rows that name it. */
function textOn(document: string, table: string): string {
  const sections = document.split(/^(?=#{2,3} )/m)
  const titled = sections.filter((section) => section.startsWith(`### \`${table}\``))
  const rows = document.split('\n').filter((line) => line.startsWith(`| \`${table}\` |`))
  return [...titled, ...rows].join('\n')
}

describe('docs/storage.md', () => {
  const document = readFileSync('docs/storage.md', 'utf8')
  const code = sources('src').filter((file) => !file.startsWith('src/testing/'))
  const tables = tablesOf([...code, ...tracked('migrations')])

  it('is compared with every table in the code', () => {
    expect([...tables.keys()].toSorted()).toEqual([
      'account',
      'act',
      'agent',
      'alert',
      'answer',
      'attempt',
      'authorization',
      'challenge_key',
      'change',
      'code',
      'copied',
      'entry',
      'figure',
      'figure_cursor',
      'figure_day',
      'figure_name',
      'figure_path',
      'figure_summed',
      'free_page',
      'host',
      'host_check',
      'invitation',
      'invoice',
      'key',
      'keyed',
      'line',
      'loss',
      'member',
      'nonces',
      'number',
      'opened',
      'passkey',
      'payer',
      'placed',
      'publication',
      'publisher',
      'rail_mark',
      'receipt',
      'run',
      'screening',
      'session',
      'shadow',
      'site',
      'spent',
      'spent_challenge',
      'standing',
      'statement',
      'token',
      'total',
      'traffic',
      'version',
      'volume',
      'watch',
      'webhook',
    ])
  })

  it('names each column of each table', () => {
    const missing = [...tables].flatMap(([table, columns]) => {
      const text = textOn(document, table)
      return [...columns]
        .filter((column) => !text.includes(`\`${column}\``))
        .map((column) => `${table}.${column}`)
    })
    expect(missing).toEqual([])
  })

  it('has a section for each Durable Object', () => {
    const config = readFileSync('wrangler.toml', 'utf8')
    const classes = [...config.matchAll(/class_name = "(\w+)"/g)].flatMap(([, name = '']) => name)
    expect(classes.length).toBeGreaterThan(6)
    const objects = classes.filter((name) => name !== 'Settlement')
    expect(objects.filter((name) => !document.includes(`\n## ${name}\n`))).toEqual([])
  })
})
