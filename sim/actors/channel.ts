/** Payers with a channel: one that is honest, and what others do with the same means. */
import { numberToHex } from 'viem'
import type { ChannelConfig } from '../../src/protocol/evm/channel.ts'
import { channelId } from '../../src/protocol/evm/eip712.ts'
import type { Address, Hex } from '../../src/protocol/evm/hex.ts'
import type { PaymentRequirements } from '../../src/protocol/x402/types.ts'
import type { Chain } from '../chain/chain.ts'
import { NETWORK } from '../chain/state.ts'
import { type Answer, errorOf, receiptOf, requiredOf } from '../wire.ts'
import { world } from '../world.ts'
import { type Bought, type Client, paymentOf } from './client.ts'
import { Wallet } from './wallet.ts'

/** A client signs so many payments for one page. */
const MOST_SIGNED = 8
/** The number of a wallet that owns no channel. */
const FORGER = 99

/** One channel of one payer, as its client has it. */
export class ChannelPayer {
  readonly client: Client
  readonly wallet: Wallet
  readonly #chain: Chain
  #offer: PaymentRequirements | undefined
  #config: ChannelConfig | undefined
  /** The total that receipts have stated. */
  charged = 0n
  /** The escrow that receipts have stated. */
  balance = 0n
  /** Whether it never comes again. */
  hasLeft = false
  /** Totals that are promised to requests under way. */
  readonly #promised = new Set<bigint>()
  #salts = 0
  #opening: Promise<Bought> | null = null

  constructor(client: Client, wallet: Wallet, chain: Chain) {
    this.client = client
    this.wallet = wallet
    this.#chain = chain
  }

  get id(): Hex | undefined {
    return this.#config && channelId(this.#config, NETWORK.chainId, NETWORK.escrow)
  }

  get #highest(): bigint {
    return [...this.#promised].reduce((high, total) => (total > high ? total : high), this.charged)
  }

  get config(): ChannelConfig {
    if (!this.#config) throw new Error('the payer must have an offer first')
    return this.#config
  }

  /** Asks for a page without a payment, until there is an offer. */
  async meet(): Promise<PaymentRequirements> {
    const offer = this.#offer ?? (await this.client.meet(({ scheme }) => scheme === 'batch-settlement'))
    if (!this.#offer) this.#accept(offer)
    return offer
  }

  #accept(offer: PaymentRequirements): void {
    this.#offer = offer
    this.#config = {
      payer: this.wallet.address,
      payerAuthorizer: this.wallet.address,
      receiver: offer.payTo.toLowerCase() as Address,
      receiverAuthorizer: String(offer.extra.receiverAuthorizer).toLowerCase() as Address,
      token: offer.asset.toLowerCase() as Address,
      withdrawDelay: offer.extra.withdrawDelay as number,
      salt: numberToHex(1, { size: 32 }),
    }
  }

  /** Buys a page, with a deposit first where the channel holds too little. */
  async buy(path: string): Promise<Bought> {
    const price = BigInt((await this.meet()).amount)
    for (let signed = 0; signed < MOST_SIGNED; signed++) {
      const max = this.#highest + price
      if (max > this.balance) {
        this.#opening ??= this.deposit(path, price * 12n).finally(() => {
          this.#opening = null
        })
        const opened = await this.#opening
        if (opened === 'unknown' || opened === 'refused') return opened
        continue
      }
      this.#promised.add(max)
      const answer = await this.client
        .persist(path, this.voucher(path, max))
        .finally(() => this.#promised.delete(max))
      const end = this.#endOf(answer)
      if (end !== 'again') return end
    }
    return 'refused'
  }

  /** Adds to the channel, and buys a page with the same request. */
  async deposit(path: string, amount: bigint): Promise<Bought> {
    const price = BigInt((await this.meet()).amount)
    for (let signed = 0; signed < MOST_SIGNED; signed++) {
      const payment = this.depositOf(path, amount, this.charged + price)
      const answer = await this.client.persist(path, payment)
      if (answer?.status === 402 && requiredOf(answer)?.accepts[0]?.extra.channelState === undefined)
        return 'refused'
      if (answer?.status === 200) world().count('deposit')
      const end = this.#endOf(answer)
      if (end !== 'again') return end
    }
    return 'refused'
  }

  /** Asks for a page with a voucher that another key has signed. */
  async forge(path: string): Promise<void> {
    const max = this.#highest + BigInt((await this.meet()).amount)
    const { signature } = new Wallet(FORGER).voucher(this.config, max)
    const voucher = { ...this.wallet.voucher(this.config, max), signature }
    world().count('forged voucher')
    await this.client.ask(path, this.#payment(path, { type: 'voucher', channelConfig: this.config, voucher }))
  }

  /** Takes back `amount`, or all that is left. */
  async refund(amount?: bigint): Promise<Bought> {
    await this.meet()
    for (let signed = 0; signed < MOST_SIGNED; signed++) {
      const answer = await this.client.persist('/refund', this.#refundOf(amount))
      if (answer?.status === 200) world().count('refund')
      const end = this.#endOf(answer)
      if (end !== 'again') return end
    }
    return 'refused'
  }

  /** Asks once for all that is left, and never comes again, whatever the answer is. */
  async leave(): Promise<void> {
    this.hasLeft = true
    world().count('left for good')
    await this.client.ask('/refund', this.#refundOf())
  }

  #refundOf(amount?: bigint): string {
    return this.#payment('/refund', {
      type: 'refund',
      channelConfig: this.config,
      voucher: this.wallet.voucher(this.config, this.charged),
      ...(amount !== undefined && { amount: amount.toString() }),
    })
  }

  /** Begins to take the escrow out alone: so many tenths of it. */
  withdraw(tenths: bigint): void {
    const { config } = this
    world().count('withdrawal')
    this.#chain.act(this.wallet.address, (state, call) => {
      const { balance, claimed } = state.channel(this.id ?? '0x')
      return state.initiateWithdraw(config, ((balance - claimed) * tenths) / 10n, call)
    })
  }

  /** Ends it, if the delay is over. */
  finalize(): void {
    const { config } = this
    this.#chain.act(this.wallet.address, (state, call) => state.finalizeWithdraw(config, call))
  }

  voucher(path: string, max: bigint): string {
    const voucher = this.wallet.voucher(this.config, max)
    return this.#payment(path, { type: 'voucher', channelConfig: this.config, voucher })
  }

  depositOf(path: string, amount: bigint, max: bigint): string {
    const voucher = this.wallet.voucher(this.config, max)
    const salt = numberToHex(++this.#salts, { size: 32 })
    const validBefore = BigInt(Math.floor(world().now / 1000) + 600)
    const deposit = this.wallet.deposit(this.config, amount, salt, validBefore)
    return this.#payment(path, { type: 'deposit', channelConfig: this.config, voucher, deposit })
  }

  #endOf(answer: Answer | null): Bought | 'again' {
    if (!answer) return 'unknown'
    const state = receiptOf(answer)?.extra?.channelState ?? requiredOf(answer)?.accepts[0]?.extra.channelState
    if (state)
      this.#learn(state as { chargedCumulativeAmount: string; balance: string }, answer.status === 402)
    if (answer.status === 200) return 'served'
    if (answer.status === 402 && state) {
      world().count('corrective 402')
      return 'again'
    }
    const isDry = /exceeds_balance/.test(errorOf(answer) ?? '')
    if (isDry) this.balance = 0n
    return isDry ? 'again' : answer.status === 402 ? 'refused' : 'released'
  }

  #learn(state: { chargedCumulativeAmount: string; balance: string }, isCorrected: boolean): void {
    const charged = BigInt(state.chargedCumulativeAmount)
    // A correction may lower the total, after a release.
    if (isCorrected || charged > this.charged) this.charged = charged
    this.balance = BigInt(state.balance)
  }

  #payment(path: string, payload: object): string {
    if (!this.#offer) throw new Error('the payer must have an offer first')
    return paymentOf(this.#offer, path, payload)
  }
}
