/** A local Stripe on a port of this machine: its API under `/v1`, its pages to pay on, and its webhooks. */
import { once } from 'node:events'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { StripeRefusal } from './books.ts'
import { type KeptStripe, type LocalStripe, localStripe, type StripeOptions } from './stripe.ts'

export type StripeServerOptions = Omit<StripeOptions, 'pages'> & {
  /** A free one unless given. */
  port?: number
  /** Where events are sent, as soon as they happen; each until it is answered with 2xx, three times at most. */
  webhook?: string
  /** A file where the books are kept; one that exists is gone on with, on the port of then if that is free. */
  statePath?: string
}

/** How events reach the webhook. `unordered`: those of one call in reverse. `late`: not before the mode changes. */
export type WebhookMode = 'prompt' | 'lost' | 'twice' | 'unordered' | 'late'

export type StripeServer = LocalStripe & {
  /** The `STRIPE_API` of a Worker. */
  url: string
  /** Sends every event that was not sent yet. Answers the statuses. */
  deliver(): Promise<number[]>
  /** Changes how events reach the webhook, and sends those that were late. */
  setWebhooks(mode: WebhookMode): Promise<void>
  /** Never sends the events that were not sent yet. */
  lose(): void
  stop(): Promise<void>
}

type Kept = { port: number; sent: number; stripe: KeptStripe }

const TRIES = 3

/**
 * Starts on 127.0.0.1. `POST /pay/<invoice>` is the payer on Stripe's page; `?card=pm_card_declined` is a card that is declined,
 * `&cents=` a part.
 */
export async function startStripe(options: StripeServerOptions = {}): Promise<StripeServer> {
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy())
  })
  const { statePath } = options
  const former = statePath === undefined ? null : readKept(statePath)
  const port = await listen(server, options.port ?? 0, former?.port)
  const url = `http://127.0.0.1:${port}`
  const stripe = localStripe({ ...options, pages: `${url}/pay` })
  if (former) stripe.restore(former.stripe)
  let sent = former?.sent ?? 0
  let mode: WebhookMode = 'prompt'

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await requestOf(incoming, url)
    const { pathname } = new URL(request.url)
    const answer = pathname.startsWith('/v1/') ? await stripe.fetch(request) : pay(stripe, request)
    keep()
    await deliver()
    keep()
    response.writeHead(answer.status, Object.fromEntries(answer.headers))
    response.end(await answer.text())
  }

  function keep(): void {
    if (statePath !== undefined) writeKept(statePath, { port, sent, stripe: stripe.kept() })
  }

  async function deliver(): Promise<number[]> {
    const statuses: number[] = []
    const { webhook } = options
    if (webhook === undefined || mode === 'late') return statuses
    while (sent < stripe.books.events.length) {
      const events = stripe.books.events.slice(sent)
      sent += events.length
      for (const event of arranged(events, mode)) statuses.push(await send(stripe, event, webhook))
    }
    return statuses
  }

  return {
    ...stripe,
    url,
    deliver,
    async setWebhooks(next) {
      mode = next
      await deliver()
    },
    lose() {
      sent = stripe.books.events.length
    },
    async stop() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
      keep()
    },
  }
}

function arranged<Event>(events: Event[], mode: WebhookMode): Event[] {
  if (mode === 'lost') return []
  if (mode === 'twice') return events.flatMap((event) => [event, event])
  return mode === 'unordered' ? events.toReversed() : events
}

/** Listens on `port`; if that is 0, on `former` or else on any free port. Returns the port. */
async function listen(server: Server, port: number, former = 0): Promise<number> {
  server.listen(port || former, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch (cause) {
    if (port !== 0 || former === 0) throw cause
    return listen(server, 0)
  }
  return (server.address() as AddressInfo).port
}

function readKept(path: string): Kept | null {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Kept) : null
}

/** Whole or not at all. */
function writeKept(path: string, kept: Kept): void {
  writeFileSync(`${path}.new`, JSON.stringify(kept))
  renameSync(`${path}.new`, path)
}

function pay({ books }: LocalStripe, request: Request): Response {
  const { pathname, searchParams } = new URL(request.url)
  const [, page, id = ''] = pathname.split('/')
  if (page !== 'pay') return new Response(null, { status: 404 })
  try {
    if (request.method === 'POST') {
      const cents = searchParams.get('cents')
      books.pay(id, searchParams.get('card') ?? undefined, cents === null ? undefined : +cents)
    }
    return Response.json(books.invoice(id))
  } catch (thrown) {
    if (thrown instanceof StripeRefusal)
      return Response.json({ error: thrown.code }, { status: thrown.status })
    throw thrown
  }
}

async function send(stripe: LocalStripe, event: { id: string }, webhook: string): Promise<number> {
  const { body, signature } = await stripe.signed(event)
  const headers = { 'content-type': 'application/json', 'stripe-signature': signature }
  let status = 0
  for (let tries = 0; tries < TRIES && (status < 200 || status > 299); tries++) {
    status = await fetch(webhook, { method: 'POST', headers, body }).then(
      async (response) => {
        await response.arrayBuffer()
        return response.status
      },
      () => 0,
    )
  }
  return status
}

async function requestOf(incoming: IncomingMessage, url: string): Promise<Request> {
  const parts: Buffer[] = []
  for await (const part of incoming) parts.push(part as Buffer)
  const { method = 'GET', headers } = incoming
  const known = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string' ? [[name, value]] : [],
  )
  const body = method === 'POST' ? Buffer.concat(parts).toString() : null
  return new Request(`${url}${incoming.url}`, { method, headers: known, body })
}
