/** Hosts of sites in one spelling, so that two spellings of a host are one host. */

/** The longest host name, in characters (RFC 1035 §2.3.4). */
const MAX_HOST_CHARS = 253
const LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/
const LOCAL = /^(?:[^:]+\.)?localhost(?::\d{1,5})?$|^127\.0\.0\.1(?::\d{1,5})?$/

/**
 * The one spelling of a host: lower case, punycode, no trailing dot, no port. Hosts of this machine (`localhost`, names below
 * it, 127.0.0.1) keep their port, since only the port distinguishes two local stacks. Undefined for all else: other addresses,
 * names without a dot, URLs.
 */
export function normalHost(text: string): string | undefined {
  const url = /[\s/?#@\\]/.test(text) ? null : URL.parse(`http://${text}/`)
  if (!url) return undefined
  const name = url.hostname.replace(/\.$/, '')
  if (isLocalHost(name)) return url.port === '' ? name : `${name}:${url.port}`
  const labels = name.split('.')
  const isName = labels.length > 1 && labels.every((label) => LABEL.test(label))
  // An address of numbers ends in a number; no top-level domain does (RFC 3696 §2).
  return isName && name.length <= MAX_HOST_CHARS && !/^\d+$/.test(labels.at(-1) ?? '') ? name : undefined
}

/** Whether a host in its one spelling is of this machine: it needs no proof, since it leads only here. */
export function isLocalHost(host: string): boolean {
  return LOCAL.test(host)
}

const HOST = /^https?:\/\/([^/?#\\]+)/

/** The host of a request's URL in its one spelling; undefined where no site can have it. */
export function requestedHost(url: string): string | undefined {
  const [, text = ''] = HOST.exec(url) ?? []
  const known = spellings.get(text)
  if (known !== undefined) return known
  const host = normalHost(text)
  if (host !== undefined && spellings.size < MAX_SPELLINGS) spellings.set(text, host)
  return host
}

/** The spellings that requests have used. Beyond it they are read each time. */
const MAX_SPELLINGS = 4_000
const spellings = new Map<string, string>()
