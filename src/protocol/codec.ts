/** Payment headers to JSON and back: base64 of UTF-8, read strictly enough that one meaning has one spelling. */
import { accept, type Result, refuse } from './refusal.ts'

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
  // A key written twice vanishes when parsed, so that the text has more colons than the value has keys.
  const keys = countKeys(value, 1)
  if (keys === undefined) return refuse('malformed_payment', { detail: 'depth or __proto__' })
  if (keys !== countColons(json)) return refuse('malformed_payment', { detail: 'key written twice' })
  return accept(value)
}

/** A value as a header: standard base64 of its JSON in UTF-8. */
export function encodeHeader(value: unknown): string {
  const json = JSON.stringify(value)
  return btoa(isAscii(json) ? json : binaryOf(encoder.encode(json)))
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false
  return true
}

function bytesOf(binary: string): Uint8Array {
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}

function binaryOf(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return binary
}

/** Keys of all objects within; `undefined` when nested too deep or when one is `__proto__`. */
function countKeys(value: unknown, depth: number): number | undefined {
  if (typeof value !== 'object' || value === null) return 0
  if (depth > DEEPEST) return undefined
  let count = 0
  for (const [key, member] of Object.entries(value)) {
    if (key === '__proto__') return undefined
    const within = countKeys(member, depth + 1)
    if (within === undefined) return undefined
    count += within + 1
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
