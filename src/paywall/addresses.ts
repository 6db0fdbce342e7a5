/** Addresses of a site whose origin has a host of its own: the origin's in requests, the site's in answers. */

/** The site as the client asked it, with its path, and the origin that is asked in its place. */
export type Addresses = { site: URL; origin: URL }

/** Scheme and authority anywhere in a text. The rest of an address stays, so it needs no parsing. */
const AUTHORITY = /(https?:)?\/\/([^\s"'<>,;/?#\\]+)/gi
const COOKIE_DOMAIN = /(;\s*domain\s*=\s*)\.?([^;\s]*)/gi

/**
 * Puts the origin's address into `Origin` and `Referer` that hold the site's. Returns whether `Origin` did. Addresses of
 * other sites stay, so that the origin can reject them.
 */
export function askOrigin(headers: Headers, { site, origin }: Addresses): boolean {
  // The client's scheme, not the origin's: `X-Forwarded-Proto` names it, and frameworks compare it with that.
  const own = `${site.protocol}//${origin.host}`
  const referer = URL.parse(headers.get('referer') ?? '')
  if (referer?.origin === site.origin) headers.set('referer', own + referer.pathname + referer.search)
  const isOwn = headers.get('origin') === site.origin
  if (isOwn) headers.set('origin', own)
  return isOwn
}

/** A header of an answer with the site's address in place of the origin's, so that no answer leads around the paywall. */
export function showSite(name: string, value: string, addresses: Addresses): string {
  if (name === 'set-cookie') return siteCookie(value, addresses)
  const isAddress = name === 'location' || name === 'content-location'
  const read = isAddress ? siteAddress(value, addresses) : value
  if (!read.toLowerCase().includes(addresses.origin.hostname)) return read
  return read.replace(AUTHORITY, (written, scheme: string | undefined, authority: string) => {
    const url = URL.parse(`${scheme ?? addresses.site.protocol}//${authority}`)
    if (!url || !isAt(url, addresses.origin)) return written
    return `${scheme ? shownScheme(url, addresses.site) : ''}//${addresses.site.host}`
  })
}

/** Reads an address as clients do, with the site as its base. One that does not name the origin stays as it is. */
function siteAddress(address: string, { site, origin }: Addresses): string {
  const url = URL.parse(address, site.href)
  if (!url || url.origin === site.origin || !isAt(url, origin)) return address
  return `${shownScheme(url, site)}//${site.host}${url.pathname}${url.search}${url.hash}`
}

/** Whether a URL names the origin. Servers often leave out their port or the scheme that a balancer adds, so both may differ. */
function isAt({ protocol, hostname, port }: URL, origin: URL): boolean {
  const isWeb = protocol === 'https:' || protocol === 'http:'
  return isWeb && hostname.replace(/\.$/, '') === origin.hostname && (port === '' || port === origin.port)
}

/** Trap: an origin that demands https must get it, or its redirect would lead back to itself for ever. */
function shownScheme({ protocol }: URL, site: URL): string {
  return protocol === 'https:' && site.port === '' ? protocol : site.protocol
}

/** Browsers reject a domain that does not cover the host that they asked. */
function siteCookie(cookie: string, { site, origin }: Addresses): string {
  return cookie.replace(COOKIE_DOMAIN, (written, name: string, domain: string) =>
    isWithin(origin.hostname, domain) && !isWithin(site.hostname, domain) ? name + site.hostname : written,
  )
}

function isWithin(hostname: string, domain: string): boolean {
  const lower = domain.toLowerCase()
  return hostname === lower || hostname.endsWith(`.${lower}`)
}
