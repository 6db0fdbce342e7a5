/** A format that the user describes: JSON members or columns by number. Pure. */
import { firstOf, jsonFormat, type LogFormat, type LogObject } from './format.ts'
import { type LogEntry, type LogFacts, recordOf } from './record.ts'

const NAMES = ['time', 'method', 'host', 'path', 'query', 'status', 'bytes', 'ip', 'ua', 'category'] as const
type Name = (typeof NAMES)[number]

/** A described format, or the sentence that states what the description must be. */
export type MapResult = { ok: true; format: LogFormat } | { ok: false; message: string }

/**
 * Reads `path=request.uri ua=request.headers.user-agent`: a member of a JSON object by its place, with dots between names
 * and `\.` for a dot in one. Or `path=4 ua=9`: columns from 1 on, between `delimiter`s; a column may stand in quotes.
 * `path` may hold the query or a whole URL. A log without `method` has GET alone, one without `status` 200 alone.
 */
export function mapped(text: string, delimiter = '\t'): MapResult {
  const places = new Map<Name, string>()
  for (const pair of text.trim().split(/[\s,]+/)) {
    const at = pair.indexOf('=')
    const name = NAMES.find((known) => known === pair.slice(0, at))
    const place = pair.slice(at + 1)
    if (!name || place === '')
      return wrong(`must be pairs such as path=request.uri. The names are ${NAMES.join(', ')}`)
    if (places.has(name)) return wrong(`must name ${name} once`)
    places.set(name, place)
  }
  if (!places.has('path') || !places.has('ua')) return wrong('must name at least path and ua')
  const numbers = [...places.values()].filter((place) => /^[1-9]\d{0,3}$/.test(place))
  if (numbers.length > 0 && numbers.length < places.size)
    return wrong('must name members of JSON or numbers of columns, not both')
  if (numbers.length === 0) return { ok: true, format: jsonMap(places) }
  if (delimiter.length !== 1) return wrong('needs a --delimiter of one character')
  return { ok: true, format: columnMap(places, delimiter) }
}

function wrong(message: string): MapResult {
  return { ok: false, message }
}

function jsonMap(places: ReadonlyMap<Name, string>): LogFormat {
  const paths = new Map([...places].map(([name, place]) => [name, place.split(/(?<!\\)\./).map(plain)]))
  const at = (object: LogObject, path: readonly string[]): unknown => {
    let value: unknown = object
    for (const key of path) {
      const inside = firstOf(value)
      value = typeof inside === 'object' && inside !== null ? (inside as LogObject)[key] : undefined
    }
    return firstOf(value)
  }
  const about = 'JSON, by --map'
  return jsonFormat(
    'map',
    about,
    () => true,
    () => (object) => read(places, (name) => at(object, paths.get(name) ?? [])),
  )
}

function columnMap(places: ReadonlyMap<Name, string>, delimiter: string): LogFormat {
  const last = Math.max(...[...places.values()].map(Number))
  return {
    name: 'map',
    about: 'columns, by --map',
    owns: () => true,
    open: () => (line) => {
      if (line.startsWith('#')) return ['comment']
      const columns = line.includes('"') ? quoted(line, delimiter) : line.split(delimiter)
      if (columns.length < last) return ['malformed']
      const entry = read(places, (name) => columns[Number(places.get(name)) - 1])
      // A first line with the names of columns has text where a number must be.
      return [entry === 'incomplete' ? 'malformed' : entry]
    },
  }
}

function read(places: ReadonlyMap<Name, string>, value: (name: Name) => unknown): LogEntry {
  const facts: LogFacts = { method: 'GET', status: 200, target: value('path'), ua: value('ua') ?? null }
  for (const name of ['time', 'method', 'host', 'query', 'status', 'bytes', 'ip', 'category'] as const)
    if (places.has(name)) facts[name] = value(name)
  return recordOf(facts)
}

/** Columns of which some stand in quotes (RFC 4180): `""` is a quote there. */
function quoted(line: string, delimiter: string): string[] {
  const columns: string[] = []
  let at = 0
  while (at <= line.length) {
    const [whole = '', text] = line[at] === '"' ? (/^"((?:[^"]|"")*)"?/.exec(line.slice(at)) ?? []) : []
    const start = at + whole.length
    const end = line.indexOf(delimiter, start)
    const stop = end < 0 ? line.length : end
    columns.push(text === undefined ? line.slice(start, stop) : text.replaceAll('""', '"'))
    at = stop + 1
  }
  return columns
}

function plain(key: string): string {
  return key.replaceAll('\\.', '.')
}
