/** The combined format of nginx and Apache, also with the virtual host in front. Pure. */
import type { LogFormat } from './format.ts'
import { type LogEntry, recordOf } from './record.ts'

const TIME = /\[(\d\d\/[A-Z][a-z][a-z]\/\d{4}:\d\d:\d\d:\d\d [+-]\d\d:?\d\d)\] "/
const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{0,4}(?::[0-9a-f.]{0,15}){2,8})$/i
const REQUEST = /^([A-Za-z][A-Za-z-]{2,19}) (.+?)(?: HTTP\/\d(?:\.\d)?)?$/
const STATUS = /^" (\d{3}) (\d+|-)/
const ESCAPE = /(?:\\x[0-9A-Fa-f]{2})+|\\(.)/g
const ESCAPED: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', v: '\v' }

/** The format `combined`. "Common" is the same without referrer and User-Agent: its lines are skipped for that reason. */
export const combined: LogFormat = {
  name: 'combined',
  about: 'nginx, Apache (combined, vhost_combined)',
  owns: (line) => TIME.test(line),
  open: () => (line) => [read(line)],
}

function read(line: string): LogEntry {
  const time = TIME.exec(line)
  if (!time) return 'malformed'
  const start = time.index + time[0].length
  const end = quoteIn(line, start)
  const [answer, status, bytes] = STATUS.exec(line.slice(end, end + 32)) ?? []
  if (answer === undefined) return 'malformed'
  const [, method, target] = REQUEST.exec(unescaped(line.slice(start, end))) ?? []
  if (target === undefined || !/^(?:\/|\*$|https?:\/\/)/i.test(target)) return 'no_request_line'
  // After the sizes stand the referrer and the User-Agent, each in quotes.
  const referrer = line.indexOf('"', end + answer.length)
  const agent = referrer < 0 ? -1 : line.indexOf('"', quoteIn(line, referrer + 1) + 1)
  const ua = agent < 0 ? undefined : unescaped(line.slice(agent + 1, quoteIn(line, agent + 1)))
  const { host, ip } = clientOf(line.slice(0, time.index))
  return recordOf({ time: time[1], method, host, target, status, bytes, ip, ua })
}

/** The columns before the time: `[host[:port]] address ident user`. An address may be a list, as proxies pass it on. */
function clientOf(columns: string): { host?: string | undefined; ip: string | undefined } {
  const [first, second = ''] = columns.split(' ', 2)
  const isHost = !first?.endsWith(',') && second !== '-' && ADDRESS.test(second)
  return isHost ? { host: first, ip: second } : { ip: first?.replace(/,$/, '') }
}

/** Index of the quote that ends the text from `from` on: one without a backslash. The end of the line if there is none. */
function quoteIn(line: string, from: number): number {
  for (let at = line.indexOf('"', from); at >= 0; at = line.indexOf('"', at + 1)) {
    let slashes = 0
    while (line[at - 1 - slashes] === '\\' && at - 1 - slashes >= from) slashes++
    if (slashes % 2 === 0) return at
  }
  return line.length
}

/** nginx writes `\x22` for a quote, Apache `\"`; both write other bytes as `\xHH`. */
function unescaped(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(ESCAPE, (whole, letter?: string) => {
    if (letter !== undefined) return ESCAPED[letter] ?? letter
    const bytes = whole.slice(2).split('\\x')
    return new TextDecoder().decode(Uint8Array.from(bytes, (digits) => Number.parseInt(digits, 16)))
  })
}
