/** Cuts our secrets out of texts that others write: a node may quote the key of its URL in an error. */

/** Shorter parts of a URL or header are words such as `v2` or `Bearer`, and no keys. */
const SHORTEST_PART = 8

const CUT = '[cut]'

/** Replaces each secret in a text, as it is and as JSON, URLs or form values spell it. Pure. */
export function cutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .flatMap(spellings)
    .sort((a, b) => b.length - a.length)
    .reduce((rest, secret) => rest.replaceAll(secret, CUT), text)
}

/** The parts of a URL that may be a key: user, password, and long parts of path and query. The host is none. */
export function secretsOfUrl(url: string): string[] {
  const { username, password, pathname, search } = URL.parse(url) ?? {}
  const parts = `${pathname ?? ''}${search ?? ''}`
    .split(/[/?&=;,]/)
    .filter((part) => part.length >= SHORTEST_PART)
  return [username, password, ...parts].flatMap((part) => part || [])
}

/** The values of headers, and the long words in them: `Bearer <key>` gives both. */
export function secretsOfHeaders(headers: Readonly<Record<string, string>> = {}): string[] {
  return Object.values(headers).flatMap((value) => {
    const words = value.split(/[\s,;="']+/).filter((word) => word.length >= SHORTEST_PART)
    return [value.trim(), ...words].filter((secret) => secret !== '')
  })
}

function spellings(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1)
  const plain = decoded(secret)
  return [...new Set([secret, plain, json, json.replaceAll('/', '\\/'), encodeURIComponent(plain)])]
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    if (cause instanceof URIError) return text
    throw cause
  }
}
