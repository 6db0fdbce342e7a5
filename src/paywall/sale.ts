/**
 * A sale: a payment is verified, charged and exchanged for an answer. It knows no transport: HTTP is in gate.ts, and another
 * transport brings its own goods.
 */
import type { Asker } from '../identity/classify.ts'
import type { Body } from '../identity/verify.ts'
import { whoOf } from '../identity/who.ts'
import type { StoredAnswer } from '../ledger/stored-answers.ts'
import { accept, type Result, refuse } from '../protocol/refusal.ts'
import type { SettleResponse } from '../protocol/x402/types.ts'
import { type SchemeName, schemeOn } from '../schemes/index.ts'
import type { Charge, Pace, Purchase, SentRequest } from '../schemes/scheme.ts'
import type { Paid } from './dialects/dialect.ts'
import type { Quote } from './edition.ts'
import type { RecentPayers } from './payers.ts'
import { type Decision, entryName } from './policy.ts'

/** A request that must be paid for. */
export type Wanted = Quote & {
  asker: Asker
  method: string
  /** Canonical: the payment is bound to it, and the offer names it. */
  url: string
  /** The quotes of a moment ago and of former terms, whose offers are still valid. */
  earlier: readonly Quote[]
  sent: Omit<SentRequest, 'priceFor'>
  /**
   * The price for a signer, as {@link SentRequest} has it, by the terms of the quote that is paid. Replaces the quote of the
   * request.
   */
  priceFor?: (signer: string, quote: Quote, scheme: SchemeName) => Result<bigint> | undefined
}

/** Where the answer comes from, in the words of a transport. */
export type Goods<Answer> = {
  /** Asks for the answer. `body` was read by the sale, since the payment is bound to it. Rejects if the origin fails. */
  buy(body: Body): Promise<Answer>
  /** Whether an answer delivers what was paid for. */
  delivers(answer: Answer): boolean
  /** The amount that an answer finally asks for, in micro-dollars, where the rule lets it; undefined for the price. */
  asks?(answer: Answer, decision: Decision): bigint | undefined
  /** Gives up an answer that is not sent. */
  discard(answer: Answer): Promise<void>
  /** Reads an answer that may have to be sent again; `stored` is null if it is too large. Rejects if it breaks off. */
  read(answer: Answer): Promise<{ answer: Answer; stored: StoredAnswer | null }>
  /** The answer that {@link read} has stored. */
  restore(stored: StoredAnswer): Answer
}

/** The end of a sale: a payment that bought nothing has a receipt alone; a released charge leaves the answer alone. */
export type Sold<Answer> =
  | { answer: null; receipt: SettleResponse }
  | { answer: Answer; receipt: SettleResponse | null }

/** The clock (Unix milliseconds), a fresh name for an operation, and the payers of this isolate. */
export type Tools = { now: () => number; newId: () => string; payers: RecentPayers }

/**
 * Sells for a payment that a dialect has read: matches it with our own offer, verifies it, charges it and delivers.
 * @throws when the outcome of the charge is unknown: the answer must be 503, never 402
 */
export async function sell<Answer>(
  wanted: Wanted,
  paid: Paid,
  goods: Goods<Answer>,
  tools: Tools,
): Promise<Result<Sold<Answer>>> {
  const claimed = wanted.decision
  const { network } = paid.payment
  const quote = quotePaid(wanted, paid)
  const scheme = schemeOn(quote.edition.schemes, paid.scheme, network)
  if (!scheme || !answers(quote, paid)) return refuse('no_matching_offer')
  const seconds = Math.floor(tools.now() / 1000)
  const priceFor = (signer: string) => wanted.priceFor?.(signer, quote, paid.scheme)
  const sent = { ...wanted.sent, priceFor }
  const proof = await scheme.verify(paid.payment, quote.decision.price, seconds, sent)
  if (!proof.ok) return proof
  const decision = wanted.decision === claimed ? quote.decision : wanted.decision
  const bought = await bindTo(wanted, { ...quote, decision }, tools)
  if (!bought.ok) return bought
  const { purchase, body } = bought.value
  const { payers, now } = tools
  const account = `${paid.scheme} ${scheme.account(proof.value)}`
  const pace = scheme.pace?.(proof.value) ?? 'prompt'
  const early = !purchase.hasEffects && pace === 'prompt' && payers.isKnown(account, now())
  if (!payers.enter(account)) return refuse('too_many_at_once')
  try {
    const delivery = new Delivery(goods, () => goods.buy(body), { ...purchase, decision })
    const sold = await delivery.sell(pace, early, () => scheme.charge(proof.value, purchase))
    if (!sold.ok) {
      payers.refused(account)
      return { ok: false, refusal: { ...sold.refusal, network } }
    }
    if (sold.value.receipt) payers.bought(account, now())
    return sold
  } finally {
    payers.leave(account)
  }
}

/** The quote that is paid: of those whose price is promised, the first whose offer the payment answers. */
function quotePaid(wanted: Wanted, paid: Paid): Quote {
  const promised = [wanted, ...wanted.earlier].filter(({ decision, edition }) =>
    schemeOn(edition.schemes, paid.scheme, paid.payment.network)?.promises(paid.payment, decision.price),
  )
  return promised.find((quote) => answers(quote, paid)) ?? promised[0] ?? wanted
}

function answers({ offers, edition }: Quote, { scheme, payment }: Paid): boolean {
  const { network } = payment
  const offer = offers.made.find((made) => made.scheme === scheme && made.terms.network === network)
  const taker = schemeOn(edition.schemes, scheme, network)
  return offer !== undefined && taker?.answers(payment, offer.terms) === true
}

async function bindTo(
  { method, url, asker, sent: { read } }: Wanted,
  { decision, edition: { site } }: Quote,
  { newId }: Tools,
): Promise<Result<{ purchase: Purchase & { hasEffects: boolean }; body: Body }>> {
  const body = await read()
  if (!body.ok) return body
  const digest = body.value ? ` ${await digestOf(body.value)}` : ''
  const { price } = decision
  const request = `${method} ${url}${digest}`
  const hasEffects = method !== 'GET'
  return accept({
    purchase: {
      id: newId(),
      price,
      url,
      request,
      rule: entryName(decision),
      site: site?.id ?? new URL(url).host,
      policy: site?.version ?? 0,
      who: whoOf(asker),
      hasEffects,
      ...(!hasEffects && opens(decision, method, url)),
      ...(decision.steps && { steps: decision.steps }),
    },
    body: body.value,
  })
}

/** A page that was paid for within the window of its rule, or that a pass covers, is open to its payer. */
function opens(
  { recrawlMs, passes = [] }: Decision,
  method: string,
  url: string,
): Pick<Purchase, 'opened' | 'openMs'> {
  if (recrawlMs === undefined && passes.length === 0) return {}
  const { origin } = new URL(url)
  const pages = [...(recrawlMs === undefined ? [] : [url]), ...passes.map((address) => origin + address)]
  return { opened: pages.map((page) => `${method} ${page}`), ...(recrawlMs && { openMs: recrawlMs }) }
}

/** One charge and its delivery. Nothing of the answer leaves before the charge is durable. */
class Delivery<Answer> {
  readonly #goods: Goods<Answer>
  readonly #buy: () => Promise<Answer>
  readonly #hasEffects: boolean
  readonly #decision: Decision

  constructor(
    goods: Goods<Answer>,
    buy: () => Promise<Answer>,
    { hasEffects, decision }: { hasEffects: boolean; decision: Decision },
  ) {
    this.#goods = goods
    this.#buy = buy
    this.#hasEffects = hasEffects
    this.#decision = decision
  }

  /**
   * Charges and delivers. `isEarly` asks for the answer at the same time, which only a method without effects may. A charge is
   * released when its answer does not deliver.
   */
  async sell(
    pace: Pace,
    isEarly: boolean,
    begin: () => Promise<Result<Charge>>,
  ): Promise<Result<Sold<Answer>>> {
    const early = isEarly ? settled(this.#buy()) : undefined
    const giveUp = () =>
      void early?.then((got) => (got.ok ? this.#goods.discard(got.value) : undefined)).catch(() => undefined)
    const begun = await begin().catch((fault) => {
      giveUp()
      throw fault
    })
    if (!begun.ok) {
      giveUp()
      return begun
    }
    const charge = begun.value
    if (pace === 'management') return receiptOnly(await charge.settle())
    if (charge.answer) return this.#end(charge, this.#goods.restore(charge.answer))
    const got = await (early ?? settled(this.#buy()))
    if (!got.ok) return unreachable(charge, got.detail)
    if (!this.#goods.delivers(got.value)) {
      const receipt = await charge.release().catch((fault) => this.#unsent(got.value, fault))
      return accept({ answer: got.value, receipt })
    }
    if (!this.#hasEffects) return this.#end(charge, got.value)
    const read = await settled(this.#goods.read(got.value))
    return read.ok
      ? this.#end(charge, read.value.answer, read.value.stored)
      : unreachable(charge, read.detail)
  }

  async #end(charge: Charge, answer: Answer, stored?: StoredAnswer | null): Promise<Result<Sold<Answer>>> {
    const final = this.#goods.asks?.(answer, this.#decision)
    if (final !== undefined) await charge.lower?.(final).catch((fault) => this.#unsent(answer, fault))
    const receipt = await charge.settle(stored).catch((fault) => this.#unsent(answer, fault))
    if (receipt.ok) return accept({ answer, receipt: receipt.value })
    await this.#goods.discard(answer)
    return receipt
  }

  async #unsent(answer: Answer, fault: unknown): Promise<never> {
    await this.#goods.discard(answer)
    throw fault
  }
}

function receiptOnly(receipt: Result<SettleResponse>): Result<{ answer: null; receipt: SettleResponse }> {
  return receipt.ok ? accept({ answer: null, receipt: receipt.value }) : receipt
}

async function unreachable(charge: Charge, detail: string): Promise<Result<never>> {
  const kept = await charge.release()
  return refuse(kept ? 'origin_unreachable_paid' : 'origin_unreachable', { detail })
}

type Got<Value> = { ok: true; value: Value } | { ok: false; detail: string }

/** A value or its error: it is awaited later, so a rejection would be unhandled meanwhile. */
function settled<Value>(promise: Promise<Value>): Promise<Got<Value>> {
  return promise.then(
    (value) => ({ ok: true, value }),
    (fault) => ({ ok: false, detail: fault instanceof Error ? fault.message : String(fault) }),
  )
}

async function digestOf(body: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', body))
  return `sha-256=${btoa(String.fromCharCode(...digest))}`
}
