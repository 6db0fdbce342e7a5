import { afterEach, describe, expect, it, vi } from 'vitest'
import { MAX_ANSWER_BYTES } from '../../src/ledger/stored-answers.ts'
import { READ_MS, readAnswer, restore } from '../../src/paywall/stored-answer.ts'

afterEach(() => {
  vi.useRealTimers()
})

const textOf = (body: ArrayBuffer | undefined) => new TextDecoder().decode(body)

/** A response in parts; `end` says whether its body ends after them. */
function inParts(parts: string[], end = true, headers = {}) {
  const cancelled = vi.fn()
  const body = new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(new TextEncoder().encode(part))
      if (end) controller.close()
    },
    cancel: cancelled,
  })
  return { response: new Response(body, { headers }), cancelled }
}

describe('readAnswer', () => {
  it('stores status, headers and body, and passes the same on', async () => {
    const { response } = inParts(['a', 'b'], true, { 'x-one': '1', 'content-length': '2' })
    response.headers.append('set-cookie', 'a=1')
    response.headers.append('set-cookie', 'b=2')
    const { answer, stored } = await readAnswer(response)
    expect([stored?.status, textOf(stored?.body)]).toEqual([200, 'ab'])
    expect(stored && (await restore(stored).text())).toBe('ab')
    expect(stored && restore(stored).headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect([await answer.text(), answer.headers.get('x-one')]).toEqual(['ab', '1'])
  })

  it('stores an answer without a body', async () => {
    const { stored } = await readAnswer(new Response(null, { status: 204 }))
    expect(stored && [restore(stored).status, restore(stored).body]).toEqual([204, null])
  })

  it.each([
    [MAX_ANSWER_BYTES, true],
    [MAX_ANSWER_BYTES + 1, false],
  ])('of %s bytes is stored: %s, and is passed on in full', async (size, isStored) => {
    const { response } = inParts(['x'.repeat(40_000), 'x'.repeat(size - 40_000)])
    const { answer, stored } = await readAnswer(response)
    expect([stored !== null, (await answer.text()).length]).toEqual([isStored, size])
  })

  it('counts headers as part of the size', async () => {
    const { response } = inParts(['x'.repeat(MAX_ANSWER_BYTES - 5)], true, { 'x-one': '12345' })
    expect((await readAnswer(response)).stored).toBeNull()
  })

  it('passes an unended body on after READ_MS, with what follows', async () => {
    vi.useFakeTimers()
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const writer = writable.getWriter()
    const first = writer.write(new TextEncoder().encode('first'))
    const reading = readAnswer(new Response(readable))
    await first
    await vi.advanceTimersByTimeAsync(READ_MS)
    const { answer, stored } = await reading
    expect(stored).toBeNull()
    const text = answer.text()
    await writer.write(new TextEncoder().encode(' and last'))
    await writer.close()
    expect(await text).toBe('first and last')
  })

  it('cancels the origin’s body when the client leaves', async () => {
    vi.useFakeTimers()
    const { response, cancelled } = inParts(['first'], false)
    const reading = readAnswer(response)
    await vi.advanceTimersByTimeAsync(READ_MS)
    const { answer } = await reading
    await answer.body?.cancel()
    expect(cancelled).toHaveBeenCalled()
  })

  it('rejects when the body breaks off', async () => {
    const body = new ReadableStream({
      start(controller) {
        controller.error(new Error('the origin is gone'))
      },
    })
    await expect(readAnswer(new Response(body))).rejects.toThrow('the origin is gone')
  })

  it('reads nothing of a body with a larger stated length, or of events', async () => {
    for (const headers of [
      { 'content-length': `${MAX_ANSWER_BYTES + 1}` },
      { 'content-type': 'text/event-stream' },
    ]) {
      const { response } = inParts([], false, headers)
      const { answer, stored } = await readAnswer(response)
      expect([answer === response, stored]).toEqual([true, null])
    }
  })
})
