/** Which servers may be asked on behalf of a publisher: public ones alone. */
import { compileRanges, contains, keyOf, type Ranges, rangeOf } from '../identity/published/ranges.ts'
import { lookUpRecords, type Resolver } from '../platform/dns.ts'
import { isLocalHost } from './host.ts'

/** Addresses that are not globally reachable (the IANA registries of special-purpose addresses, RFC 6890), and multicast. */
const SPECIAL = [
  ['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ['192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24'],
  ['203.0.113.0/24', '224.0.0.0/3', '::/96', '64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001::/23'],
  ['2001:db8::/32', '2002::/16', '3fff::/20', '5f00::/16', 'fc00::/7', 'fe80::/9', 'ff00::/8'],
].flat()

let special: Ranges | undefined

/** Whether an address is one of the public internet. False for text that is not an address. */
export function isPublicAddress(address: string): boolean {
  special ??= compileRanges(SPECIAL.map(rangeOf).filter((range) => range !== null))
  const key = keyOf(address)
  return key !== null && !contains(special, key)
}

/** Whether a URL may be asked, or why it may not. */
export type Reachable = { ok: true } | { ok: false; why: string }

/**
 * Whether a publisher's URL may be asked: https, and every address of its host is public. A server of this machine may be
 * asked for a site of this machine alone.
 *
 * Threat: a publisher who names a private host as its origin has the Worker read it. Names are resolved once more when they
 * are asked, so a name that changes in between passes; Workers themselves reach no private network.
 */
export async function mayAsk(url: URL, site: string, resolver: Resolver): Promise<Reachable> {
  if (isLocalHost(url.host)) return isLocalHost(site) ? { ok: true } : no('must be a public server')
  if (url.protocol !== 'https:') return no('must be an https URL')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (keyOf(host) !== null) return isPublicAddress(host) ? { ok: true } : no('must be a public address')
  const [v4, v6] = await Promise.all([
    lookUpRecords(resolver, host, 'A'),
    lookUpRecords(resolver, host, 'AAAA'),
  ])
  const found = [v4, v6].flatMap((each) => (each.outcome === 'found' ? each.records : []))
  const unknown = [v4, v6].find(({ outcome }) => outcome === 'unknown')
  if (unknown?.outcome === 'unknown') return no(`its addresses could not be read: ${unknown.why}`)
  if (found.length === 0) return no('must be a host with an address in DNS')
  return found.every(isPublicAddress) ? { ok: true } : no('must have public addresses only')
}

function no(why: string): Reachable {
  return { ok: false, why }
}
