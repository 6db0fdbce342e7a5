/** Documents of sites and publishers in files: JSON or TOML, one or many in a file. */
import { readFile } from 'node:fs/promises'
import { parse as parseToml, TomlError } from 'smol-toml'
import type { ConfigProblem } from '../../platform/problem.ts'
import { parsePublisher, parseSite } from '../../sites/document.ts'
import { UsageError } from '../command.ts'
import type { Fault } from './api.ts'

/** The kinds of documents, by the names of their routes. Publishers come first: sites name them. */
export const KINDS = ['publishers', 'sites'] as const
/** A kind of document. */
type DocumentKind = (typeof KINDS)[number]

/** One document with its place in a file. */
export type Filed = { file: string; kind: DocumentKind; id: string; document: Record<string, unknown> }

/** A fault with the file and the document that it is in. */
export type FiledFault = Fault & { file: string; id: string }

const TABLE: FiledFault = {
  file: '',
  id: '',
  path: '',
  message: 'must be a document of a site or a publisher, or a table with `sites` and `publishers`',
  expected: 'id = "example-news", hosts = ["news.example.com"]',
}

/**
 * Reads files. A file is one document, a list of them, or a table with the lists `publishers` and `sites`. A document with
 * `hosts` is a site.
 * @throws UsageError if a file cannot be read
 */
export async function readDocuments(
  files: readonly string[],
): Promise<{ documents: Filed[]; faults: FiledFault[] }> {
  const read = await Promise.all(files.map(async (file) => documentsIn(file, await textOf(file))))
  const documents = read.flatMap((each) => each.documents)
  return { documents, faults: [...read.flatMap(({ faults }) => faults), ...repeated(documents)] }
}

/** The documents in the text of a file, in the shape that the registry stores, and their faults. */
function documentsIn(file: string, text: string): { documents: Filed[]; faults: FiledFault[] } {
  const parsed = parsedOf(file, text)
  if ('fault' in parsed) return { documents: [], faults: [parsed.fault] }
  const documents: Filed[] = []
  const faults: FiledFault[] = []
  for (const { kind, value, place } of listed(parsed.value)) {
    if (!isTable(value)) {
      faults.push({ ...TABLE, file, path: place })
      continue
    }
    const id = typeof value.id === 'string' ? value.id : place
    const read = (kind === 'sites' ? parseSite : parsePublisher)(value)
    if (read.ok) documents.push({ file, kind, id, document: { ...read.value } })
    else faults.push(...read.problems.map((problem) => ({ ...faultOf(problem), file, id })))
  }
  return { documents, faults }
}

/** A problem of a document as the API shows it. */
function faultOf({ place, message, example = '' }: ConfigProblem): Fault {
  return { path: place, message, expected: example }
}

function listed(value: unknown): { kind: DocumentKind; value: unknown; place: string }[] {
  const one = (value: unknown, place: string) => {
    const kind: DocumentKind = isTable(value) && !('hosts' in value) ? 'publishers' : 'sites'
    return { kind, value, place }
  }
  if (Array.isArray(value)) return value.map((each, at) => one(each, `[${at}]`))
  if (!isTable(value) || !KINDS.some((kind) => Array.isArray(value[kind]))) return [one(value, '')]
  const unknown = Object.keys(value).filter((name) => !KINDS.some((kind) => kind === name))
  return [
    ...KINDS.flatMap((kind) =>
      ((value[kind] ?? []) as unknown[]).map((each, at) => ({ kind, value: each, place: `${kind}[${at}]` })),
    ),
    ...unknown.map((place) => ({ kind: 'sites' as const, value: null, place })),
  ]
}

/** One id in two places would be written twice, and the last would win. */
function repeated(documents: readonly Filed[]): FiledFault[] {
  const seen = new Set<string>()
  return documents.flatMap(({ file, kind, id }) => {
    const key = `${kind}/${id}`
    if (seen.has(key))
      return [{ file, id, path: 'id', message: 'must be in one place only', expected: 'another id' }]
    seen.add(key)
    return []
  })
}

/** No part of a fault repeats a line: it may hold a secret. */
function parsedOf(file: string, text: string): { value: unknown } | { fault: FiledFault } {
  const at = { file, id: '', path: '' }
  try {
    return { value: /\.json$/i.test(file) ? JSON.parse(text) : parseToml(text) }
  } catch (cause) {
    if (cause instanceof TomlError) {
      const { line, column } = cause
      return { fault: { ...at, message: `must be valid TOML at ${line}:${column}`, expected: '' } }
    }
    if (cause instanceof SyntaxError) return { fault: { ...at, message: 'must be valid JSON', expected: '' } }
    throw cause
  }
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && /^E(?:NOENT|ISDIR|ACCES)$/.test(String(cause.code)))
      throw new UsageError(`${file} must be a file that can be read.`)
    throw cause
  }
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
