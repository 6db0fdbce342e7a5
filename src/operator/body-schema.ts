/** JSON Schemas of the bodies, made from the valibot schemas that read them. Pure. */
import type { Schema } from './json-schema.ts'

/** The parts of a valibot schema or action that are read here. Its own types do not show them all. */
type Part = {
  readonly kind: string
  readonly type: string
  readonly pipe?: readonly Part[]
  readonly wrapped?: Part
  readonly entries?: Readonly<Record<string, Part>>
  readonly item?: Part
  readonly options?: readonly unknown[]
  readonly default?: unknown
  readonly requirement?: unknown
  readonly description?: string
}

/**
 * The JSON Schema of what a body may be before it is read. Leaves out checks in code: descriptions state them.
 * @throws RangeError for a valibot schema that no body uses yet
 */
export function jsonSchemaOf(part: Part): Schema {
  if (!part.pipe) return plain(part)
  const [first, ...actions] = part.pipe
  const base = first ? jsonSchemaOf(first) : {}
  return Object.assign({}, base, ...actions.map((action) => restriction(action, base)))
}

function plain({ type, wrapped, entries = {}, item, options, default: value }: Part): Schema {
  switch (type) {
    case 'string':
    case 'number':
      return { type }
    case 'unknown':
      return {}
    case 'picklist':
      return { enum: options, type: 'string' }
    case 'array':
      return { type, items: item && jsonSchemaOf(item) }
    case 'nullable':
      return { anyOf: [wrapped && jsonSchemaOf(wrapped), { type: 'null' }] }
    case 'exact_optional':
    case 'optional':
      return { ...(wrapped && jsonSchemaOf(wrapped)), ...(value !== undefined && { default: value }) }
    case 'loose_object': {
      const members = Object.entries(entries)
      const required = members.filter(([, member]) => !member.type.endsWith('optional')).map(([name]) => name)
      const properties = Object.fromEntries(members.map(([name, member]) => [name, jsonSchemaOf(member)]))
      return { type: 'object', properties, required }
    }
    default:
      throw new RangeError(`the valibot schema must be one that JSON Schemas are made of: ${type}`)
  }
}

/** The keywords that an action of a pipe adds to `schema`. */
function restriction({ type, requirement, description }: Part, schema: Schema): Schema {
  const unit = schema.type === 'array' ? 'Items' : 'Length'
  switch (type) {
    case 'regex':
      return { pattern: (requirement as RegExp).source }
    case 'min_length':
      return { [`min${unit}`]: requirement }
    case 'max_length':
      return { [`max${unit}`]: requirement }
    case 'min_value':
      return { minimum: requirement }
    case 'max_value':
      return { maximum: requirement }
    case 'integer':
      return { type }
    case 'description':
      return { description }
    // An object with a raw check has no other members: see `closed` in requests.ts.
    case 'raw_check':
      return { additionalProperties: false }
    default:
      return {}
  }
}
