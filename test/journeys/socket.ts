/** Bytes over a plain socket: requests that no HTTP client sends, and clients that hang up. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** Longer than any answer takes. */
const ANSWER_TIMEOUT_MS = 10_000

/** Opens a socket to a URL's host and writes to it. */
export async function open(url: string, bytes: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  // A test also expects servers that hang up in the middle of an answer.
  socket.on('error', () => socket.destroy())
  socket.write(bytes, 'latin1')
  return socket
}

/** Writes the bytes and returns all answers until the server hangs up. */
export async function exchange(url: string, bytes: string): Promise<string> {
  const socket = await open(url, bytes)
  let answer = ''
  socket.setEncoding('latin1').on('data', (text) => {
    answer += text
  })
  socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy())
  await once(socket, 'close')
  return answer
}

/** A request of these lines, without a body. */
export function head(...lines: string[]): string {
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** The status of every answer on a socket, in order. */
export function statuses(answer: string): number[] {
  return [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
}
