/** The requests of the load: with prepared payments, one bare request repeated, or with freshly signed commitments. */
import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { Signed, signer } from './commitments.ts'

/** More than any case serves on today's machines. */
export const MAX_REQUESTS_PER_SECOND = 6_500

export const Traffic = v.object({
  host: v.string(),
  port: v.number(),
  path: v.string(),
  /** Names of hosts that bare requests ask for in turn, in place of the address. */
  hosts: v.optional(v.array(v.string())),
  /** A file with one payment header on each line. Without it, the load repeats one bare request. */
  payments: v.optional(v.string()),
  /** Instead of `payments`: the input of each request's signature. */
  signed: v.optional(Signed),
  /** How many payments of the file were sent before. */
  skip: v.optional(v.number(), 0),
  /** `shared`: each connection takes the next unused payment. `own`: each has its own part of the file. */
  lanes: v.picklist(['shared', 'own']),
  /** Start over after the last payment. Only for Workers that do not verify payments. */
  repeat: v.boolean(),
  connections: v.number(),
  /** The expected status; any other is a failure. */
  status: v.number(),
})

/** The first message to a load client. Each later message is a slice's length in milliseconds. */
export type Traffic = v.InferInput<typeof Traffic>

export type Requests = {
  /** Prepares enough requests for a slice, before its time starts. */
  prepare(milliseconds: number): void
  /** The next request of a connection; undefined when none is left. */
  next(lane: number): Buffer | undefined
}

export function requestsOf(traffic: v.InferOutput<typeof Traffic>): Requests {
  const { host, port, path, hosts, signed } = traffic
  const headTo = (name: string) =>
    `GET ${path} HTTP/1.1\r\nHost: ${name}\r\nUser-Agent: GPTBot/1.2\r\nAccept: */*\r\n`
  if (hosts) return new Turns(hosts.map(headTo))
  const head = headTo(`${host}:${port}`)
  return signed ? new Fresh(head, traffic, signed) : new Ahead(head, traffic)
}

const END = Buffer.from('\r\n\r\n')

/** One bare request for each host, in turn. */
class Turns implements Requests {
  readonly #requests: readonly Buffer[]
  #sent = 0

  constructor(heads: readonly string[]) {
    this.#requests = heads.map((head) => Buffer.from(`${head}\r\n`, 'latin1'))
  }

  prepare(): void {}

  next(): Buffer | undefined {
    return this.#requests[this.#sent++ % this.#requests.length]
  }
}

/** Builds each request when it is sent, since all of them do not fit into memory. */
class Ahead implements Requests {
  readonly #traffic: v.InferOutput<typeof Traffic>
  readonly #taken: number[]
  readonly #count: number
  readonly #head: Buffer
  readonly #file: Buffer
  /** Where each line begins, and where the last one ends. */
  readonly #lines: number[] = [0]

  constructor(head: string, traffic: v.InferOutput<typeof Traffic>) {
    const { payments, connections } = traffic
    this.#traffic = traffic
    this.#taken = Array.from({ length: connections }, () => 0)
    this.#head = Buffer.from(payments === undefined ? `${head}\r\n` : `${head}PAYMENT-SIGNATURE: `, 'latin1')
    this.#file = payments === undefined ? Buffer.alloc(0) : readFileSync(payments)
    for (let at = this.#file.indexOf(10); at >= 0; at = this.#file.indexOf(10, at + 1)) {
      this.#lines.push(at + 1)
    }
    this.#count = payments === undefined ? 1 : this.#lines.length - 1
  }

  prepare(): void {}

  next(lane: number): Buffer | undefined {
    const { lanes, repeat, skip } = this.#traffic
    const own = lanes === 'own'
    const all = this.#count - skip
    const size = own ? Math.floor(all / this.#taken.length) : all
    const at = this.#taken[own ? lane : 0] ?? 0
    this.#taken[own ? lane : 0] = at + 1
    if (at >= size && !repeat) return undefined
    return this.#at(skip + (own ? lane * size : 0) + (at % size))
  }

  #at(index: number): Buffer {
    if (this.#file.length === 0) return this.#head
    const line = this.#file.subarray(this.#lines[index], (this.#lines[index + 1] ?? 0) - 1)
    return Buffer.concat([this.#head, line, END])
  }
}

/** Signs before each slice: a signature for credit is valid for minutes, a measurement may take longer. */
class Fresh implements Requests {
  readonly #head: string
  readonly #repeat: boolean
  readonly #sign: () => Record<string, string>
  #requests: Buffer[] = []
  #taken = 0

  constructor(head: string, { host, port, path, repeat }: v.InferOutput<typeof Traffic>, signed: Signed) {
    this.#head = head
    this.#repeat = repeat
    this.#sign = signer(signed, new URL(path, `http://${host}:${port}`))
  }

  prepare(milliseconds: number): void {
    const length = Math.ceil((milliseconds * MAX_REQUESTS_PER_SECOND) / 1000)
    this.#taken = 0
    this.#requests = Array.from({ length }, () => {
      const fields = Object.entries(this.#sign()).map(([name, value]) => `${name}: ${value}\r\n`)
      return Buffer.from(`${this.#head}${fields.join('')}\r\n`, 'latin1')
    })
  }

  next(): Buffer | undefined {
    const at = this.#taken++
    return this.#requests[this.#repeat ? at % this.#requests.length : at]
  }
}
