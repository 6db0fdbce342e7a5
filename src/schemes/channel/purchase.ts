/** One verified channel payment on its way through the ledger: order, update from the chain, answer. */

import { readChannels } from '../../chain/channels.ts'
import type {
  Outcome,
  Relayer,
  RelayerBase,
  TransactionOrder as Transaction,
} from '../../chain/relayer/relayer.ts'
import type { Chain } from '../../chain/rpc.ts'
import type { Account } from '../../ledger/channel/account.ts'
import type { Answer, ChargeOrder, Order, Standing, Unresolved } from '../../ledger/channel/types.ts'
import { retryOnce, retryPaced } from '../../platform/retry.ts'
import type { ChannelState } from '../../protocol/evm/channel.ts'
import { depositNonce } from '../../protocol/evm/eip712.ts'
import type { Hex } from '../../protocol/evm/hex.ts'
import { accept, type Result, refuse, wire } from '../../protocol/refusal.ts'
import type { JournalledScreening } from '../../protocol/screening.ts'
import type { ChannelPayload, Deposit } from '../../protocol/x402/payload.ts'
import { type Charge, type Purchase, store } from '../scheme.ts'
import { journalled, type ReceiverScreen, type ScreeningPorts, screenPayer, stopped } from '../screening.ts'
import { correctiveTerms, declined, type Parties, receiptOf, receiptOnly, tooSmall } from './answer.ts'
import type { ChannelPayment } from './payment.ts'
import type { ChannelTerms } from './terms.ts'

/** The Durable Objects and the chain that the channel scheme uses. */
export type ChannelPorts = {
  accounts: DurableObjectNamespace<Account>
  chain: Chain
  relayer: () => Relayer & Pick<RelayerBase, 'declines'>
  /**
   * Whether one more channel may be looked up on chain now. Each channel that has an account, named by its id, has a bucket
   * of its own: strangers cannot use up a customer's (faults: H1).
   */
  mayRead: (known?: Hex) => Promise<boolean>
  /** Screens both ends. Decisions about a listed payer without an account are journalled in its `authorizations`. */
  screening?: ScreeningPorts | undefined
  /** The screen of the receiver, where there is screening. */
  payee?: ReceiverScreen | undefined
}

/** How often the chain is asked again when its node lags behind our own transaction. */
const LAG_READS = 5

/**
 * How long a request may take from the begin of a refund to its signature. Until then "never signed" may only mean "not yet",
 * and a charge made meanwhile would be over money that is about to leave. A deposit only adds.
 */
export const SIGNING_MS = 60_000

/** A deposit must stay valid this long, so that a block can be mined before it ends. */
const MARGIN_SECONDS = 6n

type DepositPayload = Extract<ChannelPayload, { type: 'deposit' }>

/** One verified channel payment: places its order, updates the account from the chain where needed, and answers. */
export class ChannelPurchase {
  readonly #terms: ChannelTerms
  readonly #ports: ChannelPorts
  readonly #payload: ChannelPayload
  readonly #purchase: Purchase
  #screened: JournalledScreening = {}

  constructor(terms: ChannelTerms, ports: ChannelPorts, payment: ChannelPayment, purchase: Purchase) {
    this.#terms = terms
    this.#ports = ports
    this.#payload = payment.payload
    this.#purchase = purchase
  }

  /** The charge, durable; or a refusal. One call to the account for a voucher that follows. */
  async charge(): Promise<Result<Charge>> {
    const payload = this.#payload
    const stop = await this.#screen()
    if (stop) return stop
    switch (payload.type) {
      case 'voucher':
        return this.#answer(await this.#place(this.#chargeOrder()))
      case 'deposit':
        return this.#deposit(payload)
      case 'refund':
        return this.#refund()
    }
  }

  /**
   * Screens the payer and the key that signs its vouchers, and the receiver of what they buy. A listed payer holds the account.
   * Whether a held account is refunded is the account's to say: the operator may have released it.
   */
  async #screen(): Promise<ReturnType<typeof stopped> | undefined> {
    const { screening, payee } = this.#ports
    if (!screening) return undefined
    const { type, config } = this.#payload
    const decision = await screenPayer(screening.screen, type, [config.payer, config.payerAuthorizer])
    const receiver = decision.isAllowed && type !== 'refund' ? await payee?.decide(type) : undefined
    this.#screened = journalled(decision, receiver)
    if (receiver?.isAllowed === false) return stopped(receiver, 'receiver_listed')
    if (decision.isAllowed || (decision.status === 'listed' && type === 'refund')) return undefined
    if (decision.status === 'listed') {
      const held = await retryOnce(async () => this.#account().screened(decision))
      const payer = () => screening.authorizations.getByName(`${this.#terms.network.id}:${config.payer}`)
      if (held === undefined) await retryOnce(async () => payer().screened(decision))
    }
    return stopped(decision)
  }

  /** Places an order. If the account may lag behind the chain, updates it from the chain and places the order once more. */
  async #place(order: Order): Promise<Answer> {
    const place = async (): Promise<Answer> => this.#account().place(order)
    const answer = await retryOnce(place)
    if (answer.outcome !== 'refused') return answer
    switch (await this.#catchUp(answer)) {
      case 'updated':
        return retryOnce(place)
      case 'not_read':
        return { ...answer, reason: 'too_many_chain_reads' }
      case 'unchanged':
        return answer
    }
  }

  /** `not_read`: the chain might have allowed it, but a limiter prevented the lookup. Trap: that is not a refusal. */
  async #catchUp({
    reason,
    standing,
  }: Extract<Answer, { outcome: 'refused' }>): Promise<'updated' | 'unchanged' | 'not_read'> {
    switch (reason) {
      case 'channel_unknown':
        return this.#openFromChain()
      case 'over_ceiling':
      case 'withdrawal_pending':
        if (!(await this.#ports.mayRead(this.#channelId))) return 'not_read'
        await this.#account().observe(await this.#read())
        return 'updated'
      case 'channel_busy': {
        const isResolved = standing?.unresolved && (await this.#resolvePending(standing.unresolved))
        return isResolved ? 'updated' : 'unchanged'
      }
      default:
        return 'unchanged'
    }
  }

  /**
   * Opens the account if there is at least the least deposit behind this channel. Nothing is written for a channel with less
   * (faults: H1, H2).
   */
  async #openFromChain(): Promise<'updated' | 'unchanged' | 'not_read'> {
    if (!(await this.#ports.mayRead())) return 'not_read'
    const state = await this.#read()
    if (state.balance < this.#terms.minDeposit) return 'unchanged'
    await this.#account().open(this.#channelId, this.#payload.config, state)
    return 'updated'
  }

  /** Asks the relayer what became of a transaction that an earlier request left open. */
  async #resolvePending({ id, kind, since }: Unresolved): Promise<boolean> {
    const outcome = await this.#ports.relayer().outcome(id)
    if (outcome.status === 'pending') return false
    if (outcome.status === 'none' && kind === 'refund' && Date.now() < since + SIGNING_MS) return false
    if (outcome.status === 'mined') {
      await this.#account().resolve(id, await this.#read(outcome.block), outcome.hash)
    } else {
      await this.#account().resolve(id, null)
    }
    return true
  }

  async #deposit(payload: DepositPayload): Promise<Result<Charge>> {
    const { config, deposit } = payload
    const { escrow, collector } = this.#ports.chain
    const nonce = depositNonce(this.#channelId, deposit.salt)
    const id = `deposit:${this.#channelId}:${nonce}`
    if (lapses(deposit, Date.now() / 1000)) return this.#lapsedDeposit(id)
    const order: Order = {
      ...this.#signed(id),
      kind: 'deposit',
      delivery: this.#purchase.id,
      ...this.#bought(),
    }
    let begun = await this.#place(order)
    if (begun.outcome === 'refused' && begun.reason === 'channel_unknown') {
      const opened = await this.#openForDeposit(payload)
      if (!opened.ok) return opened
      begun = await this.#place(order)
    }
    if (begun.outcome === 'refused' && begun.standing && wire(begun.reason).status !== 503) {
      const sent = await this.#sentBefore(id)
      if (sent) return sent
    }
    if (begun.outcome !== 'begun') return this.#answer(begun)
    const { encodeDeposit } = await import('../../chain/escrow.ts')
    const data = encodeDeposit(config, deposit.amount, collector, deposit)
    const sponsored = { kind: 'deposit', payer: config.payer, amount: deposit.amount } as const
    const outcome = await this.#send({ id, to: escrow, data, sponsored }, begun.standing)
    switch (outcome.status) {
      case 'mined':
        return this.#chargeDeposit(id, outcome)
      case 'pending':
        return refuse('outcome_unknown', { detail: outcome.hash })
      case 'declined':
        await this.#account().resolve(id, null)
        return declined(outcome, 'deposit')
      default:
        await this.#account().resolve(id, null)
        return refuse('deposit_failed', {
          detail: outcome.status === 'refused' ? outcome.reason : outcome.hash,
        })
    }
  }

  async #chargeDeposit(id: string, { block, hash }: { block: bigint; hash: Hex }): Promise<Result<Charge>> {
    const settled = { id, state: await this.#read(block), transaction: hash }
    return this.#answer(await this.#place({ ...this.#chargeOrder(), settled }))
  }

  /**
   * A deposit that has lapsed begins nothing. But an earlier request may have had it mined, and lost its answer: it is late
   * only after the account and the relayer do not know it (faults: A3, I9).
   */
  async #lapsedDeposit(id: string): Promise<Result<Charge>> {
    const standing = await this.#account().standing()
    // Threat: a signature alone must not reach the relayer, the one object that all payers share (faults: H1).
    if (!standing) return refuse('deposit_too_late')
    const sent = await this.#sentBefore(id)
    if (sent) return sent
    if (standing.unresolved?.id === id) await this.#account().resolve(id, null)
    return refuse('deposit_too_late')
  }

  /**
   * The answer to a deposit that would be refused, if an earlier request has sent it; null if none has. Only a payer with an
   * account comes here, and within its bucket: all payers share the relayer (faults: H1).
   * Trap: the account alone does not know (faults: I9). Between the begin of a deposit and its signature the relayer has
   * nothing of it, and another request of the channel may close it as unsent: vouchers must not wait for a sender that
   * crashed. Such a deposit may still be signed. From then on the account does not name it, and its voucher may be behind.
   * The relayer answers for an order once that is signed or refused, and a crashed sender has sent nothing. A lapsed
   * authorization changes no outcome: it was mined before, or its transaction reverts.
   */
  async #sentBefore(id: string): Promise<Result<Charge> | null> {
    if (!(await this.#ports.mayRead(this.#channelId))) return refuse('too_many_chain_reads')
    const outcome = await this.#ports.relayer().outcome(id)
    if (outcome.status === 'mined') return this.#chargeDeposit(id, outcome)
    return outcome.status === 'pending' ? refuse('outcome_unknown', { detail: outcome.hash }) : null
  }

  /** A new account for a payer who holds the money: an account must not be had for a signature alone (faults: H1). */
  async #openForDeposit({ config, deposit, voucher }: DepositPayload): Promise<Result<null>> {
    if (!(await this.#ports.mayRead())) return refuse('too_many_chain_reads')
    const { chain } = this.#ports
    const { readHolding } = await import('../../chain/token.ts')
    const nonce = depositNonce(this.#channelId, deposit.salt)
    const [state, holding] = await Promise.all([
      this.#read(),
      readHolding(chain, { token: chain.token, from: config.payer, nonce }),
    ])
    if (holding.used) return refuse('deposit_failed', { detail: 'the authorization was used before' })
    if (holding.balance < deposit.amount)
      return refuse('deposit_failed', { detail: 'the payer does not hold it' })
    // Without an account, the chain's own total is the base (x402 batch-settlement §Server state loss).
    if (voucher.maxClaimableAmount !== state.totalClaimed + this.#purchase.price)
      return refuse('voucher_stale')
    // The relayer decides again when the deposit is sent. Here it keeps accounts of dust out of storage (faults: H2).
    const sponsored = { kind: 'deposit', payer: config.payer, amount: deposit.amount } as const
    const against = await this.#ports.relayer().declines(sponsored)
    if (against) return declined(against, 'deposit')
    await this.#account().open(this.#channelId, config, state)
    return accept(null)
  }

  async #refund(): Promise<Result<Charge>> {
    const { voucher } = this.#payload
    const amount = this.#payload.type === 'refund' ? this.#payload.amount : null
    const id = `refund:${this.#channelId}:${this.#purchase.id}`
    const least = this.#terms.minRefund
    const begun = await this.#place({ ...this.#signed(id), kind: 'refund', amount, least })
    if (begun.outcome !== 'begun') return this.#answer(begun)
    const { encodeClaim, encodeMulticall, encodeRefund } = await import('../../chain/escrow.ts')
    const { config, charged, redeemed } = begun.standing
    const claims =
      charged > redeemed
        ? [
            encodeClaim([
              {
                channel: config,
                maxClaimableAmount: voucher.maxClaimableAmount,
                signature: voucher.signature,
                totalClaimed: charged,
              },
            ]),
          ]
        : []
    const data = encodeMulticall([...claims, encodeRefund(config, begun.amount)])
    const sponsored = { kind: 'refund', payer: config.payer, amount: begun.amount } as const
    const outcome = await this.#send({ id, to: this.#ports.chain.escrow, data, sponsored }, begun.standing)
    switch (outcome.status) {
      case 'mined': {
        const standing = await this.#account().resolve(id, await this.#read(outcome.block), outcome.hash)
        return accept(receiptOnly(receiptOf(this.#parties, standing, outcome.hash, begun.amount)))
      }
      case 'pending':
        return refuse('outcome_unknown', { detail: outcome.hash })
      case 'declined':
        await this.#account().resolve(id, null)
        return declined(outcome, 'refund')
      default:
        await this.#account().resolve(id, null)
        return refuse('refund_failed', {
          detail: outcome.status === 'refused' ? outcome.reason : outcome.hash,
        })
    }
  }

  /** A broken chain may be found before anything was signed: then the channel need not wait for it. */
  async #send(order: Transaction, { unresolved }: Standing): Promise<Outcome> {
    try {
      return await this.#ports.relayer().send(order)
    } catch (fault) {
      if (unresolved) await this.#resolvePending(unresolved)
      throw fault
    }
  }

  #answer(answer: Answer): Result<Charge> {
    if (answer.outcome === 'refused') {
      if (answer.reason === 'refund_too_small') return tooSmall('refund', this.#terms.minRefund)
      const corrects = answer.reason === 'voucher_stale' && answer.standing !== null
      return refuse(answer.reason, corrects ? { terms: correctiveTerms(answer.standing) } : {})
    }
    if (answer.outcome === 'begun') throw new Error('a deposit or refund must be sent before it is answered')
    const { entry } = answer
    // An account of an earlier version replays methods with effects.
    if (this.#purchase.hasEffects && answer.outcome === 'replayed' && !answer.answer)
      return refuse('effect_delivered')
    const deposited = this.#payload.type === 'deposit' ? this.#payload.deposit.amount : null
    let receipt = receiptOf(this.#parties, answer, answer.transaction, deposited, answer.due)
    const lower = async (price: bigint) => {
      const known = await retryOnce(() => this.#account().lower(entry, this.#purchase.id, price))
      if (known) receipt = receiptOf(this.#parties, known, answer.transaction, deposited, known.due)
    }
    return accept({
      ...(answer.answer && { answer: answer.answer }),
      ...(answer.outcome === 'charged' && { lower }),
      settle: async (stored) => {
        if (stored !== undefined) await store(() => this.#account().delivered(entry, stored))
        return accept(receipt)
      },
      release: async () => {
        await retryPaced(() => this.#account().release(entry, this.#purchase.id))
        return null
      },
    })
  }

  /** The channel as the chain has it, not before `block`: our own transaction must be in what we read. */
  async #read(block = 0n): Promise<ChannelState> {
    for (let reads = 1; ; reads++) {
      const [state] = await readChannels(this.#ports.chain, [this.#channelId])
      if (state && state.block >= block) return state
      if (reads === LAG_READS) throw new Error(`the node lags behind block ${block}`)
      await scheduler.wait(200 * reads)
    }
  }

  #chargeOrder(): ChargeOrder {
    const { maxUnclaimed: exposure } = this.#terms
    const { id, rule, site, policy, who, opened, openMs } = this.#purchase
    const sold = { rule, site, policy, who }
    const open = { ...(opened && { opened }), ...(openMs && { openMs }) }
    return { ...this.#signed(id), ...this.#bought(), ...open, ...sold, kind: 'charge', exposure }
  }

  #bought() {
    const { price, request, hasEffects = false } = this.#purchase
    return { price, request, hasEffects }
  }

  #signed(id: string) {
    const { maxClaimableAmount, signature } = this.#payload.voucher
    return { id, max: maxClaimableAmount, signature, ...this.#screened }
  }

  get #parties(): Parties {
    return { channelId: this.#channelId, network: this.#terms.network.id, payer: this.#payload.config.payer }
  }

  get #channelId(): Hex {
    return this.#payload.voucher.channelId
  }

  #account(): DurableObjectStub<Account> {
    return this.#ports.accounts.getByName(this.#channelId)
  }
}

/** Whether a deposit's authorization ends before a block can be mined. `now` in Unix seconds. */
function lapses({ validBefore }: Deposit, now: number): boolean {
  return validBefore < BigInt(Math.floor(now)) + MARGIN_SECONDS
}
