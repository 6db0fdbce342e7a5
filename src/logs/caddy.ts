/** The JSON access log of Caddy. Pure. */
import { firstOf, headerIn, jsonFormat, objectIn } from './format.ts'
import { recordOf } from './record.ts'

/** The format `caddy`. Caddy's other loggers may write into the same file. */
export const caddy = jsonFormat(
  'caddy',
  'Caddy (JSON)',
  ({ request, logger, level }) =>
    typeof request === 'object' && (logger !== undefined || level !== undefined),
  () => (line) => {
    const { logger, ts, status, size } = line
    const isAccess = logger === undefined || /^http\.log\.access(?:\.|$)/.test(String(logger))
    if (!isAccess || line.request === undefined) return 'not_a_request'
    const request = objectIn(line, 'request')
    return recordOf({
      time: ts,
      method: request.method,
      host: request.host,
      target: request.uri,
      status,
      bytes: size,
      ip: firstOf(request.client_ip ?? request.remote_ip),
      ua: headerIn(objectIn(request, 'headers'), 'user-agent') ?? null,
    })
  },
)
