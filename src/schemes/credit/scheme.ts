/**
 * Credit (x402 `batch-settlement` on the operator's own network, and Pay Per Crawl): an agent signs its request and pays by the
 * period. One signature is one IOU.
 */
import type { DirectoryReader } from '../../identity/directory.ts'
import type { UnverifiedReason } from '../../identity/verdict.ts'
import { type Proof as Signed, verify } from '../../identity/verify.ts'
import { whoSigned } from '../../identity/who.ts'
import { type Agent, enrolmentOf } from '../../ledger/credit/agent.ts'
import type { CreditLine } from '../../ledger/credit/credit-line.ts'
import type { CommitmentOrder, LineAnswer } from '../../ledger/credit/types.ts'
import { retryOnce, retryPaced } from '../../platform/retry.ts'
import { showCrawlerPrice } from '../../protocol/pay-per-crawl.ts'
import { accept, type Reason, type Result, refuse } from '../../protocol/refusal.ts'
import {
  ACCEPT_SIGNATURE,
  ASSET,
  CLOUDFLARE,
  type CreditNetwork,
  inUnits,
  signatureExtension,
} from '../../protocol/x402/commitment.ts'
import { CHANNEL, type PaymentRequirements, type SettleResponse } from '../../protocol/x402/types.ts'
import { type Charge, matches, type Purchase, type Scheme, store } from '../scheme.ts'
import { openSigners, type RosterPorts, type Signers } from './agent-cache.ts'
import type { CreditPayment } from './payment.ts'

/** One site's terms for credit. */
export type CreditOfferTerms = {
  network: CreditNetwork
  /** Share of the price that a tier pays, in hundredths of a percent. */
  tiers: ReadonlyMap<string, bigint>
  maxTimeoutSeconds: number
  /** Where the operator of a crawler asks for credit. */
  registrationUrl: string
}

/** The Durable Objects that the credit scheme uses. */
export type CreditPorts = RosterPorts & {
  lines: DurableObjectNamespace<CreditLine>
  /** The object that reads the key directory of an agent's URL. */
  directories: (url: string) => DirectoryReader
}

/** A commitment that holds: whose it is, what it promises, and what is charged for it, in micro-dollars. */
export type Commitment = {
  /** The share of a price that the agent's tier pays, in hundredths of a percent. */
  share: bigint
  promise: CreditPayment['promise']
  agent: Agent
  signed: Signed
  promised: bigint
  price: bigint
}

const WHOLE = 10_000n

const UNVERIFIED: Record<UnverifiedReason, Reason> = {
  unsigned: 'commitment_unsigned',
  agent_unknown: 'agent_unknown',
  directory_unavailable: 'agent_undecided',
}

/** The credit scheme of one site. Sites of one deployment share their `signers`. */
export function creditScheme(
  terms: CreditOfferTerms,
  ports: CreditPorts,
  { roster, findKey }: Signers = openSigners(ports),
) {
  const { network } = terms
  return {
    network: network.id,

    offer: (price) => offerOf(terms, price),

    extensions: signatureExtension(terms.registrationUrl),

    headers: (price) => ({
      'accept-signature': ACCEPT_SIGNATURE,
      'crawler-price': showCrawlerPrice(charged(price, network)),
    }),

    // The rest of the offer is held against the commitment once it is known whose it is: a tier has its own price.
    answers: (payment, offer) => payment.network === offer.network,

    promises(payment, price) {
      const shares = [WHOLE, ...terms.tiers.values()]
      return shares.some((share) => amountOf(terms, payment, price, share).ok)
    },

    async verify(payment, price, now, { request, read, priceFor }) {
      const covering = [payment.field]
      const bareAgents = network.id === CLOUDFLARE
      const verification = await verify(request, read, { findKey, now: now * 1000, covering, bareAgents })
      if (verification.outcome === 'invalid')
        return refuse('commitment_signature', { detail: verification.reason })
      if (verification.outcome === 'unread') return { ok: false, refusal: verification.refusal }
      if (verification.outcome === 'unverified') return refuse(UNVERIFIED[verification.reason])
      const agent = roster.known(verification)?.agent
      if (!agent) return refuse('agent_undecided')
      const signed = agent.url === null ? undefined : priceFor?.(new URL(agent.url).host)
      if (signed && !signed.ok) return signed
      const { tier } = agent.terms
      const share = (tier !== null && terms.tiers.get(tier)) || WHOLE
      const amount = amountOf(terms, payment, signed?.value ?? price, share)
      if (!amount.ok) return amount
      return accept({ share, promise: payment.promise, agent, signed: verification, ...amount.value })
    },

    account: ({ agent }) => agent.id,

    async charge(commitment, purchase) {
      const order = orderOf(commitment, purchase, network)
      const line = () => ports.lines.getByName(commitment.agent.id)
      const answer = await retryOnce(async (): Promise<LineAnswer> => line().place(order))
      if (answer.outcome === 'refused') return refuse(answer.reason)
      const { entry } = answer
      // A line of an earlier version replays methods with effects.
      if (order.hasEffects && answer.outcome === 'replayed' && !answer.answer)
        return refuse('effect_delivered')
      let receipt = receiptOf(terms, commitment, answer)
      const lower = async (price: bigint) => {
        const least = charged(price, network)
        const due = await retryOnce(async () => line().lower(entry, order.id, least))
        if (due !== null) receipt = receiptOf(terms, commitment, { ...answer, due })
      }
      return accept<Charge>({
        ...(answer.answer && { answer: answer.answer }),
        ...(answer.outcome === 'charged' && { lower }),
        settle: async (stored) => {
          if (stored !== undefined) await store(() => line().delivered(entry, stored))
          return accept(receipt)
        },
        release: async () => {
          await retryPaced(async () => line().release(entry, order.id))
          return null
        },
      })
    },
  } satisfies Scheme<CreditPayment, Commitment>
}

function offerOf({ network, maxTimeoutSeconds }: CreditOfferTerms, price: bigint): PaymentRequirements {
  return {
    scheme: CHANNEL,
    network: network.id,
    amount: inUnits(price, network).toString(),
    asset: ASSET,
    payTo: 'merchant',
    maxTimeoutSeconds,
    extra: network.words,
  }
}

/** The promised and the charged amount. The agent pays its tier's price even if it promised the public one. */
function amountOf(
  terms: CreditOfferTerms,
  { promise, accepted, payload: { amount } }: CreditPayment,
  listed: bigint,
  share: bigint,
): Result<Pick<Commitment, 'promised' | 'price'>> {
  const { network } = terms
  const prices = [charged(listed, network), sharePaid(listed, share, network)]
  const [most = 0n, price = 0n] = prices
  switch (promise) {
    case 'most':
      return amount < price ? refuse('crawler_max_price') : accept({ promised: price, price })
    case 'exact':
      return prices.includes(amount) ? accept({ promised: amount, price }) : refuse('crawler_exact_price')
    case 'offer': {
      const promised = amount * network.unit
      const offered = [most, price].some((each) => echoes(accepted, offerOf(terms, each)))
      return offered && accepted?.amount === amount.toString()
        ? accept({ promised, price })
        : refuse('commitment_amount')
    }
  }
}

/** The share of a price that a tier pays, in micro-dollars. */
function sharePaid(price: bigint, share: bigint, network: CreditNetwork): bigint {
  return charged((price * share + WHOLE - 1n) / WHOLE, network)
}

/** A price in whole units of the network, in micro-dollars. */
function charged(price: bigint, network: CreditNetwork): bigint {
  return inUnits(price, network) * network.unit
}

/** A first request has seen no 402, so it may omit the fields that only a 402 states. */
function echoes(accepted: CreditPayment['accepted'], offer: PaymentRequirements): boolean {
  if (!accepted) return false
  const maxTimeoutSeconds = accepted.maxTimeoutSeconds || offer.maxTimeoutSeconds
  return matches({ ...accepted, maxTimeoutSeconds, extra: { ...offer.extra, ...accepted.extra } }, offer)
}

function orderOf(
  { agent, signed, promised, price, share }: Commitment,
  purchase: Purchase,
  network: CreditNetwork,
): CommitmentOrder {
  const { id: iou, keyId, nonce, algorithm, signature, base } = signed
  const { id, request, url, rule, site, policy, hasEffects = false, opened, openMs, steps } = purchase
  return {
    id,
    iou,
    // A nonce is good for one commitment, however often it is signed (faults: C3).
    once: nonce === null ? iou : `${keyId} ${nonce}`,
    promised,
    price,
    request,
    hasEffects,
    ...(opened && { opened }),
    ...(openMs && { openMs }),
    ...(steps && {
      steps: steps.map(({ from, price }) => ({ from, price: sharePaid(price, share, network) })),
    }),
    site: site ?? new URL(url).host,
    rule,
    policy,
    // The signature is verified, so it names the agent; the gate knows the claim alone.
    who: agent.url === null ? agent.id : whoSigned(new URL(agent.url).host),
    evidence: { keyId, algorithm, signature, base },
    enrolment: enrolmentOf(agent),
  }
}

/** `transaction` is empty: no money moved. `commitmentId` is the signature's digest, as in the statement. */
function receiptOf(
  { network }: CreditOfferTerms,
  { promise, agent, signed }: Commitment,
  { due, entry, at }: Extract<LineAnswer, { due: bigint }>,
): SettleResponse {
  const amount = promise === 'offer' ? due / network.unit : due
  return {
    success: true,
    transaction: '',
    network: network.id,
    payer: agent.url === null ? agent.id : new URL(agent.url).host,
    amount: amount.toString(),
    asset: ASSET,
    extra: { timestamp: Math.floor(at / 1000), commitmentId: signed.id, entry },
  }
}
