/** A local Stripe: its wire protocol for the calls that we make, its idempotency, its webhooks, and its bad days. */
import { hmacHex } from '../../platform/digest.ts'
import { DAY_MS } from '../../platform/time.ts'
import { type Form, StripeApi } from './api.ts'
import { found, type KeptBooks, StripeBooks, StripeRefusal } from './books.ts'

export type StripeOptions = {
  secretKey?: string
  webhookSecret?: string
  /** Unix milliseconds. */
  now?: () => number
  /** Where the pages to pay on are. */
  pages?: string
  /** Milliseconds until the search finds a new customer. */
  indexing?: number
}

/**
 * A simulated fault of a request: `lost` does the work and returns no response, `unreachable` does no work. A number is
 * returned as the status, and stored for the idempotency key as Stripe does.
 */
export type StripeFault = 'lost' | 'unreachable' | 500 | 429

export type LocalStripe = {
  books: StripeBooks
  /** Answers one request of the API. @throws TypeError where a network would fail */
  fetch(request: Request): Promise<Response>
  /** Lets the next requests whose `METHOD /path` fits go wrong. Returns how to end it. */
  fail(requests: RegExp, fault: StripeFault, times?: number): () => void
  /** The requests received, as `METHOD /path`. */
  asked: string[]
  /** An event as it is sent to a webhook. */
  signed(event: { id: string }): Promise<{ body: string; signature: string }>
  /** The books and the idempotency keys, as plain JSON. */
  kept(): KeptStripe
  /** Goes on where another was when it was {@link LocalStripe.kept}. */
  restore(kept: KeptStripe): void
}

export type KeptStripe = { books: KeptBooks; saved: [key: string, Saved][] }

type Answer = { status: number; body: string }
type Saved = { at: number; request: string; answer: Answer }

export function localStripe(options: StripeOptions = {}): LocalStripe {
  const { secretKey = 'sk_test_local', webhookSecret = 'whsec_local', now = Date.now } = options
  const books = new StripeBooks(now)
  const { pages = 'https://invoice.stripe.example', indexing = 60_000 } = options
  const api = new StripeApi(books, pages, indexing)
  const saved = new Map<string, Saved>()
  const faults: { requests: RegExp; fault: StripeFault; times: number }[] = []
  const asked: string[] = []

  async function handle(request: Request): Promise<Response> {
    const url = new URL(request.url)
    const form = await formOf(request, url)
    const name = `${request.method} ${url.pathname}`
    asked.push(name)
    const fault = faults.find(({ requests, times }) => times > 0 && requests.test(name))
    if (fault) fault.times--
    if (fault?.fault === 'unreachable') throw new TypeError('network connection lost')
    if (request.headers.get('authorization') !== `Bearer ${secretKey}`) {
      return written(refused(new StripeRefusal(401, 'api_key_invalid', 'Invalid API key')))
    }
    const path = url.pathname.split('/').slice(2)
    const answer = once(request, `${name} ${text(form)}`, () =>
      typeof fault?.fault === 'number'
        ? refused(new StripeRefusal(fault.fault, 'trouble', 'Something is wrong on our side'))
        : act(() => api.answer({ method: request.method, path, form })),
    )
    if (fault?.fault === 'lost') throw new TypeError('network connection lost')
    return written(answer)
  }

  /** The same key gives the same answer for a day, also the same failure; after that it is a new request. */
  function once({ headers }: Request, request: string, work: () => Answer): Answer {
    const key = headers.get('idempotency-key')
    const earlier = key === null ? undefined : saved.get(key)
    if (earlier && earlier.at > now() - DAY_MS) {
      if (earlier.request === request) return earlier.answer
      return refused(new StripeRefusal(400, 'idempotency_error', 'The key was used for another request'))
    }
    const answer = work()
    // A response from before the work began is not stored.
    if (key !== null && answer.status !== 429) saved.set(key, { at: now(), request, answer })
    return answer
  }

  return {
    books,
    asked,
    fetch: handle,
    fail(requests, fault, times = 1) {
      const added = { requests, fault, times }
      faults.push(added)
      return () => {
        added.times = 0
      }
    },
    kept: () => ({ books: books.kept(), saved: [...saved] }),
    restore(kept) {
      books.restore(kept.books)
      for (const [key, answer] of kept.saved) saved.set(key, answer)
    },
    async signed({ id }) {
      const body = JSON.stringify(found(books.events, id))
      const stamp = Math.floor(now() / 1000)
      return { body, signature: `t=${stamp},v1=${await hmacHex(webhookSecret, `${stamp}.${body}`)}` }
    },
  }
}

async function formOf(request: Request, { searchParams }: URL): Promise<Form> {
  if (request.method !== 'POST') return new Map(searchParams)
  return new Map(new URLSearchParams(new TextDecoder().decode(await request.arrayBuffer())))
}

function text(form: Form): string {
  return JSON.stringify([...form].sort())
}

function act(work: () => unknown): Answer {
  try {
    return { status: 200, body: JSON.stringify(work()) }
  } catch (thrown) {
    if (thrown instanceof StripeRefusal) return refused(thrown)
    throw thrown
  }
}

function refused({ status, code, message }: StripeRefusal): Answer {
  const type = code === 'idempotency_error' ? code : status < 500 ? 'invalid_request_error' : 'api_error'
  return { status, body: JSON.stringify({ error: { type, code, message } }) }
}

function written({ status, body }: Answer): Response {
  return new Response(body, {
    status,
    headers: { 'content-type': 'application/json', 'request-id': 'req_local' },
  })
}
