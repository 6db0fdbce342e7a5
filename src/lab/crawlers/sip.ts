/** Reads an answer byte by byte on a connection of its own, and hangs up at a given place. */
import { type IncomingMessage, request as overHttp } from 'node:http'
import { request as overHttps } from 'node:https'
import type { HangUp, SignedRequest } from './crawler.ts'

/** Between two bytes. */
const PAUSE_MS = 2
/** Bytes that are read with a pause. All later ones come at once, so that a long page ends. */
const SLOW_BYTES = 100

/** The part of an answer that came before the reader hung up. `status` 0: nothing. */
export type Sip = { status: number; headers: Headers; bytes: ArrayBuffer }

/** Sends a request. Never rejects: a broken connection has the status 0. */
export function sip({ url, method, headers }: SignedRequest, hangUp: HangUp): Promise<Sip> {
  return new Promise((resolve) => {
    const ask = url.startsWith('https:') ? overHttps : overHttp
    const asked = ask(url, { method, headers, agent: false })
    const nothing = () => resolve({ status: 0, headers: new Headers(), bytes: new ArrayBuffer(0) })
    asked.on('error', nothing)
    asked.on('response', (answer) => {
      read(answer, hangUp).then((got) => {
        asked.destroy()
        resolve(got)
      })
    })
    asked.end(() => {
      if (hangUp !== 'sent') return
      asked.destroy()
      nothing()
    })
  })
}

async function read(answer: IncomingMessage, hangUp: HangUp): Promise<Sip> {
  const headers = new Headers()
  for (const [name, value] of Object.entries(answer.headers)) headers.set(name, String(value))
  const most = hangUp === 'head' ? 0 : hangUp === 'never' ? Number.POSITIVE_INFINITY : Number(hangUp)
  const bytes: number[] = []
  try {
    for await (const chunk of most > 0 ? answer : []) {
      for (const byte of chunk as Buffer) {
        bytes.push(byte)
        if (bytes.length < SLOW_BYTES) await new Promise((over) => setTimeout(over, PAUSE_MS))
        if (bytes.length >= most) break
      }
      if (bytes.length >= most) break
    }
  } catch {
    // The connection broke: what came before it counts.
  }
  return { status: answer.statusCode ?? 0, headers, bytes: Uint8Array.from(bytes).buffer }
}
