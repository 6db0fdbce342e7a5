/** Cloudflare's logs: Logpush `http_requests`, and the trace events of Workers. Pure. */
import { headerIn, jsonFormat, type LogObject, objectIn } from './format.ts'
import { recordOf } from './record.ts'

/** The format `cloudflare-logpush`. The user chooses its fields, so any of them may be missing. */
export const logpush = jsonFormat(
  'cloudflare-logpush',
  'Cloudflare Logpush, data set http_requests',
  (line) => 'EdgeResponseStatus' in line || 'ClientRequestUserAgent' in line || 'ClientRequestURI' in line,
  () => (line) => {
    const fromWorker = String(line.ClientRequestSource ?? '').startsWith('edgeWorker')
    if (line.WorkerSubrequest === true || fromWorker) return 'subrequest'
    return recordOf({
      time: line.EdgeStartTimestamp ?? line.EdgeEndTimestamp,
      method: line.ClientRequestMethod,
      host: line.ClientRequestHost,
      // Trap: only the URI has the query.
      target: line.ClientRequestURI ?? line.ClientRequestPath,
      status: line.EdgeResponseStatus,
      bytes: line.EdgeResponseBodyBytes ?? line.EdgeResponseBytes,
      ip: line.ClientIP,
      ua: line.ClientRequestUserAgent,
      category: line.VerifiedBotCategory,
      // 0: not computed.
      score: line.BotScore === 0 ? undefined : line.BotScore,
      country: line.ClientCountry,
    })
  },
)

/** The format `workers-trace`: Workers Trace Events of Logpush, and `wrangler tail` with one event per line. */
export const trace = jsonFormat(
  'workers-trace',
  'Workers Trace Events, wrangler tail --format json',
  (line) => 'EventTimestampMs' in line || ('eventTimestamp' in line && 'event' in line),
  () => (line) => {
    const event = member(line, 'event')
    const request = member(event, 'request')
    const url = request.URL ?? request.url
    if (typeof url !== 'string') return 'not_a_request'
    const headers = member(request, 'headers')
    const cf = member(request, 'cf')
    return recordOf({
      time: line.EventTimestampMs ?? line.eventTimestamp,
      method: request.Method ?? request.method,
      target: url,
      status: member(event, 'response').Status ?? member(event, 'response').status,
      ip: headerIn(headers, 'cf-connecting-ip'),
      // Without any header, the log leaves headers out; with some, the client sent no User-Agent.
      ua: headerIn(headers, 'user-agent') ?? (Object.keys(headers).length === 0 ? undefined : null),
      category: cf.verifiedBotCategory ?? cf.VerifiedBotCategory,
      score: objectIn(cf, 'botManagement').score,
      country: cf.country ?? cf.Country,
    })
  },
)

/** A member whose name Logpush writes in upper case, and a tail in lower case. */
function member(object: LogObject, name: string): LogObject {
  const upper = `${name.charAt(0).toUpperCase()}${name.slice(1)}`
  return objectIn(object, name in object ? name : upper)
}
