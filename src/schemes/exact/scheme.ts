/**
 * `exact`: a signed stablecoin transfer. It settles after the origin has answered well and before the first byte leaves; for a
 * method with effects before the origin is asked.
 */
import type { Facilitator, Settled, SignedTransfer } from '../../chain/facilitator/facilitator.ts'
import type { Authorizations } from '../../ledger/exact/authorizations.ts'
import type { Reservation, Use } from '../../ledger/exact/types.ts'
import type { StoredAnswer } from '../../ledger/stored-answers.ts'
import { retryOnce, retryPaced } from '../../platform/retry.ts'
import { transferAuthorizationDigest } from '../../protocol/evm/eip712.ts'
import type { Address, Hex } from '../../protocol/evm/hex.ts'
import type { Network } from '../../protocol/evm/network.ts'
import { signedBy } from '../../protocol/evm/secp256k1.ts'
import { accept, type Result, refuse } from '../../protocol/refusal.ts'
import { EXACT, type PaymentRequirements, type SettleResponse } from '../../protocol/x402/types.ts'
import { paymentRequiredV1 } from '../../protocol/x402/v1.ts'
import type { Screen } from '../../screening/screen.ts'
import { type Charge, matches, type Purchase, type Scheme, store } from '../scheme.ts'
import { journalled, type ReceiverScreen, receiverScreen, screenPayer, stopped } from '../screening.ts'
import type { ExactPayment } from './payment.ts'

/** One site's terms for `exact`. */
export type ExactTerms = { network: Network; receiver: Address; maxTimeoutSeconds: number }

/** The Durable Objects and the facilitator that the `exact` scheme uses. */
export type ExactPorts = {
  authorizations: DurableObjectNamespace<Authorizations>
  /** Loaded at the first payment: a request without one never pays for the chain's code. */
  facilitator: () => Promise<Facilitator>
  /**
   * Whether one more payer may be looked up now. Each one that has paid before, named by its account, has a bucket of its own:
   * strangers cannot use up a customer's (faults: H1). Without it none is looked up: an invoice's URL is secret, so unknown
   * clients cannot reach it.
   */
  mayLook?: (customer?: string) => Promise<boolean>
  /** Screens both ends, for the act that is paid for. Without it none is screened. */
  screening?: { screen: Screen; act?: 'invoice' } | undefined
}

/** An expired authorization is still looked up this long: one that was reserved in time may be shown again. */
const LOOKUP_GRACE_SECONDS = 7n * 86_400n

/** `exact`, with a way to look for the money of an earlier charge. */
export type ExactScheme = Scheme<ExactPayment> & {
  /**
   * The outcome of an earlier charge of this request, as our records and the chain show it. Moves nothing. A payment that it
   * finds is recorded, and the next charge replays it.
   */
  find(payment: ExactPayment, purchase: Purchase): Promise<Settled>
}

/** The `exact` scheme of one site. */
export function exactScheme(terms: ExactTerms, ports: ExactPorts) {
  const { network, receiver, maxTimeoutSeconds } = terms
  const { usdc } = network
  const payee = ports.screening && receiverScreen({ ...ports, ...ports.screening }, network.id, receiver)
  const purchasing: PurchasePorts = { ...ports, payee }
  const offer = (price: bigint): PaymentRequirements => ({
    scheme: EXACT,
    network: network.id,
    amount: price.toString(),
    asset: usdc.address,
    payTo: receiver,
    maxTimeoutSeconds,
    extra: { name: usdc.name, version: usdc.version },
  })
  const exactPurchase = (payment: ExactPayment, purchase: Purchase): ExactPurchase => {
    const { authorization, signature } = payment.payload
    const use: Use = {
      id: purchase.id,
      name: accountOf(network, payment.payload),
      token: usdc.address,
      payer: authorization.from,
      receiver,
      nonce: authorization.nonce,
      amount: authorization.value,
      validBefore: authorization.validBefore,
      signature,
      request: purchase.request,
      rule: purchase.rule,
      site: purchase.site,
      policy: purchase.policy,
      who: purchase.who,
      hasEffects: purchase.hasEffects ?? false,
      ...(purchase.opened && { opened: purchase.opened }),
    }
    const transfer: SignedTransfer = {
      ...authorization,
      network: network.id,
      token: usdc.address,
      signature,
      wire: wireOf(payment, offer(authorization.value), purchase.url),
    }
    return new ExactPurchase(use, transfer, purchase.openMs, purchasing)
  }
  return {
    network: network.id,

    offer,

    ...(payee && { isWithheld: payee.isListed }),

    // Trap: do not compare the price here. The authorization may already be paid at the old price, and a 402 would charge
    // twice. `Authorizations.take` decides about price and expiry, since it knows the reservation.
    answers({ accepted, network, payload }, offer) {
      if (!accepted) return network === offer.network
      const amount = payload.authorization.value.toString()
      return matches(accepted, { ...offer, amount, maxTimeoutSeconds: accepted.maxTimeoutSeconds })
    },

    // By its receiver too: x402 v1 echoes no offer, and former terms of the site may name another one.
    promises({ payload: { authorization } }, price) {
      return authorization.value === price && authorization.to === receiver
    },

    verify(payment, _price, now) {
      const { authorization, signature } = payment.payload
      if (authorization.to !== receiver) return refuse('exact_recipient')
      if (authorization.validAfter > BigInt(now)) return refuse('exact_too_early')
      if (authorization.validBefore + LOOKUP_GRACE_SECONDS < BigInt(now)) return refuse('exact_too_late')
      if (!signedBy(transferAuthorizationDigest(authorization, usdc), signature, authorization.from)) {
        return refuse('exact_signature')
      }
      return accept(payment)
    },

    account: ({ payload }) => accountOf(network, payload),

    charge: async (payment, purchase) => exactPurchase(payment, purchase).charge(purchase.price),

    find: async (payment, purchase) => exactPurchase(payment, purchase).find(),
  } satisfies ExactScheme
}

/** One payer on one network. */
function accountOf({ id }: Network, { authorization }: ExactPayment['payload']): string {
  return `${id}:${authorization.from}`
}

/** The relayer's order: an authorization is one transfer, however often it is asked for. */
export function orderOf({ token, payer, nonce }: Pick<Use, 'token' | 'payer' | 'nonce'>): string {
  return `exact:${token}:${payer}:${nonce}`
}

type PurchasePorts = ExactPorts & { payee: ReceiverScreen | undefined }

/** One authorization, from its reservation to its settlement. */
class ExactPurchase implements Charge {
  /** The answer that an earlier request has bought. */
  answer?: StoredAnswer
  readonly #use: Use
  readonly #transfer: SignedTransfer
  readonly #openMs: number | undefined
  readonly #ports: PurchasePorts
  /** The transfer, once it is known to stand. */
  #paid: Hex | null = null

  constructor(use: Use, transfer: SignedTransfer, openMs: number | undefined, ports: PurchasePorts) {
    this.#use = use
    this.#transfer = transfer
    this.#openMs = openMs
    this.#ports = ports
  }

  /** Screens the payer and the receiver, then reserves the authorization. */
  async charge(price: bigint): Promise<Result<Charge>> {
    const { screening, payee } = this.#ports
    if (!screening) return this.take(price)
    const act = screening.act ?? EXACT
    const decision = await screenPayer(screening.screen, act, [this.#use.payer])
    if (!decision.isAllowed) {
      // Only the lists make these rows, so that no signature alone fills storage.
      if (decision.status === 'listed') await retryOnce(async () => this.#reservations().screened(decision))
      return stopped(decision)
    }
    const receiver = await payee?.decide(act)
    if (receiver?.isAllowed === false) return stopped(receiver, 'receiver_listed')
    Object.assign(this.#use, journalled(decision, receiver))
    return this.take(price)
  }

  /** `held`: the lookup of an unknown payer. Threat: nothing may be stored for payers without funds (faults: H1). */
  async take(price: bigint, held?: Result<null>): Promise<Result<Charge>> {
    const opens = held ? held.ok : !this.#ports.mayLook
    // A lookup may have shown the signature to a facilitator.
    const use = { ...this.#use, isShown: held !== undefined }
    const taken = await retryOnce(
      async (): Promise<Reservation> => this.#reservations().take(use, price, opens),
    )
    switch (taken.outcome) {
      case 'unknown_payer':
        // Ask again before refusing: another request may have reserved and settled the authorization meanwhile.
        return held && !held.ok ? held : this.take(price, await this.#look(taken.hasPaid === true))
      case 'refused':
        return refuse(taken.reason)
      case 'replayed':
        if (this.#use.hasEffects && !taken.answer) return this.#run(taken.transaction)
        if (taken.answer) this.answer = taken.answer
        this.#paid = taken.transaction
        return accept(this)
      case 'opened':
        return accept(this.#open(taken.transaction))
      case 'taken':
        return this.#use.hasEffects ? this.#payFirst() : accept(this)
      case 'doubtful':
        return this.#resolve(taken.isLate)
    }
  }

  async settle(answer?: StoredAnswer | null): Promise<Result<SettleResponse>> {
    const { token, nonce } = this.#use
    if (this.answer && this.#paid) return accept(this.#receiptOf(this.#paid))
    if (this.#paid === null) {
      const paid = await this.#pay()
      if (!paid.ok) return paid
      this.#paid = paid.value
    }
    const transaction = this.#paid
    const record = () => this.#reservations().settled(token, nonce, transaction, answer ?? null, this.#openMs)
    await (answer === undefined ? retryOnce(record) : store(record))
    return accept(this.#receiptOf(transaction))
  }

  /**
   * Releases an unpaid authorization. A paid one stays valid for the same request, until that was delivered once.
   */
  async release(): Promise<SettleResponse | null> {
    const { token, nonce, id } = this.#use
    const transaction = this.#paid
    if (transaction === null) {
      await retryPaced(async () => this.#reservations().release(token, nonce, id))
      return null
    }
    await retryPaced(async () => this.#reservations().undeliver(token, nonce, id))
    return this.#receiptOf(transaction)
  }

  /** The page is open to this payer: the receipt names the payment that opened it, and nothing moves. */
  #open(transaction: Hex): Charge {
    const receipt = { ...this.#receiptOf(transaction), amount: '0' }
    return { settle: async () => accept(receipt), release: async () => null }
  }

  /** Moves the money, and returns the transaction. */
  async #pay(): Promise<Result<Hex>> {
    const { token, nonce, id } = this.#use
    const ours = await retryOnce(async () => this.#reservations().renew(token, nonce, id))
    if (!ours) return refuse('exact_in_progress')
    const facilitator = await this.#ports.facilitator()
    const settled = await facilitator.settle(this.#transfer, this.#id)
    return settled.status === 'settled' ? accept(settled.transaction) : this.#end(settled)
  }

  /** Threat: a payer may move the money away meanwhile. A method with effects runs only once the transfer is mined (faults: A8). */
  async #payFirst(): Promise<Result<Charge>> {
    const paid = await this.#pay()
    return paid.ok ? this.#run(paid.value) : paid
  }

  /** Reserves the only delivery: of two requests with one payment, one alone may reach the origin. */
  async #run(transaction: Hex): Promise<Result<Charge>> {
    const { token, nonce, id } = this.#use
    const ours = await retryOnce(async () => this.#reservations().run(token, nonce, transaction, id))
    if (!ours) return refuse('effect_running')
    this.#paid = transaction
    return accept(this)
  }

  async find(): Promise<Settled> {
    const { token, nonce, request } = this.#use
    const known = await this.#reservations().use(token, nonce)
    const isUndone = known?.status === 'undone' || known?.status === 'lost'
    if (known?.request === request && known.transaction && !isUndone)
      return { status: 'settled', transaction: known.transaction }
    const isOpen = known?.request === request && known.status !== 'released' && known.status !== 'lost'
    if (!isOpen) return { status: 'refused', reason: 'exact_failed', isFinal: true }
    const facilitator = await this.#ports.facilitator()
    const found = await facilitator.find(this.#transfer, this.#id)
    if (found.status === 'settled') await this.#reservations().found(token, nonce, found.transaction)
    return found
  }

  async #look(isCustomer: boolean): Promise<Result<null>> {
    if (!(await this.#ports.mayLook?.(isCustomer ? this.#use.name : undefined)))
      return refuse('too_many_chain_reads')
    const facilitator = await this.#ports.facilitator()
    return facilitator.verify(this.#transfer)
  }

  /** Resolves an unresolved earlier try from the chain. If the transfer is not there, it may be settled now. */
  async #resolve(isLate: boolean): Promise<Result<Charge>> {
    const { token, nonce } = this.#use
    const facilitator = await this.#ports.facilitator()
    const found = await facilitator.lookup(this.#transfer, this.#id)
    if (found.status === 'unknown') return this.#end(found)
    if (found.status === 'refused' && isLate) return this.#end({ ...found, reason: 'exact_too_late' })
    if (this.#use.hasEffects) {
      return found.status === 'settled' ? this.#run(found.transaction) : this.#payFirst()
    }
    if (found.status === 'settled') {
      await retryOnce(async () => this.#reservations().found(token, nonce, found.transaction))
      this.#paid = found.transaction
    }
    return accept(this)
  }

  async #end(settled: Exclude<Settled, { status: 'settled' }>): Promise<Result<never>> {
    const { token, nonce, id } = this.#use
    switch (settled.status) {
      case 'refused':
        await retryOnce(async () =>
          settled.isFinal
            ? this.#reservations().close(token, nonce, id)
            : this.#reservations().release(token, nonce, id),
        )
        return refuse(settled.reason, settled.detail ? { detail: settled.detail } : {})
      case 'unknown':
        await retryOnce(async () => this.#reservations().doubt(token, nonce, id))
        return refuse('outcome_unknown')
    }
  }

  get #id(): string {
    return orderOf(this.#use)
  }

  #reservations(): DurableObjectStub<Authorizations> {
    return this.#ports.authorizations.getByName(this.#use.name)
  }

  #receiptOf(transaction: string): SettleResponse {
    const { payer, amount } = this.#use
    const { network } = this.#transfer
    return { success: true, transaction, network, payer, amount: amount.toString() }
  }
}

/** The payment as a facilitator over HTTP wants it, in the words of its version. */
function wireOf(
  { version, payload }: ExactPayment,
  offer: PaymentRequirements,
  url: string,
): SignedTransfer['wire'] {
  const { authorization, signature } = payload
  const signed = {
    signature,
    authorization: {
      ...authorization,
      value: authorization.value.toString(),
      validAfter: authorization.validAfter.toString(),
      validBefore: authorization.validBefore.toString(),
    },
  }
  if (version === 2) {
    return { version, payload: { x402Version: 2, payload: signed, accepted: offer }, requirements: offer }
  }
  const [requirements] = paymentRequiredV1('', { url }, [offer]).accepts
  const envelope = { x402Version: 1, scheme: EXACT, network: requirements?.network, payload: signed }
  return { version, payload: envelope, requirements }
}
