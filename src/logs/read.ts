/** Reads one log: its lines, its format and its entries. */
import type { LogFormat } from './format.ts'
import { FORMATS, sniff } from './formats.ts'
import { type Lines, logLines, UnreadableLog } from './lines.ts'
import type { LogEntry } from './record.ts'

/** A log's format is found within this many lines: other loggers may have written before. */
const HEAD_LINES = 1_000

/** The format of a log, and whether its gzip stream is cut off. */
export type LogRead = { format: string; isCut: boolean }

/**
 * Passes each entry of a log to `add`, in order. Without a given format, the first lines show it.
 * @throws UnreadableLog for an empty log, binary data, an unknown format, and a log without User-Agents
 */
export async function readLog(
  bytes: AsyncIterable<Uint8Array>,
  given: LogFormat | undefined,
  add: (entry: LogEntry) => void,
): Promise<LogRead> {
  let isCut = false
  const lines = logLines(bytes, () => {
    isCut = true
  })
  const head = await headOf(lines)
  const format = given ?? sniff(head.filter((line) => line !== null))
  if (head.length === 0) throw new UnreadableLog('must have at least one line.')
  if (!format)
    throw new UnreadableLog(`must be of a known format: ${names()}. Describe any other with --map.`)
  const read = format.open()
  const entries = entriesOf(head, read)
  const isNamed = entries.some((entry) => typeof entry === 'object')
  if (!isNamed && entries.includes('no_user_agent'))
    throw new UnreadableLog(
      'must have the User-Agent of each request. The common format leaves it out: log in the combined format.',
    )
  for (const entry of entries) add(entry)
  for await (const part of lines) for (const entry of entriesOf(part, read)) add(entry)
  return { format: format.name, isCut }
}

async function headOf(lines: AsyncGenerator<Lines>): Promise<Lines> {
  const head: (string | null)[] = []
  while (head.length < HEAD_LINES) {
    const { done, value } = await lines.next()
    if (done) break
    for (const line of value) head.push(line)
  }
  return head
}

function entriesOf(lines: Lines, read: (line: string) => readonly LogEntry[]): LogEntry[] {
  const entries: LogEntry[] = []
  for (const line of lines) {
    if (line === null) entries.push('too_long')
    else if (line.trim() === '') entries.push('blank')
    else for (const entry of read(line)) entries.push(entry)
  }
  return entries
}

function names(): string {
  return FORMATS.map(({ name }) => name).join(', ')
}
