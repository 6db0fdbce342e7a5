/** The lines of a log from its bytes: gzip, the text encoding, line ends, and a limit on the length of a line. */
import { createGunzip } from 'node:zlib'

/** Longer lines are left out, and counted. Bytes. */
const MAX_LINE_BYTES = 10 * 1024 * 1024
/** A part of compressed input: at the best ratio of gzip, 1:1032, it becomes 64 MB. */
const GZIP_PART_BYTES = 64 * 1024
/** The bytes by which kind and encoding are found. */
const HEAD_BYTES = 4096

const NEWLINE = 10

/** Some lines in order, without their ends. Null: a line over 10 MB. */
export type Lines = readonly (string | null)[]

/** A log whose bytes cannot be read as lines. The message states what must be. */
export class UnreadableLog extends Error {}

type Chunks = AsyncIterable<Uint8Array>

/** First bytes of what is read nowhere here, and the way to make it readable. */
const FOREIGN: readonly (readonly [magic: string, name: string, advice: string])[] = [
  ['28b52ffd', 'zstd', 'Decompress it first: zstd -dc LOG | tab402 replay -'],
  ['425a68', 'bzip2', 'Decompress it first: bzip2 -dc LOG | tab402 replay -'],
  ['fd377a585a00', 'xz', 'Decompress it first: xz -dc LOG | tab402 replay -'],
  ['504b0304', 'a zip archive', 'Unpack it first: unzip -p LOG | tab402 replay -'],
  ['50415231', 'Parquet', 'Let the log be written as JSON or text.'],
]

/**
 * Reads bytes as lines, a bounded part at a time. gzip is found by its first bytes, also of several members in a row.
 * Text is UTF-8, UTF-16 by its mark or its zero bytes, and Latin-1 in lines that are not UTF-8. `endsEarly` is called
 * once for a gzip stream that is cut off or damaged, after all lines before the fault.
 * @throws UnreadableLog for other compressions and for binary data
 */
export async function* logLines(bytes: Chunks, endsEarly: () => void): AsyncGenerator<Lines> {
  const [head, all] = await peek(bytes)
  const isGzip = head[0] === 0x1f && head[1] === 0x8b
  yield* split(await asUtf8(isGzip ? gunzip(all, endsEarly) : all))
}

/** The first bytes, and the whole again. */
async function peek(chunks: Chunks): Promise<[head: Buffer, all: Chunks]> {
  const iterator = chunks[Symbol.asyncIterator]()
  const parts: Uint8Array[] = []
  let size = 0
  while (size < HEAD_BYTES) {
    const { done, value } = await iterator.next()
    if (done) break
    parts.push(value)
    size += value.length
  }
  const rest = { [Symbol.asyncIterator]: () => iterator }
  const all = async function* () {
    yield* parts.splice(0)
    yield* rest
  }
  return [Buffer.concat(parts), all()]
}

/**
 * Trap: zlib's own stream drops what it has decompressed once it fails. Here a log that is cut off keeps every byte before
 * the cut.
 */
async function* gunzip(chunks: Chunks, endsEarly: () => void): AsyncGenerator<Uint8Array> {
  const unzip = createGunzip()
  const ready: Uint8Array[] = []
  let isBroken = false
  let wake = () => {}
  unzip.on('data', (part: Uint8Array) => ready.push(part))
  unzip.on('error', () => {
    isBroken = true
    // A write that fails may call nothing back.
    wake()
  })
  const step = (start: (done: () => void) => void) =>
    new Promise<void>((done) => {
      wake = done
      start(done)
    })
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length && !isBroken; at += GZIP_PART_BYTES) {
      await step((done) => unzip.write(chunk.subarray(at, at + GZIP_PART_BYTES), () => done()))
      yield* ready.splice(0)
    }
    if (isBroken) break
  }
  if (!isBroken) await step((done) => unzip.once('end', done).end())
  yield* ready
  if (isBroken) endsEarly()
}

/** The text as UTF-8, whatever it was. */
async function asUtf8(chunks: Chunks): Promise<Chunks> {
  const [head, all] = await peek(chunks)
  const magic = head.toString('hex', 0, 6)
  const [, name, advice] = FOREIGN.find(([start]) => magic.startsWith(start)) ?? []
  if (name !== undefined) throw new UnreadableLog(`must be text or gzip, not ${name}. ${advice}`)
  const encoding = utf16In(head)
  if (encoding) return decoded(all, encoding)
  if (head.includes(0)) throw new UnreadableLog('must be text in UTF-8 or UTF-16, or such text in gzip.')
  return all
}

/** UTF-16 by its byte order mark, else by zero bytes in each second place, as text that is mostly ASCII has them. */
function utf16In(head: Buffer): 'utf-16le' | 'utf-16be' | undefined {
  const mark = head.toString('hex', 0, 4)
  // UTF-32 begins with the same mark, then two zeros. It is refused as binary.
  if (mark.startsWith('fffe') && mark !== 'fffe0000') return 'utf-16le'
  if (mark.startsWith('feff')) return 'utf-16be'
  const zeros = [0, 0]
  for (const [at, byte] of head.entries()) if (byte === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1
  const [even = 0, odd = 0] = zeros
  const most = head.length * 0.3
  return odd > most && even === 0 ? 'utf-16le' : even > most && odd === 0 ? 'utf-16be' : undefined
}

async function* decoded(chunks: Chunks, encoding: string): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder(encoding)
  const encoder = new TextEncoder()
  for await (const chunk of chunks) yield encoder.encode(decoder.decode(chunk, { stream: true }))
  yield encoder.encode(decoder.decode())
}

async function* split(chunks: Chunks): AsyncGenerator<Lines> {
  let open: Uint8Array[] = []
  let openBytes = 0
  let isFirst = true
  for await (const chunk of chunks) {
    const first = chunk.indexOf(NEWLINE)
    const end = chunk.lastIndexOf(NEWLINE) + 1
    if (first >= 0) {
      const begun = openBytes + first > MAX_LINE_BYTES ? null : text([...open, chunk.subarray(0, first)])
      yield [isFirst ? withoutMark(begun) : begun, ...within(chunk.subarray(first + 1, end))]
      isFirst = false
      open = []
      openBytes = 0
    }
    openBytes += chunk.length - end
    // Beyond the limit, the bytes of a line are counted and dropped.
    if (openBytes <= MAX_LINE_BYTES) open.push(chunk.slice(end))
    else open = []
  }
  if (openBytes === 0) return
  const last = openBytes > MAX_LINE_BYTES ? null : text(open)
  yield [isFirst ? withoutMark(last) : last]
}

/** Whole lines, each with its end. A single decoding of all of them is faster. */
function within(bytes: Uint8Array): Lines {
  if (bytes.length === 0) return []
  const whole = bytes.subarray(0, -1)
  const all = Buffer.from(whole.buffer, whole.byteOffset, whole.length).toString('utf8')
  if (!all.includes('\ufffd')) return all.split('\n').map(withoutReturn)
  const lines: string[] = []
  for (let at = 0; at <= whole.length; ) {
    const found = whole.indexOf(NEWLINE, at)
    const end = found < 0 ? whole.length : found
    lines.push(text([whole.subarray(at, end)]))
    at = end + 1
  }
  return lines
}

/** One line; bytes that are not UTF-8 are Latin-1. */
function text(parts: readonly Uint8Array[]): string {
  const bytes = Buffer.concat(parts)
  const utf8 = bytes.toString('utf8')
  return withoutReturn(utf8.includes('\ufffd') ? bytes.toString('latin1') : utf8)
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}

function withoutMark(line: string | null): string | null {
  return line?.startsWith('\ufeff') ? line.slice(1) : line
}
