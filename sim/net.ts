/** The network: the nodes of the chain, and the origin of the site. */
import type { Node } from './chain/node.ts'
import type { Net } from './platform/globals.ts'
import { world } from './world.ts'

/** The text that only a payer may read. */
export const CONTENT = 'the charged text of '

/** The end of a path whose page the origin often takes long to send. */
export const LAGGING = 'lagging'

/** Answers requests by the host of their URL. `others`: the hosts beside the nodes and the origin. */
export function netOf(nodes: ReadonlyMap<string, Node>, others: ReadonlyMap<string, Net>): Net {
  return async (request) => {
    const { url, body } = request
    const { hostname, pathname } = new URL(url)
    const other = others.get(hostname)
    if (other) return other(request)
    const node = nodes.get(hostname.split('.')[0] ?? '')
    if (hostname.endsWith('.node.sim') && node) return node.answer(body)
    if (hostname === 'origin.sim') return origin(pathname)
    throw new TypeError(`no host ${hostname}`)
  }
}

async function origin(path: string): Promise<Response> {
  const here = world()
  const { choices } = here
  await here.sleep(here.latency('origin', 60), `origin ${path}`)
  if (choices.strikes('origin lost', 'origin', 0.01)) throw new TypeError('fetch failed')
  if (choices.strikes('origin slow', 'origin', path.endsWith(LAGGING) ? 0.2 : 0.005))
    await here.sleep(40_000, 'slow origin')
  const status = choices.strikes('origin fails', 'origin', 0.03)
    ? choices.pick('status', [404, 500, 304, 302])
    : 200
  here.count(status === 200 ? 'origin answered' : 'origin failed')
  return new Response(status === 304 ? null : status === 200 ? CONTENT + path : 'nothing', { status })
}
