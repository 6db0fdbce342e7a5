/** Payment headers to JSON and back: base64 of UTF-8, refusing what two readers could read in two ways. */
import { accept, type Result, refuse } from '../refusal.ts'

const MOST_CHARACTERS = 8192
const DEEPEST = 8

/** A byte order mark is no JSON: kept, so that `JSON.parse` refuses it. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/**
 * The JSON of a payment header. Refuses more than 8 KB before anything is decoded, base64 that is not standard, padded
 * and canonical, bytes that are not UTF-8, nesting beyond 8, a key written twice, and `__proto__`.
 */
export function decodeHeader(text: string): Result<unknown> {
  if (text.length > MOST_CHARACTERS) return refuse('header_too_large')
  let json: string
  let value: unknown
  try {
    const binary = atob(text)
    // atob takes spaces, missing padding and stray tail bits; only the canonical spelling comes back the same.
    if (binary === '' || btoa(binary) !== text) return refuse('malformed_payment', { detail: 'base64' })
    json = isAscii(binary) ? binary : utf8.decode(bytesOf(binary))
    value = JSON.parse(json)
  } catch (cause) {
    return refuse('malformed_payment', { detail: cause instanceof Error ? cause.name : 'unreadable' })
  }
  if (countKeys(value, 1) !== countColons(json)) {
    return refuse('malformed_payment', { detail: 'nested too deep, __proto__, or a key written twice' })
  }
  return accept(value)
}

/** A value as a header: standard base64 of its JSON in UTF-8. */
export function encodeHeader(value: unknown): string {
  return encodeText(JSON.stringify(value))
}

/** JSON that is written already, as a header. */
export function encodeText(json: string): string {
  return btoa(isAscii(json) ? json : binaryOf(encoder.encode(json)))
}

/** Whether a text is its own UTF-8. */
export function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text)
}

function bytesOf(binary: string): Uint8Array {
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}

function binaryOf(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return binary
}

/**
 * How many keys all objects within have; NaN, which equals nothing, when nested too deep or when one is `__proto__`.
 * A key written twice vanishes when parsed, so that the text has more colons than the value has keys.
 */
function countKeys(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null) return 0
  if (depth > DEEPEST) return Number.NaN
  let count = 0
  const members = value as Record<string, unknown>
  for (const key of Object.keys(members)) {
    if (key === '__proto__') return Number.NaN
    count += 1 + countKeys(members[key], depth + 1)
  }
  return Array.isArray(value) ? count - value.length : count
}

/** Colons outside of strings. The text is known to be JSON: a backslash stands only in a string. */
function countColons(json: string): number {
  let colons = 0
  let quoted = false
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i)
    if (code === 0x22) quoted = !quoted
    else if (code === 0x5c) i++
    else if (code === 0x3a && !quoted) colons++
  }
  return colons
}
