/** Shapes that several parts of the config use. */
import * as v from 'valibot'
import { readWith } from './schema.ts'

/** An https URL, or http on this machine. */
export const url = readWith((text) => {
  const { protocol, hostname } = URL.parse(text) ?? {}
  const local = hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
  return protocol === 'https:' || (protocol === 'http:' && local) ? { value: text } : null
})

/** A whole number in a range, or its digits as text: `wrangler --var` passes text only. */
export function integer(least: number, most: number) {
  return v.pipe(
    v.unknown(),
    v.transform((value) => (typeof value === 'string' && /^\d{1,9}$/.test(value) ? +value : value)),
    v.number(),
    v.integer(),
    v.minValue(least),
    v.maxValue(most),
  )
}

/** Text that a regular expression matches as a whole. */
export function shaped(shape: RegExp) {
  return readWith((text) => (shape.test(text) ? { value: text } : null))
}

/** Text of `least` to `most` characters. */
export function textOf(least: number, most: number) {
  return v.pipe(v.string(), v.minLength(least), v.maxLength(most))
}

/** The lines of wrangler.toml that bind a Durable Object, as an example in a message. */
export function durableObject(name: string, className: string): string {
  return `[[durable_objects.bindings]] name = "${name}", class_name = "${className}"`
}
