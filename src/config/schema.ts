/** The pieces that schemas of terms and settings are made of: texts that are read, lists that may be JSON, known keys. */
import * as v from 'valibot'
import { parseUsd } from '../protocol/amount.ts'
import { UNKNOWN_TERM } from './problem.ts'

/** A text and how it is read. A reader that answers a text has found a fault, and that is what it is. */
export function readWith<Value>(reader: (text: string) => { value: Value } | string) {
  return v.pipe(
    v.string('is not a quoted text'),
    v.rawTransform<string, Value>(({ dataset, addIssue, NEVER }) => {
      const result = reader(dataset.value)
      if (typeof result !== 'string') return result.value
      addIssue({ message: result })
      return NEVER
    }),
  )
}

/** A list of at least one item, or one item alone; also written as JSON, since `wrangler --var` gives texts only. */
export function list<Item extends v.GenericSchema>(item: Item) {
  return v.pipe(
    v.unknown(),
    v.transform((value) => (typeof value === 'string' && !isJson(value) ? [value] : unpack(value))),
    v.array(item, 'is not a list'),
    v.minLength(1, 'is an empty list'),
  )
}

/** The value of a JSON text; what is no JSON text stays as it is, for the next schema to refuse. */
export function unpack(value: unknown): unknown {
  if (typeof value !== 'string' || !isJson(value)) return value
  try {
    return JSON.parse(value)
  } catch (cause) {
    if (cause instanceof SyntaxError) return value
    throw cause
  }
}

/** Refuses every other key. valibot's `strictObject` stops at the first of them. */
export function onlyKeys<Shape extends Record<string, unknown>>(keys: readonly string[]) {
  return v.rawCheck<Shape>(({ dataset, addIssue }) => {
    const input: unknown = dataset.value
    if (!isTable(input)) return
    for (const [key, value] of Object.entries(input)) {
      if (keys.includes(key)) continue
      addIssue({ message: UNKNOWN_TERM, path: [{ type: 'object', origin: 'key', input, key, value }] })
    }
  })
}

/** USD above zero, in atomic units. */
export const usd = readWith((text) => {
  const amount = parseUsd(text)
  if (amount === undefined) return 'is no amount of USD'
  return amount > 0n ? { value: amount } : 'is zero'
})

export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isJson(text: string): boolean {
  return /^\s*[[{]/.test(text)
}
