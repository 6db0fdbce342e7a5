/** Shapes that several parts of the config are made of. */
import * as v from 'valibot'
import { readWith } from './schema.ts'

/** An https URL, or http on this machine. */
export const url = readWith((text) => {
  const { protocol, hostname } = URL.parse(text) ?? {}
  const local = hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
  if (protocol === 'https:' || (protocol === 'http:' && local)) return { value: text }
  return protocol === 'http:' ? 'is not encrypted' : 'is no URL'
})

/** A whole number in a range; digits in a text too, since `wrangler --var` gives texts only. */
export function integer(least: number, most: number) {
  return v.pipe(
    v.unknown(),
    v.transform((value) => (typeof value === 'string' && /^\d{1,9}$/.test(value) ? +value : value)),
    v.number('is no number'),
    v.integer('is no whole number'),
    v.minValue(least, 'is too small'),
    v.maxValue(most, 'is too large'),
  )
}

export function shaped(shape: RegExp, fault: string) {
  return readWith((text) => (shape.test(text) ? { value: text } : fault))
}
