/** A JSON-RPC proxy that misbehaves on demand: what a test cannot ask of a healthy node. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * One misbehaviour towards one method, `times` times (for good, if not given).
 * - `drop`: the call never reaches the node and the connection ends.
 * - `swallow`: the node does the call, and its reply is lost.
 * - `delay`: the call is forwarded `ms` later.
 * - `answer`: the proxy answers in the node's place, with a JSON-RPC `result` or `error`, or with any HTTP `status` and `body`.
 */
export type Fault = { method: string; times?: number } & (
  | { does: 'drop' | 'swallow' }
  | { does: 'delay'; ms: number }
  | {
      does: 'answer'
      result?: unknown
      error?: { code: number; message: string }
      status?: number
      body?: string
    }
)

/** A call that came through, in the order of coming. */
export type Seen = { method: string; params: unknown }

type Lane = { faults: Fault[]; seen: Seen[] }
type Rpc = { id: number; method: string; params: unknown }

/**
 * Each path of the proxy is a lane of its own, so that tests do not disturb each other: `POST <url>/<lane>` is the RPC,
 * `PUT` sets the lane's faults (JSON, {@link Fault}[]), `GET` answers what it has {@link Seen}.
 */
export async function startRpcProxy(target: string): Promise<{ url: string; stop(): Promise<void> }> {
  const lanes = new Map<string, Lane>()
  const server = createServer((request, response) => {
    const path = request.url ?? '/'
    const lane = lanes.get(path) ?? { faults: [], seen: [] }
    lanes.set(path, lane)
    handle(request, response, lane, target).catch((thrown) => {
      response.writeHead(502).end(String(thrown))
    })
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped())
        server.closeAllConnections()
      }),
  }
}

async function handle(request: IncomingMessage, response: ServerResponse, lane: Lane, target: string) {
  const body = await textOf(request)
  if (request.method === 'PUT') {
    lane.faults = JSON.parse(body) as Fault[]
    response.end()
    return
  }
  if (request.method === 'GET') {
    response.end(JSON.stringify(lane.seen))
    return
  }
  const { id, method, params } = JSON.parse(body) as Rpc
  lane.seen.push({ method, params })
  const fault = take(lane, method)
  if (fault?.does === 'drop') {
    request.destroy()
    return
  }
  if (fault?.does === 'answer') {
    response.writeHead(fault.status ?? 200, { 'content-type': 'application/json' })
    response.end(
      fault.body ?? JSON.stringify({ jsonrpc: '2.0', id, result: fault.result, error: fault.error }),
    )
    return
  }
  if (fault?.does === 'delay') await new Promise((over) => setTimeout(over, fault.ms))
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(target, { method: 'POST', body, headers })
  const text = await answer.text()
  if (fault?.does === 'swallow') {
    request.destroy()
    return
  }
  response.writeHead(answer.status, headers).end(text)
}

function take(lane: Lane, method: string): Fault | undefined {
  const fault = lane.faults.find((each) => each.method === method && each.times !== 0)
  if (fault?.times !== undefined) fault.times -= 1
  return fault
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
