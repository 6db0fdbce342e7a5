/** Vercel's log drains. Pure. */
import { firstOf, jsonFormat, objectIn } from './format.ts'
import { recordOf } from './record.ts'

/** One request's lines follow each other closely: this many ids are kept. */
const RECENT = 10_000

/** The format `vercel`. `proxy` is the request as the client sent it; each of its lines repeats it. */
export const vercel = jsonFormat(
  'vercel',
  'Vercel log drains (JSON or NDJSON)',
  (line) => typeof line.proxy === 'object' || ('deploymentId' in line && 'source' in line),
  () => {
    const seen = new Set<unknown>()
    return (line) => {
      const proxy = objectIn(line, 'proxy')
      if (proxy.path === undefined || Number(proxy.statusCode) < 100) return 'not_a_request'
      const id = line.requestId ?? proxy.vercelId ?? line.id
      if (id !== undefined && seen.has(id)) return 'duplicate'
      seen.add(id)
      if (seen.size > RECENT) seen.delete(seen.values().next().value)
      return recordOf({
        time: proxy.timestamp ?? line.timestamp,
        method: proxy.method,
        host: proxy.host ?? line.host,
        target: proxy.path,
        status: proxy.statusCode,
        bytes: proxy.responseByteSize,
        ip: proxy.clientIp,
        ua: firstOf(proxy.userAgent) ?? null,
      })
    }
  },
)
