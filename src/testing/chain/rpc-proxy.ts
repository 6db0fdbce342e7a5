/** A server that misbehaves on demand: in front of a node, what a test cannot ask of a healthy one; alone, a facilitator. */
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * One misbehaviour towards one method (`*`: every method), `times` times (for good, if not given), where the parameters contain
 * `where`.
 * - `drop`: the call never reaches the node; a gateway's 504 comes back.
 * - `swallow`: the node does the call, and its reply is lost: the same 504.
 * - `delay`: the call is forwarded `ms` later.
 * - `ask`: the call is forwarded with one text in place of another, as if the node had been asked for something else.
 * - `alter`: the node is asked, and fields of its result are replaced; a field set to `null` is left out.
 * - `stale`: the node answers as of that many blocks ago, and lacks receipts of later ones.
 * - `answer`: the node is not asked; a JSON-RPC `result` or `error`, or any HTTP `status` and `body`, comes from here.
 */
export type RpcFault = { method: string; where?: string; times?: number } & (
  | { does: 'drop' | 'swallow' }
  | { does: 'delay'; ms: number }
  | { does: 'ask'; replace: string; by: string }
  | { does: 'stale'; blocks: number }
  | { does: 'alter'; set: Record<string, unknown> }
  | {
      does: 'answer'
      result?: unknown
      error?: { code: number; message: string; data?: string }
      status?: number
      body?: string
    }
)

/** A call that came through, in the order of coming. */
export type Seen = { method: string; params: unknown; headers: Record<string, string | string[] | undefined> }

const JSON_HEADERS = { 'content-type': 'application/json' }
const KEPT = new Agent({ keepAlive: true })

export type RpcProxy = {
  url: string
  /** The faults of a lane. Add and remove them in place. */
  faults(lane: string): RpcFault[]
  /** The calls that a lane has seen so far. */
  seen(lane: string): readonly Seen[]
  stop(): Promise<void>
}

type Lane = { faults: RpcFault[]; seen: Seen[] }
type Rpc = { id: number; method: string; params: unknown }

/**
 * The first segment of a path is a lane of its own, so that tests do not disturb each other. `PUT <url>/<lane>` sets its
 * faults (JSON, {@link RpcFault}[]) and `GET` answers what it has {@link Seen}. `POST <url>/<lane>` is JSON-RPC, forwarded to
 * `target`; anything below a lane (`/<lane>/settle`) is a call of that name, answered by the lane's faults only.
 */
export async function startRpcProxy(target: string): Promise<RpcProxy> {
  const lanes = new Map<string, Lane>()
  const laneOf = (name: string) => {
    const lane = lanes.get(name) ?? { faults: [], seen: [] }
    lanes.set(name, lane)
    return lane
  }
  const server = createServer((request, response) => {
    const [, name = '', call] = (request.url ?? '/').split('/')
    handle(request, response, laneOf(name), { target, call }).catch((thrown) => {
      response.writeHead(502).end(String(thrown))
    })
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    faults: (name) => laneOf(name).faults,
    seen: (name) => laneOf(name).seen,
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped())
        server.closeAllConnections()
      }),
  }
}

async function handle(
  incoming: IncomingMessage,
  response: ServerResponse,
  lane: Lane,
  { target, call }: { target: string; call: string | undefined },
) {
  const body = await textOf(incoming)
  if (!call && incoming.method === 'PUT') {
    lane.faults = JSON.parse(body) as RpcFault[]
    response.end()
    return
  }
  if (!call && incoming.method === 'GET') {
    response.end(JSON.stringify(lane.seen))
    return
  }
  const sent: unknown = body === '' ? null : JSON.parse(body)
  const { id, method, params } = call ? { id: 0, method: call, params: sent } : (sent as Rpc)
  lane.seen.push({ method, params, headers: incoming.headers })
  const fault = take(lane, method, body)
  if (fault?.does === 'drop') {
    response.writeHead(504).end()
    return
  }
  if (fault?.does === 'answer') {
    const { status = 200, result, error } = fault
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(fault.body ?? JSON.stringify({ jsonrpc: '2.0', id, result, error }))
    return
  }
  if (fault?.does === 'delay') await new Promise((over) => setTimeout(over, fault.ms))
  if (call) {
    response.writeHead(404).end()
    return
  }
  if (fault?.does === 'stale') {
    response.writeHead(200, JSON_HEADERS).end(await askStale(target, { id, method, params }, fault.blocks))
    return
  }
  const asked = fault?.does === 'ask' ? body.replace(fault.replace, fault.by) : body
  const { status, text } = await forward(target, asked)
  if (fault?.does === 'swallow') {
    response.writeHead(504).end()
    return
  }
  response.writeHead(status, JSON_HEADERS).end(fault?.does === 'alter' ? alter(text, fault.set) : text)
}

/** The answer of a node whose head is some blocks behind. */
async function askStale(target: string, call: Rpc, blocks: number): Promise<string> {
  const ask = async (method: string, params: unknown) => {
    const { text } = await forward(target, JSON.stringify({ jsonrpc: '2.0', id: call.id, method, params }))
    return JSON.parse(text) as { result?: unknown }
  }
  const head = Number((await ask('eth_blockNumber', [])).result)
  const seen = `0x${Math.max(head - blocks, 0).toString(16)}`
  const result = (value: unknown) => JSON.stringify({ jsonrpc: '2.0', id: call.id, result: value })
  if (call.method === 'eth_blockNumber') return result(seen)
  const params: unknown = JSON.parse(JSON.stringify(call.params).replaceAll('"latest"', `"${seen}"`))
  const answer = await ask(call.method, params)
  const mined = (answer.result as { blockNumber?: string } | null)?.blockNumber
  const isReceipt = call.method === 'eth_getTransactionReceipt'
  return isReceipt && Number(mined) > Number(seen) ? result(null) : JSON.stringify(answer)
}

/** One connection for many calls. Trap: a call that finds it closed must not be sent twice, so nothing is repeated. */
function forward(target: string, body: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(target, { method: 'POST', headers: JSON_HEADERS, agent: KEPT }, (answer) => {
      textOf(answer).then((text) => resolve({ status: answer.statusCode ?? 502, text }), reject)
    })
    sent.once('error', reject).end(body)
  })
}

function alter(text: string, set: Record<string, unknown>): string {
  const answer = JSON.parse(text) as { result?: object | null }
  if (!answer.result) return text
  const fields = Object.entries({ ...answer.result, ...set }).filter(([, value]) => value !== null)
  return JSON.stringify({ ...answer, result: Object.fromEntries(fields) })
}

function take(lane: Lane, method: string, body: string): RpcFault | undefined {
  const fault = lane.faults.find(
    (each) => [method, '*'].includes(each.method) && each.times !== 0 && body.includes(each.where ?? ''),
  )
  if (fault?.times !== undefined) fault.times -= 1
  return fault
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
