/** Names below `localhost` are this machine (RFC 6761 §6.3). Browsers and curl resolve them so, and many systems do not. */
import dns from 'node:dns'

const LOCAL = /(?:^|\.)localhost$/i

/** From now on, every connection of this process to a name below `localhost` is to 127.0.0.1. Idempotent. */
export function resolveLocalhost(): void {
  if (isDone) return
  isDone = true
  dns.lookup = new Proxy(dns.lookup, {
    apply: (lookup, self, [host, ...rest]) =>
      Reflect.apply(lookup, self, [LOCAL.test(host) ? '127.0.0.1' : host, ...rest]),
  })
}

let isDone = false
