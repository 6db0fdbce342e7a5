/** Asks a host from outside, as its crawlers and readers do. */
import { request as askPlain } from 'node:http'
import { request as askSecure } from 'node:https'
import { userAgentOf } from '../../paywall/explain.ts'
import { isLocalHost } from '../../sites/host.ts'

/** The status for a crawler and for a browser; null without an answer. */
export type Outside = { host: string; crawler: number | null; reader: number | null }

const TIMEOUT_MS = 15_000

/** Asks `path` of a host as GPTBot and as a browser. Follows no redirect. */
export async function askOutside(host: string, path: string): Promise<Outside> {
  const [crawler, reader] = await Promise.all(['GPTBot', 'reader'].map((as) => statusOf(host, path, as)))
  return { host, crawler: crawler ?? null, reader: reader ?? null }
}

function statusOf(host: string, path: string, as: string): Promise<number | null> {
  const isLocal = isLocalHost(host)
  const url = new URL(`${isLocal ? 'http' : 'https'}://${host}${path}`)
  const headers = { host, 'user-agent': userAgentOf(as), accept: 'text/html' }
  return new Promise((resolve) => {
    // Not every system resolves names below localhost.
    const hostname = isLocal ? '127.0.0.1' : url.hostname
    const options = { hostname, port: url.port, path, headers, timeout: TIMEOUT_MS, servername: url.hostname }
    const asked = (isLocal ? askPlain : askSecure)(options, (response) => {
      response.resume()
      resolve(response.statusCode ?? null)
    })
    asked.on('timeout', () => asked.destroy())
    asked.on('error', () => resolve(null))
    asked.end()
  })
}
