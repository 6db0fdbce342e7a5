/** Asks a host from outside, as its crawlers and readers do. */
import { request as askPlain, type IncomingMessage } from 'node:http'
import { request as askSecure } from 'node:https'
import { userAgentOf } from '../paywall/explain.ts'
import { isLocalHost } from '../sites/host.ts'

/** The status and the headers; null without an answer, and then the fault in words. */
export type HostAnswer = { status: number | null; headers: IncomingMessage['headers']; fault: string }

/** The status for a crawler and for a browser; null without an answer, and then the `fault` in words. */
export type Outside = { host: string; crawler: number | null; reader: number | null; fault: string }

const TIMEOUT_MS = 15_000

/** Asks `path` of a host as GPTBot and as a browser. */
export async function askOutside(host: string, path: string): Promise<Outside> {
  const [crawler, reader] = await Promise.all([askHost(host, path, 'GPTBot'), askHost(host, path, 'reader')])
  return { host, crawler: crawler.status, reader: reader.status, fault: crawler.fault || reader.fault }
}

/** Asks `path` of a host as a known crawler or as `reader`. Follows no redirect. Never throws. */
export function askHost(host: string, path: string, as: string): Promise<HostAnswer> {
  const isLocal = isLocalHost(host)
  const url = new URL(`${isLocal ? 'http' : 'https'}://${host}${path}`)
  const headers = { host, 'user-agent': userAgentOf(as), accept: 'text/html' }
  return new Promise((resolve) => {
    // Not every system resolves names below localhost.
    const hostname = isLocal ? '127.0.0.1' : url.hostname
    const options = { hostname, port: url.port, path, headers, timeout: TIMEOUT_MS, servername: url.hostname }
    const asked = (isLocal ? askPlain : askSecure)(options, (response) => {
      response.resume()
      resolve({ status: response.statusCode ?? null, headers: response.headers, fault: '' })
    })
    asked.on('timeout', () => asked.destroy())
    asked.on('error', (cause: NodeJS.ErrnoException) =>
      resolve({ status: null, headers: {}, fault: faultOf(cause.code ?? '') }),
    )
    asked.end()
  })
}

/** The code of a failed connection in words. */
function faultOf(code: string): string {
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'must have an address in DNS'
  if (/CERT|TLS|SSL|ALTNAME/.test(code)) return `has a certificate that is not valid (${code})`
  return `gave no answer${code === '' ? '' : ` (${code})`}`
}
