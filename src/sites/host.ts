/** Hosts of sites in one spelling, so that two spellings of a host are one host. */

/** The longest host name, in characters (RFC 1035 §2.3.4). */
const MAX_HOST_CHARS = 253
const LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/
const LOCAL = /^(?:[^:]+\.)?localhost(?::\d{1,5})?$|^127\.0\.0\.1(?::\d{1,5})?$/

/**
 * The one spelling of a host: lower case, punycode, no trailing dot, no port. Hosts of this machine (`localhost`, names below
 * it, 127.0.0.1) keep their port, since the port alone tells two local stacks apart. Undefined for all else: other addresses,
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

/** Whether a host in its one spelling is of this machine: nobody else can be asked for it, and it needs no proof. */
export function isLocalHost(host: string): boolean {
  return LOCAL.test(host)
}
