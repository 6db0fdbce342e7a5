/** Names below `localhost`, which not every system resolves, and which crawlers of several sites must reach. */
import dns from 'node:dns'

type Lookup = (name: string, ...rest: unknown[]) => void

/** Resolves them to 127.0.0.1 in this thread. */
export function resolveLocalNames(): void {
  const elsewhere = dns.lookup as unknown as Lookup
  const lookup: Lookup = (name, ...rest) =>
    elsewhere(name.endsWith('.localhost') ? '127.0.0.1' : name, ...rest)
  Object.assign(dns, { lookup })
}
