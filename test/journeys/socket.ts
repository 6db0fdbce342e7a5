/** Bytes over a plain socket: what no HTTP client would send, and clients that hang up. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** Longer than any answer takes; a server that still holds the socket then has swallowed the request. */
const PATIENCE_MS = 10_000

/** Opens a socket to a URL's host and writes to it. */
export async function open(url: string, bytes: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  // A server that hangs up in the middle of an answer is an answer.
  socket.on('error', () => socket.destroy())
  socket.write(bytes, 'latin1')
  return socket
}

/** Writes, and answers all that comes back until the server hangs up. */
export async function exchange(url: string, bytes: string): Promise<string> {
  const socket = await open(url, bytes)
  let answer = ''
  socket.setEncoding('latin1').on('data', (text) => {
    answer += text
  })
  socket.setTimeout(PATIENCE_MS, () => socket.destroy())
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
