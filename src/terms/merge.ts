/** The robots.txt of a site: the origin's file as it stands, with our lines before and behind it. */
import { type DocumentRequest, isMissing, originFile, written } from './asked.ts'
import { licenseOf } from './names.ts'
import { globalLines, groupLines, NO_ROBOTS, readRobots } from './robots.ts'

/**
 * Crawlers read at least so much of the file (RFC 9309 §2.5), and some no more. Only the lines before a longer file are
 * ours: groups behind it would not be read, and it is passed on as it comes.
 */
export const MAX_ROBOTS_BYTES = 500 * 1024

const TEXT = 'text/plain; charset=utf-8'
/** Headers by which the origin describes the bytes of its own file. */
const OF_BYTES =
  /^(?:accept-ranges|content-(?:digest|encoding|length|md5)|digest|etag|last-modified|repr-digest)$/

/**
 * Answers robots.txt. An origin without one (404, 410) gets ours. Any other answer but text is passed on as it came: a
 * redirect, a failure, a page of HTML, a file in UTF-16 or gzip.
 */
export async function robotsTxt(site: DocumentRequest): Promise<Response> {
  const { request, origin, policy, documents } = site
  const before = globalLines(licenseOf(site, origin))
  const answer = await originFile(site)
  if (isMissing(answer)) {
    await answer.body?.cancel()
    return written(site, `${before}${groupLines(policy, documents, NO_ROBOTS)}`, TEXT)
  }
  if (answer.status !== 200 || !/^(?:text\/plain\b|$)/i.test(answer.headers.get('content-type') ?? ''))
    return answer
  if (request.method === 'HEAD') return merged(answer, null)
  if (!answer.body) return merged(answer, `${before}${groupLines(policy, documents, NO_ROBOTS)}`)
  const { start, rest } = await readStart(answer.body)
  if (isBinary(start)) return new Response(joined([start], rest), answer)
  const mark = start[0] === 0xef && start[1] === 0xbb && start[2] === 0xbf ? 3 : 0
  const behind = rest ? '' : groupLines(policy, documents, readRobots(new TextDecoder().decode(start)))
  // Trap: readers skip a byte order mark at the beginning alone.
  const parts = [start.subarray(0, mark), encode(before), start.subarray(mark)]
  return merged(answer, joined(behind === '' ? parts : [...parts, encode(`\n${behind}`)], rest))
}

function merged({ headers: given }: Response, body: ReadableStream | string | null): Response {
  const headers = new Headers(given)
  for (const name of given.keys()) if (OF_BYTES.test(name)) headers.delete(name)
  if (!headers.has('content-type')) headers.set('content-type', TEXT)
  return new Response(body, { headers })
}

/** Whether a file is not text: a binary data byte among the first 1445 (WHATWG MIME Sniffing §3, §7). UTF-16 has such bytes. */
function isBinary(start: Uint8Array): boolean {
  return start
    .subarray(0, 1445)
    .some((byte) => byte <= 0x08 || byte === 0x0b || (byte >= 0x0e && byte <= 0x1f && byte !== 0x1b))
}

type Reader = ReadableStreamDefaultReader<Uint8Array>

/** Reads a body up to {@link MAX_ROBOTS_BYTES}; `rest` is null where it has ended by then. */
async function readStart(
  body: ReadableStream<Uint8Array>,
): Promise<{ start: Uint8Array; rest: Reader | null }> {
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  while (size <= MAX_ROBOTS_BYTES) {
    const { done, value } = await reader.read()
    if (done) return { start: concat(chunks, size), rest: null }
    chunks.push(value)
    size += value.byteLength
  }
  return { start: concat(chunks, size), rest: reader }
}

function concat(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.byteLength
  }
  return whole
}

/** A body of parts and the rest of another body. */
function joined(all: readonly Uint8Array[], rest: Reader | null): ReadableStream {
  const parts = all.filter(({ byteLength }) => byteLength > 0)
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const part = parts.shift()
      if (part) return controller.enqueue(part)
      const read = await rest?.read()
      if (read?.value) controller.enqueue(read.value)
      else controller.close()
    },
    cancel: (reason) => rest?.cancel(reason),
  })
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
