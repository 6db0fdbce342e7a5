/** CloudFront's standard logs: columns between tabs, or JSON (v2). Pure. */
import { jsonFormat, type LogFormat, type LogObject, percentDecoded } from './format.ts'
import { type LogEntry, recordOf } from './record.ts'

const FIELDS = /^#Fields:\s*/i

/** The format `cloudfront`. The line `#Fields:` states the order of columns, and concatenated logs state it again. */
export const cloudfront: LogFormat = {
  name: 'cloudfront',
  about: 'CloudFront standard logs, with their #Fields line',
  owns: (line) => FIELDS.test(line) && line.includes('cs-uri-stem'),
  open() {
    let names: readonly string[] = []
    return (line) => {
      if (FIELDS.test(line)) names = line.replace(FIELDS, '').trim().split(/\s+/)
      if (line.startsWith('#')) return ['comment']
      const values = line.split('\t')
      if (names.length === 0 || values.length < names.length) return ['malformed']
      return [read(Object.fromEntries(names.map((name, at) => [name, values[at]])))]
    }
  },
}

/** The format `cloudfront-json`: the same fields, by name. */
export const cloudfrontJson = jsonFormat(
  'cloudfront-json',
  'CloudFront standard logs v2 as JSON',
  (line) => 'cs-uri-stem' in line,
  () => read,
)

function read(line: LogObject): LogEntry {
  const { date, time } = line
  return recordOf({
    time: date === undefined ? (line['timestamp(ms)'] ?? line.timestamp) : `${date}T${time}Z`,
    method: line['cs-method'],
    // `cs(Host)` is the name of the distribution; a viewer asked for the other.
    host: line['x-host-header'] ?? line['cs(Host)'],
    target: line['cs-uri-stem'],
    query: line['cs-uri-query'],
    status: line['sc-status'],
    bytes: line['sc-bytes'],
    ip: line['c-ip'],
    country: line['c-country'],
    ua: agentOf(line['cs(User-Agent)']),
  })
}

/** Logs of before 2020 encode the escapes once more: `%2520`. */
function agentOf(value: unknown): unknown {
  const once = percentDecoded(value)
  return typeof once === 'string' && /%20/.test(once) ? percentDecoded(once) : once
}
