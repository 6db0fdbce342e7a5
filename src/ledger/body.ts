/** The bodies of journal entries: JSON documents with amounts as decimal strings. */
import { readJson, writeJson } from '../platform/json.ts'

/**
 * The keys whose values are amounts. Trap: an amount under a key not listed here is read back as a string.
 */
const AMOUNTS: ReadonlySet<string> = new Set([
  'amount',
  'carriedIn',
  'carriedOut',
  'charged',
  'credited',
  'creditedNet',
  'limit',
  'net',
  'open',
  'paid',
  'probation',
  'released',
  'total',
  'vat',
])

/** Writes a document as the body of an entry, its bigints as decimal strings. */
export function writeBody(document: object): string {
  return writeJson(document)
}

/**
 * Reads a document that {@link writeBody} wrote. The shape is not checked.
 * @throws SyntaxError for malformed JSON
 */
export function readBody<Document>(body: string): Document {
  return readJson(body, AMOUNTS)
}
