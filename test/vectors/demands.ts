/** Compares our messages with the fields that other clients need (demands.json). */
import demands from './demands.json'

const TYPES: Record<string, (value: unknown) => boolean> = {
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  integer: (value) => Number.isSafeInteger(value),
  decimal: (value) => typeof value === 'string' && /^(0|[1-9][0-9]*)$/.test(value),
  address: (value) => typeof value === 'string' && /^0x[0-9a-fA-F]{40}$/.test(value),
  bytes32: (value) => typeof value === 'string' && /^0x[0-9a-fA-F]{64}$/.test(value),
  url: (value) => typeof value === 'string' && URL.canParse(value),
}

/** The demands that a message does not meet, as text; empty if it meets all. */
export function unmet(kind: keyof typeof demands, message: unknown): string[] {
  return demands[kind].flatMap(({ client, field, type }) =>
    found(message, field.split('.'))
      .filter((value) => !TYPES[type]?.(value))
      .map((value) => `${client}: ${field} must be ${type}, is ${JSON.stringify(value)}`),
  )
}

/** The values at a path. In a list, `*` means every member, another word the members of that `scheme`. */
function found(value: unknown, [step, ...rest]: string[]): unknown[] {
  if (step === undefined) return [value]
  if (Array.isArray(value)) {
    return value
      .filter((member) => step === '*' || member.scheme === step)
      .flatMap((member) => found(member, rest))
  }
  return found((value as Record<string, unknown> | undefined)?.[step], rest)
}
