/** Building blocks for schemas: parsed text, lists that may be JSON, known keys. */
import * as v from 'valibot'

/**
 * Text that `reader` parses. The reader returns the value, a message that begins with "must", or null for the general
 * sentence of the setting.
 */
export function readWith<Value>(reader: (text: string) => { value: Value } | string | null) {
  return v.pipe(
    v.string(),
    v.rawTransform<string, Value>(({ dataset, addIssue, NEVER }) => {
      const result = reader(dataset.value)
      if (result !== null && typeof result !== 'string') return result.value
      addIssue({ message: result ?? 'invalid' })
      return NEVER
    }),
  )
}

/** A list of at least one item, or one item alone; also as JSON, because `wrangler --var` passes text only. */
export function list<Item extends v.GenericSchema>(item: Item) {
  return v.pipe(
    v.unknown(),
    v.transform((value) => (typeof value === 'string' && !isJson(value) ? [value] : unpack(value))),
    v.array(item),
    v.minLength(1, 'must have at least one item'),
  )
}

/** The value of JSON text. Other values stay as they are, and the next schema rejects them. */
export function unpack(value: unknown): unknown {
  if (typeof value !== 'string' || !isJson(value)) return value
  try {
    return JSON.parse(value)
  } catch (cause) {
    if (cause instanceof SyntaxError) return value
    throw cause
  }
}

/** Rejects every other key. valibot's `strictObject` stops at the first one. */
export function onlyKeys<Shape extends Record<string, unknown>>(keys: readonly string[]) {
  return v.rawCheck<Shape>(({ dataset, addIssue }) => {
    const input: unknown = dataset.value
    if (!isTable(input)) return
    for (const [key, value] of Object.entries(input)) {
      if (keys.includes(key)) continue
      const message = `must be removed or renamed to one of ${keys.join(', ')}`
      addIssue({ message, path: [{ type: 'object', origin: 'key', input, key, value }] })
    }
  })
}

/** Whether a value is an object or a list. */
export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isJson(text: string): boolean {
  return /^\s*[[{]/.test(text)
}
