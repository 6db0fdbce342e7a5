/** Akamai DataStream 2 as JSON. Pure. */
import { jsonFormat, percentDecoded } from './format.ts'
import { columnText, recordOf } from './record.ts'

/** The format `akamai`. Numbers are texts, the User-Agent is percent-encoded, and absent fields are left out. */
export const akamai = jsonFormat(
  'akamai',
  'Akamai DataStream 2 (JSON)',
  (line) => 'reqPath' in line && 'statusCode' in line,
  () => (line) => {
    const path = columnText(line.reqPath)
    return recordOf({
      time: line.reqTimeSec,
      method: line.reqMethod,
      host: line.reqHost,
      target: path === null || path.startsWith('/') ? path : `/${path}`,
      query: line.queryStr,
      status: line.statusCode,
      bytes: line.bytes,
      ip: line.cliIP,
      // Trap: a field without a value may be left out, so an absent one means that the client sent nothing.
      ua: percentDecoded(line.UA) ?? null,
    })
  },
)
