/** Validates a value against the part of JSON Schema that the OpenAPI document uses. Reports unknown keywords as faults. */
import type { Schema } from '../../src/operator/json-schema.ts'

type Table = Record<string, unknown>

const IGNORED = new Set(['description', 'format', '$ref', 'default'])

/** Returns the faults with their paths, or an empty list. */
export function faultsOf(value: unknown, schema: Schema, defs: Record<string, Schema>, at = '$'): string[] {
  const name = typeof schema.$ref === 'string' ? schema.$ref.split('/').at(-1) : undefined
  if (name !== undefined) {
    const named = defs[name]
    return named ? faultsOf(value, named, defs, at) : [`${at}: schema ${name} must exist`]
  }
  return Object.entries(schema).flatMap(([keyword, wanted]) => {
    const check = CHECKS[keyword]
    if (check) return check({ value, wanted, schema, defs, at })
    return IGNORED.has(keyword) ? [] : [`${at}: unknown keyword ${keyword}`]
  })
}

type Case = { value: unknown; wanted: unknown; schema: Schema; defs: Record<string, Schema>; at: string }

const CHECKS: Record<string, (asked: Case) => string[]> = {
  type: ({ value, wanted, at }) =>
    typeOf(value).includes(String(wanted)) ? [] : [`${at}: must be ${wanted}`],
  enum: ({ value, wanted, at }) => ((wanted as unknown[]).includes(value) ? [] : [`${at}: ${value}`]),
  pattern: ({ value, wanted, at }) =>
    typeof value !== 'string' || new RegExp(String(wanted), 'u').test(value) ? [] : [`${at}: ${value}`],
  minimum: ({ value, wanted, at }) =>
    typeof value !== 'number' || value >= (wanted as number) ? [] : [`${at}: ${value}`],
  maximum: ({ value, wanted, at }) =>
    typeof value !== 'number' || value <= (wanted as number) ? [] : [`${at}: ${value}`],
  minItems: ({ value, wanted, at }) =>
    !Array.isArray(value) || value.length >= (wanted as number) ? [] : [`${at}: too few`],
  maxItems: ({ value, wanted, at }) =>
    !Array.isArray(value) || value.length <= (wanted as number) ? [] : [`${at}: too many`],
  minLength: ({ value, wanted, at }) =>
    typeof value !== 'string' || value.length >= (wanted as number) ? [] : [`${at}: too short`],
  maxLength: ({ value, wanted, at }) =>
    typeof value !== 'string' || value.length <= (wanted as number) ? [] : [`${at}: too long`],
  anyOf: ({ value, wanted, defs, at }) => {
    const tries = (wanted as Schema[]).map((schema) => faultsOf(value, schema, defs, at))
    if (tries.some((faults) => faults.length === 0)) return []
    return tries.reduce((least, faults) => (faults.length < least.length ? faults : least))
  },
  items: ({ value, wanted, defs, at }) =>
    Array.isArray(value)
      ? value.flatMap((item, index) => faultsOf(item, wanted as Schema, defs, `${at}[${index}]`))
      : [],
  properties: ({ value, wanted, defs, at }) =>
    isTable(value)
      ? Object.entries(wanted as Record<string, Schema>).flatMap(([key, schema]) =>
          key in value ? faultsOf(value[key], schema, defs, `${at}.${key}`) : [],
        )
      : [],
  required: ({ value, wanted, at }) =>
    isTable(value)
      ? (wanted as string[]).filter((key) => !(key in value)).map((key) => `${at}.${key}: missing`)
      : [],
  additionalProperties: ({ value, wanted, schema, at }) =>
    isTable(value) && wanted === false
      ? Object.keys(value)
          .filter((key) => !(key in (schema.properties as Table)))
          .map((key) => `${at}.${key}: not in the document`)
      : [],
}

function typeOf(value: unknown): string[] {
  if (value === null) return ['null']
  if (Array.isArray(value)) return ['array']
  if (Number.isInteger(value)) return ['integer', 'number']
  return [typeof value]
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
