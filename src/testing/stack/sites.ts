/** Three publishers on one local stack: the operator publishes their sites over the API, as with any deployment. */
import type { Address } from '../../protocol/evm/hex.ts'

/** A site of the stack. `url` does not end with a slash. */
export type StackSite = { id: string; url: string; receiver: Address; mode: 'live' | 'shadow' }

type LocalSite = {
  id: string
  name: string
  label: string
  receiver: Address | null
  mode: StackSite['mode']
}

/**
 * Two publishers leave the receiving to the operator, so that one channel pays for both. The third has a wallet of its own,
 * and tries its prices first.
 */
const SITES: readonly [LocalSite, ...LocalSite[]] = [
  { id: 'tally-and-ink', name: 'Tally & Ink', label: 'tally', receiver: null, mode: 'live' },
  { id: 'abacus-daily', name: 'Abacus Daily', label: 'abacus', receiver: null, mode: 'live' },
  {
    id: 'quipu-review',
    name: 'Quipu Review',
    label: 'quipu',
    receiver: '0x40c57923924b5c5c5455c48d93317139addac8f0',
    mode: 'shadow',
  },
]

/** The deployment that the sites are published to. */
export type Deployment = {
  url: string
  /** The server of each site. */
  origin: string
  receiver: Address
  operator: { url: string; token: string }
  /** Publish the first site alone: there is one server, and it is somebody's own. */
  isAlone: boolean
}

/**
 * Publishes the sites, below `localhost` and the first one also at the address of the Worker. A kept deployment keeps its
 * terms: only hosts and origin follow the ports.
 * @throws for an answer of the API that is neither a success nor 404
 */
export async function publishSites(deployment: Deployment): Promise<StackSite[]> {
  const { url, origin, receiver, isAlone } = deployment
  const { host, port } = new URL(url)
  const call = callerOf(deployment)
  const sites: StackSite[] = []
  for (const [at, site] of SITES.slice(0, isAlone ? 1 : SITES.length).entries()) {
    const { id, name, label, mode } = site
    const local = `${label}.localhost:${port}`
    const hosts = at === 0 ? [host, local] : [local]
    const known = await call('GET', `/sites/${id}`)
    if (known) await call('PATCH', `/sites/${id}`, { hosts, terms: { ORIGIN: origin } })
    else {
      await call('PUT', `/publishers/${id}`, { name, receiver: site.receiver })
      const terms = { ORIGIN: origin, NAME: name }
      await call('PUT', `/sites/${id}`, { publisher: id, hosts, via: 'route', mode, terms })
    }
    const { draft } = (await call('GET', `/sites/${id}`)) as { draft: object | null }
    if (draft) await call('POST', `/sites/${id}/publish`, {})
    sites.push({ id, url: `http://${local}`, receiver: site.receiver ?? receiver, mode })
  }
  return sites
}

/** Calls the operator's API; undefined for 404. */
function callerOf({ operator }: Deployment) {
  return async (method: string, path: string, body?: object): Promise<object | undefined> => {
    const headers = { authorization: `Bearer ${operator.token}`, 'content-type': 'application/json' }
    const sent = body && { body: JSON.stringify(body) }
    const response = await fetch(`${operator.url}${path}`, { method, headers, ...sent })
    if (response.status === 404 && method === 'GET') return undefined
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response.json() as Promise<object>
  }
}
