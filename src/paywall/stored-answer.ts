/** The answer of a method with effects, read so that it can be stored and sent again. */
import { MAX_ANSWER_BYTES, type StoredAnswer } from '../ledger/stored-answers.ts'

/**
 * How long the body of an answer is read before it leaves. A body that is still coming then is passed on as it comes, and is
 * not stored: a stream must not wait for its end.
 */
export const READ_MS = 500

/** Headers of the bytes on the wire. A body that was read is decoded, and its length is set anew. */
const OF_THE_TRANSFER = new Set(['content-encoding', 'content-length'])

/** A response, and the same as it can be stored; null if it is a stream or larger than {@link MAX_ANSWER_BYTES}. */
type ReadAnswer = { answer: Response; stored: StoredAnswer | null }

/**
 * Reads an answer to the end if it is short and prompt.
 * @throws when the body breaks off meanwhile
 */
export async function readAnswer(response: Response): Promise<ReadAnswer> {
  const headers = [...response.headers]
    .filter(([name]) => !OF_THE_TRANSFER.has(name))
    .map(([name, value]) => ({ name, value }))
  const { status } = response
  if (!response.body) return { answer: response, stored: { status, headers, body: new ArrayBuffer(0) } }
  if (isStream(response)) return { answer: response, stored: null }
  const room = headers.reduce((room, { name, value }) => room - name.length - value.length, MAX_ANSWER_BYTES)
  const read = await readBody(response.body, room)
  if (read instanceof ReadableStream) return { answer: new Response(read, response), stored: null }
  const stored: StoredAnswer = { status, headers, body: read }
  return { answer: restore(stored), stored }
}

/** The response that {@link readAnswer} has stored. */
export function restore({ status, headers, body }: StoredAnswer): Response {
  const response = new Response(body.byteLength > 0 ? body : null, { status })
  for (const { name, value } of headers) response.headers.append(name, value)
  return response
}

/** Events come one by one, and a body that is too large is known by its stated length. */
function isStream({ headers }: Response): boolean {
  return (
    /^text\/event-stream\b/i.test(headers.get('content-type') ?? '') ||
    Number(headers.get('content-length') ?? 0) > MAX_ANSWER_BYTES
  )
}

/** The whole body if it fits into `room` and ends in time, else all of it as a stream. */
async function readBody(
  body: ReadableStream<Uint8Array>,
  room: number,
): Promise<ArrayBuffer | ReadableStream<Uint8Array>> {
  const reader = body.getReader()
  const parts: Uint8Array[] = []
  let size = 0
  const late = Promise.withResolvers<'late'>()
  const timer = setTimeout(() => late.resolve('late'), READ_MS)
  try {
    for (;;) {
      const next = reader.read()
      const got = await Promise.race([next, late.promise])
      if (got === 'late') return resumed(parts, next, reader)
      if (got.done) return new Blob(parts).arrayBuffer()
      parts.push(got.value)
      size += got.value.byteLength
      if (size > room) return resumed(parts, reader.read(), reader)
    }
  } finally {
    clearTimeout(timer)
  }
}

/** A stream of the parts that were read, the one that is being read, and the rest. */
function resumed(
  parts: Uint8Array[],
  next: Promise<ReadableStreamReadResult<Uint8Array>>,
  reader: ReadableStreamDefaultReader<Uint8Array>,
): ReadableStream<Uint8Array> {
  // The stream may be cancelled before it is read.
  next.catch(() => undefined)
  let pending: typeof next | null = next
  return new ReadableStream<Uint8Array>({
    start(controller) {
      for (const part of parts) controller.enqueue(part)
    },
    async pull(controller) {
      const { done, value } = await (pending ?? reader.read())
      pending = null
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: (reason) => reader.cancel(reason),
  })
}
