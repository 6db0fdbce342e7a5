/** A receiver of webhooks on this machine, outside the Workers runtime: it keeps what each box was sent. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One webhook as it arrived. */
export type Received = { headers: Record<string, string>; body: string; status: number }

/** A POST to `/<box>` is kept and answered; GET lists what the box was sent; PUT sets the status of its answers. */
export async function startHooks(): Promise<{ url: string; stop: () => Promise<void> }> {
  const boxes = new Map<string, { status: number; received: Received[] }>()
  const server = createServer(async (request, response) => {
    const box = boxes.get(request.url ?? '') ?? { status: 200, received: [] }
    boxes.set(request.url ?? '', box)
    const body = await textOf(request)
    if (request.method === 'GET') return response.end(JSON.stringify(box.received))
    if (request.method === 'PUT') box.status = Number(body)
    else box.received.push({ headers: request.headers as Received['headers'], body, status: box.status })
    response.writeHead(request.method === 'PUT' ? 204 : box.status).end('ok')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of request) text += part
  return text
}
