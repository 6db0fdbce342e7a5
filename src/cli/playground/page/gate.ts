/** Stands in place of `fetch` under the unmodified clients: a payment waits here until the person sends it. */
import type { Exchange, Sent } from './exchange.ts'
import { sendToSite } from './server.ts'

/** The User-Agent of the crawler that the person is. */
export const USER_AGENT = 'ExampleBot/1.0 (+https://crawler.example)'

/** A payment that was signed and not sent yet. */
export type Held = { sent: Sent; go(): void }

/** Statuses of answers without a body. */
const EMPTY = [204, 304]

/** The way of all requests. */
export class Gate {
  /** Receives a payment that waits. Without it payments go at once. */
  hold: ((held: Held) => void) | null = null
  /** Receives each payment with its answer. */
  paid: (exchange: Exchange) => void = () => {}

  /** In place of `fetch`. */
  readonly send = async (request: Request): Promise<Response> => {
    const headers = { 'user-agent': USER_AGENT, ...Object.fromEntries(request.headers) }
    const sent: Sent = { method: request.method, url: request.url, headers }
    const { hold } = this
    const isPayment = request.headers.has('payment-signature')
    if (isPayment && hold) await new Promise<void>((go) => hold({ sent, go }))
    const exchange = await ask(sent)
    if (isPayment) this.paid(exchange)
    const { status, headers: answered, body } = exchange.answer
    return new Response(EMPTY.includes(status) ? null : body, { status, headers: answered })
  }
}

/** Sends a request as it is. */
export async function ask(sent: Sent): Promise<Exchange> {
  const { pathname, search } = new URL(sent.url)
  const { method, headers } = sent
  return { sent, answer: await sendToSite(`${pathname}${search}`, { method, headers }) }
}
