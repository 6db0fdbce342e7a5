/** The operator's webhook receiver: accepts notices from the Worker if their signature is right. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One dunning step of an invoice. `open` is the amount still owed, in micro-dollars. */
export type Notice = { id: string; type: string; agent: string; invoice: string; at: number; open: string }

/** A running receiver. */
export type Mailbox = {
  /** Vars that make the Worker send its notices here. */
  vars: Record<'WEBHOOK_URL' | 'WEBHOOK_SECRET', string>
  /** The accepted notices. The Worker may send one twice; it is stored once. */
  notices: Notice[]
  stop(): Promise<void>
}

/** Starts a receiver on 127.0.0.1, on a free port, with a secret of its own. */
export async function openMailbox(): Promise<Mailbox> {
  const secret = crypto.randomUUID()
  const notices: Notice[] = []
  const server = createServer(async (request, response) => {
    const body = await textOf(request)
    const accepted = isSigned(body, String(request.headers['tab402-signature']), secret)
    if (accepted) {
      const notice = JSON.parse(body) as Notice
      if (!notices.some(({ id }) => id === notice.id)) notices.push(notice)
    }
    response.writeHead(accepted ? 204 : 400).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return {
    vars: { WEBHOOK_URL: url, WEBHOOK_SECRET: secret },
    notices,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The header is `t=<Unix seconds>,v1=<hex>`, an HMAC-SHA256 over `<t>.<body>`. */
function isSigned(body: string, header: string, secret: string): boolean {
  const [, time = '', mac = ''] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(header) ?? []
  const expected = createHmac('sha256', secret).update(`${time}.${body}`).digest()
  const given = Buffer.from(mac, 'hex')
  return given.length === expected.length && timingSafeEqual(given, expected)
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of request) text += part
  return text
}
