/** The load: a raw keep-alive HTTP/1.1 client in its own process, fast enough not to limit the Worker. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import * as v from 'valibot'
import { type Requests, requestsOf, Traffic } from './requests.ts'

/** The result of one slice. `p50` is in milliseconds; `busy` is the share of one core that the client itself used. */
export type Slice = { answered: number; seconds: number; p50: number; busy: number; failures: string[] }

const HEAD_END = Buffer.from('\r\n\r\n')
const CHUNKS_END = Buffer.from('\r\n0\r\n\r\n')

class Client {
  readonly #traffic: v.InferOutput<typeof Traffic>
  readonly #requests: Requests

  constructor(traffic: v.InferOutput<typeof Traffic>) {
    this.#traffic = traffic
    this.#requests = requestsOf(traffic)
  }

  async slice(milliseconds: number): Promise<Slice> {
    this.#requests.prepare(milliseconds)
    // New for each slice: the runtime closes connections that are idle for five seconds.
    const opening = Array.from({ length: this.#traffic.connections }, () => Connection.open(this.#traffic))
    const connections = await Promise.all(opening)
    const before = process.cpuUsage()
    const start = performance.now()
    const until = start + milliseconds
    const times: number[] = []
    const failures: string[] = []
    const drive = async (lane: number, connection: Connection) => {
      while (performance.now() < until && failures.length === 0) {
        const request = this.#requests.next(lane)
        if (!request) return void failures.push('all payments are used up')
        const since = performance.now()
        const status = await connection.ask(request)
        times.push(performance.now() - since)
        if (status !== this.#traffic.status) failures.push(`${connection.last.toString('latin1')}`)
      }
    }
    await Promise.all(
      connections.map((connection, lane) =>
        drive(lane, connection).catch((cause) => failures.push(String(cause))),
      ),
    )
    const seconds = (performance.now() - start) / 1000
    const { user, system } = process.cpuUsage(before)
    for (const connection of connections) connection.close()
    times.sort((a, b) => a - b)
    const p50 = times[times.length >> 1] ?? 0
    return { answered: times.length, seconds, p50, busy: (user + system) / 1e6 / seconds, failures }
  }
}

/** One keep-alive connection with one request in flight. */
class Connection {
  /** The last response, for the report of a failure. */
  last: Buffer = Buffer.alloc(0)
  readonly #socket: Socket
  #held: Buffer = Buffer.alloc(0)
  #waiting: PromiseWithResolvers<number> | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (part) => this.#take(part))
    socket.on('error', (cause) => this.#waiting?.reject(cause))
    socket.on('close', () => this.#waiting?.reject(new Error('the connection was closed')))
  }

  static async open({ host, port }: Traffic): Promise<Connection> {
    const socket = connect({ host, port, noDelay: true })
    await once(socket, 'connect')
    return new Connection(socket)
  }

  ask(request: Buffer): Promise<number> {
    this.#waiting = Promise.withResolvers<number>()
    this.#socket.write(request)
    return this.#waiting.promise
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(part: Buffer): void {
    this.#held = this.#held.length === 0 ? part : Buffer.concat([this.#held, part])
    const answer = read(this.#held)
    if (!answer) return
    this.last = this.#held.subarray(0, answer.length)
    this.#held = this.#held.subarray(answer.length)
    this.#waiting?.resolve(answer.status)
  }
}

/** Status and length of the response in `held`; undefined while it is incomplete. */
function read(held: Buffer): { status: number; length: number } | undefined {
  const end = held.indexOf(HEAD_END)
  if (end < 0) return undefined
  const head = held.toString('latin1', 0, end + 2)
  const status = Number(head.slice(9, 12))
  const [, length] = /\r\ncontent-length: ?(\d+)\r\n/i.exec(head) ?? []
  if (length !== undefined) {
    const whole = end + 4 + Number(length)
    return held.length < whole ? undefined : { status, length: whole }
  }
  const last = held.indexOf(CHUNKS_END, end + 2)
  return last < 0 ? undefined : { status, length: last + CHUNKS_END.length }
}

let client: Client | undefined
process.on('message', async (message) => {
  if (typeof message === 'number') process.send?.(await client?.slice(message))
  else client = new Client(v.parse(Traffic, message))
})
process.on('disconnect', () => process.exit())
