/** The words in which the API's shapes are written: small JSON Schemas (2020-12). */

/** A JSON Schema, or another object of the OpenAPI document. */
export type Schema = { readonly [keyword: string]: unknown }

/** Any text. */
export const text: Schema = { type: 'string' }
/** True or false. */
export const flag: Schema = { type: 'boolean' }
/** A whole number of 0 or more. */
export const count: Schema = { type: 'integer', minimum: 0 }
/** Null. */
export const none: Schema = { type: 'null' }
/** Bytes in hex. */
export const hex: Schema = { type: 'string', pattern: '^0x[0-9a-f]*$' }
/** A calendar day in UTC. */
export const day: Schema = { type: 'string', pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' }
/** A time in RFC 3339. */
export const moment: Schema = { type: 'string', format: 'date-time' }
/** A time in Unix milliseconds. */
export const time: Schema = { type: 'integer', minimum: 0, description: 'Unix milliseconds' }
/** An amount of 0 or more, as text. */
export const amount: Schema = {
  type: 'string',
  pattern: '^(0|[1-9][0-9]{0,38})$',
  description: 'Micro-dollars, or atomic units of USDC, which are the same',
}
/** An amount that may be negative, as text. */
export const signedAmount: Schema = { ...amount, pattern: '^(0|-?[1-9][0-9]{0,38})$' }
/** A text of 1 to `maxLength` characters. */
export const line = (maxLength: number): Schema => ({ type: 'string', minLength: 1, maxLength })
/** One of these words. */
export const word = (...words: string[]): Schema => ({ enum: words })
/** A list of such items. */
export const listOf = (items: Schema): Schema => ({ type: 'array', items })
/** This, or null. */
export const orNull = (schema: Schema): Schema => ({ anyOf: [schema, none] })
/** One of these shapes. */
export const either = (...shapes: Schema[]): Schema => ({ anyOf: shapes })

/** An object with exactly these members. All are required, except those in `optional`. */
export function table(properties: Record<string, Schema>, ...optional: string[]): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name))
  return { type: 'object', properties, required, additionalProperties: false }
}

/** A page of a list. `next` is the cursor of the following page. */
export const pageOf = (name: string, items: Schema, next: Schema): Schema =>
  table({ [name]: listOf(items), next: orNull(next) })
/** A list of property names. */
export const all = (...properties: string[]) => properties
