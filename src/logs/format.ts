/** The shape of a log format, and the part that all formats of JSON share. Pure. */
import type { LogEntry } from './record.ts'

/** One format of access logs. */
export type LogFormat = {
  /** The word after `--format`. */
  name: string
  /** The product that writes it, for the help text. */
  about: string
  /** Whether a line can only be of this format. */
  owns(line: string): boolean
  /** Starts a log: the reader of its lines. It may keep state, such as the order of columns. */
  open(): LineReader
}

/** Reads one line. A line of JSON may hold a list of requests. */
export type LineReader = (line: string) => readonly LogEntry[]

/** A JSON object of a log. */
export type LogObject = Readonly<Record<string, unknown>>

/** A format of one JSON object, or a list of them, per line. Members of other types are left out. */
export function jsonFormat(
  name: string,
  about: string,
  owns: (object: LogObject) => boolean,
  open: () => (object: LogObject) => LogEntry,
): LogFormat {
  return {
    name,
    about,
    owns: (line) => objectsOf(line).some(owns),
    open() {
      const read = open()
      return (line) => {
        // A list over many lines has brackets of its own, and a comma after each object.
        if (/^[[\]]?,?$/.test(line.trim())) return ['blank']
        const objects = objectsOf(line)
        return objects.length === 0 ? ['malformed'] : objects.map(read)
      }
    },
  }
}

/** The objects of a line of JSON; none if it holds anything else. */
export function objectsOf(line: string): LogObject[] {
  const text = line.trim().replace(/,$/, '')
  if (!text.startsWith('{') && !text.startsWith('[')) return []
  const value = parsed(text)
  return (Array.isArray(value) ? value : [value]).filter(isObject)
}

/** A member that is an object; an empty one where it is absent. */
export function objectIn(object: LogObject, name: string): LogObject {
  const value = object[name]
  return isObject(value) ? value : {}
}

/** A value, or the first of a list: JSON logs keep headers as lists. */
export function firstOf(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : value
}

/** A header by its name in any case; undefined where the log has none. */
export function headerIn(headers: LogObject, name: string): unknown {
  const key = Object.keys(headers).find((key) => key.toLowerCase() === name)
  return key === undefined ? undefined : firstOf(headers[key])
}

/** Percent-decodes a column. Some writers state blanks as `+`, but only where no blank stands otherwise. Bad escapes stay. */
export function percentDecoded(value: unknown): unknown {
  if (typeof value !== 'string') return value
  const text = / |%20/.test(value) ? value : value.replaceAll('+', ' ')
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    if (cause instanceof URIError) return value
    throw cause
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined
    throw cause
  }
}

function isObject(value: unknown): value is LogObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
