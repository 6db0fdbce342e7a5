/**
 * A sale: a payment is verified, charged and exchanged for an answer. It knows no transport: HTTP is in gate.ts, and another
 * transport brings its own goods.
 */
import type { Body, Read } from '../identity/verify.ts'
import { accept, type Result, refuse } from '../protocol/refusal.ts'
import type { SettleResponse } from '../protocol/x402/types.ts'
import type { Schemes } from '../schemes/index.ts'
import type { Charge, Pace, Purchase, SentRequest } from '../schemes/scheme.ts'
import type { Paid } from './dialects/dialect.ts'
import type { Offers } from './offers.ts'
import type { Decision } from './policy.ts'

/** A request that must be paid for. */
export type Wanted = {
  method: string
  /** Canonical: the payment is bound to it, and the offer names it. */
  url: string
  decision: Decision
  offers: Offers
  sent: SentRequest
}

/** Where the answer comes from, in the words of a transport. */
export type Goods<Answer> = {
  /** Asks for the answer. `body` was read by the sale, since the payment is bound to it. Rejects if the origin fails. */
  buy(body: Body): Promise<Answer>
  /** Whether an answer delivers what was paid for. */
  delivers(answer: Answer): boolean
  /** Gives up an answer that is not sent. */
  discard(answer: Answer): Promise<void>
}

/** The end of a sale: a payment that bought nothing has a receipt alone; a released charge leaves the answer alone. */
export type Sold<Answer> =
  | { answer: null; receipt: SettleResponse }
  | { answer: Answer; receipt: SettleResponse | null }

/** The clock (Unix milliseconds) and a fresh name for an operation. */
export type Tools = { now: () => number; newId: () => string }

/**
 * Sells for a payment that a dialect has read: matches it with our own offer, verifies it, charges it and delivers.
 * @throws when the outcome of the charge is unknown: the answer must be 503, never 402
 */
export async function sell<Answer>(
  schemes: Schemes,
  wanted: Wanted,
  paid: Paid,
  goods: Goods<Answer>,
  tools: Tools,
): Promise<Result<Sold<Answer>>> {
  const { decision, offers, sent } = wanted
  const scheme = schemes[paid.scheme]
  const offer = offers.made.get(paid.scheme)
  if (!scheme || !offer || !scheme.answers(paid.payment, offer)) return refuse('no_matching_offer')
  const seconds = Math.floor(tools.now() / 1000)
  const proof = await scheme.verify(paid.payment, decision.price, seconds, sent)
  if (!proof.ok) return proof
  const bought = await bindTo(wanted, sent.read, tools)
  if (!bought.ok) return bought
  const { purchase, body } = bought.value
  const pace = scheme.pace?.(proof.value) ?? 'prompt'
  const early = wanted.method === 'GET' && pace === 'prompt'
  return deliver(
    pace,
    early,
    () => scheme.charge(proof.value, purchase),
    () => goods.buy(body),
    goods,
  )
}

async function bindTo(
  { method, url, decision }: Wanted,
  read: Read,
  { newId }: Tools,
): Promise<Result<{ purchase: Purchase; body: Body }>> {
  const body = await read()
  if (!body.ok) return body
  const digest = body.value ? ` ${await digestOf(body.value)}` : ''
  const { price, rule } = decision
  const request = `${method} ${url}${digest}`
  const named = typeof rule === 'number' ? `RULES[${rule}]` : rule
  return accept({ purchase: { id: newId(), price, url, request, rule: named }, body: body.value })
}

/**
 * Charges and delivers. `early` asks for the answer at the same time, which only a method without effects may. Nothing of the
 * answer leaves before the charge is durable. A charge is released when its answer does not deliver.
 */
async function deliver<Answer>(
  pace: Pace,
  isEarly: boolean,
  begin: () => Promise<Result<Charge>>,
  buy: () => Promise<Answer>,
  goods: Goods<Answer>,
): Promise<Result<Sold<Answer>>> {
  const early = isEarly ? settled(buy()) : undefined
  const giveUp = () =>
    void early?.then((got) => (got.ok ? goods.discard(got.answer) : undefined)).catch(() => undefined)
  const charge = await begin().catch((fault) => {
    giveUp()
    throw fault
  })
  if (!charge.ok) {
    giveUp()
    return charge
  }
  if (pace === 'management') {
    const receipt = await charge.value.settle()
    return receipt.ok ? accept({ answer: null, receipt: receipt.value }) : receipt
  }
  const got = await (early ?? settled(buy()))
  if (!got.ok) {
    await charge.value.release()
    return refuse('origin_unreachable', { detail: got.detail })
  }
  const { answer } = got
  const unsent = async (fault: unknown) => {
    await goods.discard(answer)
    throw fault
  }
  if (!goods.delivers(answer)) {
    await charge.value.release().catch(unsent)
    return accept({ answer, receipt: null })
  }
  const receipt = await charge.value.settle().catch(unsent)
  if (receipt.ok) return accept({ answer, receipt: receipt.value })
  await goods.discard(answer)
  return receipt
}

type Got<Answer> = { ok: true; answer: Answer } | { ok: false; detail: string }

/** The answer or its error as a value: it is awaited later, so a rejection would be unhandled meanwhile. */
function settled<Answer>(answer: Promise<Answer>): Promise<Got<Answer>> {
  return answer.then(
    (answer) => ({ ok: true, answer }),
    (fault) => ({ ok: false, detail: fault instanceof Error ? fault.message : String(fault) }),
  )
}

async function digestOf(body: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', body))
  return `sha-256=${btoa(String.fromCharCode(...digest))}`
}
