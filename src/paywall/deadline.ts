/** The time that an origin has to send its headers, whatever a client takes to send its body. */

/** A limit on the origin's time. It runs from `start` to `stop` or `end`. */
export type Deadline = ReturnType<typeof deadlineOf>

/** The signal aborts once the limit has run for `ms`, or with the fault of `fail`. After `end` it never does. */
export function deadlineOf(ms: number) {
  const controller = new AbortController()
  let running: ReturnType<typeof setTimeout> | undefined
  let hasEnded = false
  const fail = (fault: unknown) => {
    if (!hasEnded) controller.abort(fault)
  }
  const stop = () => clearTimeout(running)
  return {
    signal: controller.signal,
    fail,
    start() {
      stop()
      if (!hasEnded) running = setTimeout(() => fail(new Error('origin timeout')), ms)
    },
    stop,
    end() {
      hasEnded = true
      stop()
    },
  }
}

/**
 * A client's body as a stream for the origin. The limit runs while the origin takes a part, and after the last one: a client
 * may take as long as it likes to send a large file.
 */
export function timedBody(
  body: ReadableStream<Uint8Array>,
  length: number | undefined,
  limit: Deadline,
): ReadableStream {
  // With its length, since some servers reject a body in chunks.
  const pipe = length === undefined ? new IdentityTransformStream() : new FixedLengthStream(length)
  send(body, pipe.writable, limit).catch(limit.fail)
  return pipe.readable
}

async function send(body: ReadableStream<Uint8Array>, to: WritableStream, limit: Deadline): Promise<void> {
  const writer = to.getWriter()
  try {
    for await (const part of body) {
      limit.start()
      await writer.write(part)
      limit.stop()
    }
    limit.start()
    await writer.close()
  } catch (fault) {
    await writer.abort(fault).catch(() => undefined)
    throw fault
  }
}
