/** The signature base (RFC 9421 §2.5): the signed text, rebuilt from the request. */
import {
  isInnerList,
  readDictionary,
  serializeInnerList,
  serializeItem,
} from '../protocol/http/structured-fields.ts'
import type { Component, Input } from './signature.ts'
import { type Flawed, flawed } from './verdict.ts'

/** The parts of a request that can be signed. A `Request` fits. */
export type Message = { method: string; url: string; headers: Headers }

/** The parts of a request's URL as they were sent; only the authority is normalised (RFC 9421 §2.2.3). */
type Target = { scheme: string; authority: string; path: string; query: string | null }

/** Trap: a WHATWG URL rewrites paths, but clients sign them as sent. Use a regular expression. */
const TARGET = /^(https?):\/\/([^/?#@\\]+)(\/[^?#]*)?(\?[^#]*)?(?:#.*)?$/i
const DEFAULT_PORT = { http: /:80$/, https: /:443$/ }
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
/** The field values (RFC 9110 §5.5) that all hosts forward as the same bytes. */
const PRINTABLE = /^[\t\x20-\x7e]*$/

const DERIVED: Record<string, (message: Message, target: Target) => string> = {
  '@method': ({ method }) => method,
  '@target-uri': (_, { scheme, authority, path, query }) => `${scheme}://${authority}${path}${query ?? ''}`,
  '@authority': (_, { authority }) => authority,
  '@scheme': (_, { scheme }) => scheme,
  '@request-target': (_, { path, query }) => `${path}${query ?? ''}`,
  '@path': (_, { path }) => path,
  '@query': (_, { query }) => query ?? '?',
}

/** The base of one signature; flawed when a component is repeated, absent or unsupported. */
export function signatureBase(message: Message, { components, text }: Input): string | Flawed {
  const target = targetOf(message.url)
  if (!target) return flawed('component_unsupported')
  const seen = new Set<string>()
  let base = ''
  for (const component of components) {
    const { id } = component
    if (seen.has(id)) return flawed('component_repeated')
    seen.add(id)
    const value = componentValue(component, message, target)
    if (typeof value !== 'string') return value
    if (!PRINTABLE.test(value)) return flawed('component_unsupported')
    base += `${id}: ${value}\n`
  }
  return `${base}"@signature-params": ${text}`
}

/** The authority of a request's URL: lower case, without the default port. Ignores Host headers. */
export function authorityOf(url: string): string | null {
  return targetOf(url)?.authority ?? null
}

function targetOf(url: string): Target | null {
  const [, scheme = '', host = '', path = '/', query = null] = TARGET.exec(url) ?? []
  if (host === '') return null
  const lower = scheme.toLowerCase() as 'http' | 'https'
  return { scheme: lower, authority: host.toLowerCase().replace(DEFAULT_PORT[lower], ''), path, query }
}

function componentValue(component: Component, message: Message, target: Target): string | Flawed {
  const { name, parameters } = component
  if (name === '@query-param') return queryParameter(component, target)
  if (name.startsWith('@')) {
    const derive = Object.hasOwn(DERIVED, name) ? DERIVED[name] : undefined
    return derive && parameters.size === 0 ? derive(message, target) : flawed('component_unsupported')
  }
  if (!FIELD_NAME.test(name)) return flawed('component_unsupported')
  const field = message.headers.get(name)
  if (parameters.size === 0) return field === null ? flawed('component_absent') : field.trim()
  const key = parameters.get('key')
  if (parameters.size > 1 || typeof key !== 'string') return flawed('component_unsupported')
  const member = field === null ? undefined : readDictionary(field)?.get(key)
  if (!member) return flawed('component_absent')
  return isInnerList(member) ? serializeInnerList(member) : serializeItem(member)
}

/** `@query-param` (RFC 9421 §2.2.8). A name that occurs twice must not be signed. */
function queryParameter({ parameters }: Component, { query }: Target): string | Flawed {
  const name = parameters.get('name')
  if (parameters.size > 1 || typeof name !== 'string') return flawed('component_unsupported')
  const values = [...new URLSearchParams(query ?? '')].filter(([key]) => encodeForm(key) === name)
  const [only, another] = values
  if (!only) return flawed('component_absent')
  return another ? flawed('component_repeated') : encodeForm(only[1])
}

/** Percent-encodes all but ASCII letters, digits and `*-._`, spaces as `%20`. */
function encodeForm(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()~]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
