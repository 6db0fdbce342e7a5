/** The bodies of the ledger's entries: JSON documents whose amounts are decimal strings. */
import { readJson, writeJson } from '../platform/json.ts'

/** The keys of a document that hold amounts. */
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

/** Writes a document as the body of an entry. */
export function writeBody(document: object): string {
  return writeJson(document)
}

/** Reads a document that {@link writeBody} wrote. */
export function readBody<Document>(body: string): Document {
  return readJson(body, AMOUNTS)
}
