/** The operator's own host. Accounts, invoices, keys and the API are served there alone. */
import { readConfig } from '../config/config.ts'
import { requestedHost } from '../sites/host.ts'
import type { Bindings } from './bindings.ts'

/**
 * Whether a request below `/_tab402` came to the operator's host, which is that of PUBLIC_URL. Without a registry each host
 * is: there is one site, and its publisher is the operator.
 *
 * Threat: a page, a script or a cookie of one publisher's host could act on what belongs to another, or to the operator.
 */
export function isOperatorHost({ url }: Request, env: Pick<Bindings, 'SITES'>): boolean {
  if (!env.SITES) return true
  const read = readConfig(env)
  const own = read.ok ? read.config.publicUrl : undefined
  const host = requestedHost(url)
  return host !== undefined && own !== undefined && host === requestedHost(own)
}
