/** Shapes that several parts of the config use. */
import * as v from 'valibot'
import { readWith } from '../platform/schema.ts'

/** An https URL, or http on this machine. */
export const url = readWith((text) => (isUrl(text) ? { value: text } : null))

/** One to four different {@link url}s with commas between them, in order. */
export const urls = readWith((text) => {
  const [first = '', ...rest] = text.split(',').map((one) => one.trim())
  const all = [first, ...rest]
  const fits = all.every(isUrl) && new Set(all).size === all.length && all.length <= 4
  return fits ? { value: [first, ...rest] as const } : null
})

/** Whether a URL names this machine. */
export function isLocal(url: string): boolean {
  const { hostname } = URL.parse(url) ?? {}
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
}

function isUrl(text: string): boolean {
  const { protocol } = URL.parse(text) ?? {}
  return protocol === 'https:' || (protocol === 'http:' && isLocal(text))
}

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
