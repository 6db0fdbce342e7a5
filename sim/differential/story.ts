/** One story without faults. Played in the simulator and in workerd with anvil, it must come out the same. */
import { numberToHex } from 'viem'
import type { ChannelConfig } from '../../src/protocol/evm/channel.ts'
import { channelId } from '../../src/protocol/evm/eip712.ts'
import type { Address, Hex } from '../../src/protocol/evm/hex.ts'
import { encodeHeader } from '../../src/protocol/x402/header.ts'
import type { PaymentRequirements } from '../../src/protocol/x402/types.ts'
import { Wallet } from '../actors/wallet.ts'
import { NETWORK } from '../chain/state.ts'
import { AGENT, type Answer, errorOf, receiptOf, requiredOf } from '../wire.ts'
import { booksOf } from './books.ts'
import { FUNDED, type Ground, SETTINGS } from './ground.ts'

const PRICE = 1_000n
/** A request is sent so often while its outcome is unknown. */
const MOST_SENDS = 40

/** The outcome of one act. */
export type Note = { what: string } & Record<string, unknown>

/** Tells the story. Equal grounds return equal values: hashes, signatures and times are left out. */
export async function play(ground: Ground): Promise<Note[]> {
  const story = new Story(ground)
  await story.meet()
  await story.buyOnTab()
  await story.buyAtOnce()
  await story.cheat()
  await story.night('the first night')
  await story.withdraw()
  await story.night('the second night')
  return story.notes
}

class Story {
  readonly notes: Note[] = []
  readonly #ground: Ground
  readonly #wallets = Array.from({ length: FUNDED + 1 }, (_, at) => new Wallet(at))
  #offers: PaymentRequirements[] = []

  constructor(ground: Ground) {
    this.#ground = ground
  }

  /** A crawler asks for the terms, and sends a header that no server can read. */
  async meet(): Promise<void> {
    const answer = await this.#ask('no payment', '/first')
    this.#offers = requiredOf(answer)?.accepts ?? []
    this.#note('offers', {
      offers: this.#offers.map(({ payTo, ...offer }) => ({ ...offer, payTo: payTo.toLowerCase() })),
    })
    await this.#ask('a header that is not base64', '/first', '***')
    await this.#ask('a header without a payment', '/first', encodeHeader({ x402Version: 2 }))
    await this.#ask(
      'another version',
      '/first',
      encodeHeader({ x402Version: 9, payload: {}, accepted: this.#offer('exact') }),
    )
  }

  async buyOnTab(): Promise<void> {
    const [wallet] = this.#wallets as [Wallet]
    const config = this.#config(wallet)
    const voucher = (path: string, pages: bigint) => this.#voucher(wallet, config, path, pages * PRICE)
    await this.#ask('a voucher before a deposit', '/tab/0', voucher('/tab/0', 1n))
    await this.#ask('a deposit', '/tab/0', this.#deposit(wallet, config, '/tab/0', 10n, 1n, 1))
    const pages = [2n, 3n, 4n, 5n, 6n]
    await this.#askAtOnce(
      'vouchers at once',
      pages.map((page) => [`/tab/${page}`, voucher(`/tab/${page}`, page)]),
    )
    await this.#ask('the same voucher for its page', '/tab/6', voucher('/tab/6', 6n))
    await this.#ask('the same voucher for another page', '/tab/other', voucher('/tab/other', 6n))
    await this.#ask('a stale voucher', '/tab/stale', voucher('/tab/stale', 2n))
    await this.#ask('a voucher that is too high', '/tab/high', voucher('/tab/high', 9n))
    for (const page of [7n, 8n, 9n, 10n])
      await this.#ask(`voucher ${page}`, `/tab/${page}`, voucher(`/tab/${page}`, page))
    await this.#ask('a voucher over the escrow', '/tab/over', voucher('/tab/over', 11n))
    await this.#ask(
      'a top-up that is too small',
      '/tab/11',
      this.#deposit(wallet, config, '/tab/11', 6n, 11n, 2),
    )
    const topUp = this.#deposit(wallet, config, '/tab/11', 10n, 11n, 2)
    await this.#ask('a top-up', '/tab/11', topUp)
    await this.#ask('the same top-up', '/tab/11', topUp)
    await this.#ask('a refund of a part', '/refund', this.#refund(wallet, config, 11n, 3n * PRICE))
    await this.#ask('a voucher after it', '/tab/12', voucher('/tab/12', 12n))
    await this.#ask('a refund over what is left', '/refund', this.#refund(wallet, config, 12n, 50n * PRICE))
    this.#note('a tab', await this.#channel(config))
  }

  async buyAtOnce(): Promise<void> {
    const [, , wallet, poor] = this.#wallets as [Wallet, Wallet, Wallet, Wallet]
    const once = this.#exact(wallet, '/x/0', 1)
    await this.#ask('exact', '/x/0', once)
    await this.#ask('exact again for its page', '/x/0', once)
    await this.#ask('exact again for another page', '/x/other', this.#exact(wallet, '/x/other', 1))
    await this.#ask('exact with another price', '/x/1', this.#exact(wallet, '/x/1', 2, PRICE - 1n))
    await this.#ask('exact that has ended', '/x/1', this.#exact(wallet, '/x/1', 3, PRICE, -60))
    await this.#ask('exact without money', '/x/1', this.#exact(poor, '/x/1', 4))
    await this.#ground.cancel(wallet, nonceOf(5))
    await this.#ask('exact that was cancelled', '/x/2', this.#exact(wallet, '/x/2', 5))
    const twice = this.#exact(wallet, '/x/3', 6)
    await this.#askAtOnce('exact twice at once', [
      ['/x/3', twice],
      ['/x/3', twice],
    ])
  }

  /** Signatures of others, and bytes that were changed. */
  async cheat(): Promise<void> {
    const [wallet, other] = this.#wallets as [Wallet, Wallet]
    const config = this.#config(wallet)
    const forged = {
      ...wallet.voucher(config, 10n * PRICE),
      signature: other.voucher(config, 10n * PRICE).signature,
    }
    const payload = { type: 'voucher', channelConfig: config, voucher: forged }
    await this.#ask(
      'a voucher that another has signed',
      '/forged',
      this.#payment('batch-settlement', '/forged', payload),
    )
    const elsewhere = { ...config, receiver: other.address }
    await this.#ask(
      'a channel of another receiver',
      '/forged',
      this.#voucher(wallet, elsewhere, '/forged', PRICE),
    )
    const long = { ...config, salt: `${config.salt}00` as Hex }
    const broken = { type: 'voucher', channelConfig: long, voucher: wallet.voucher(config, PRICE) }
    await this.#ask(
      'a salt that is too long',
      '/forged',
      this.#payment('batch-settlement', '/forged', broken),
    )
  }

  /** A payer takes its escrow out; the watch sees it, and nothing more is charged. */
  async withdraw(): Promise<void> {
    const [, wallet] = this.#wallets as [Wallet, Wallet]
    const config = this.#config(wallet)
    await this.#ask('another deposit', '/w/0', this.#deposit(wallet, config, '/w/0', 10n, 1n, 1))
    await this.#ask('its next voucher', '/w/1', this.#voucher(wallet, config, '/w/1', 2n * PRICE))
    await this.#ground.withdraw(wallet, config, 10n * PRICE)
    await this.#ground.watch()
    await this.#ask(
      'a voucher during a withdrawal',
      '/w/2',
      this.#voucher(wallet, config, '/w/2', 3n * PRICE),
    )
    await this.#ask('a top-up during a withdrawal', '/w/2', this.#deposit(wallet, config, '/w/2', 10n, 3n, 2))
    this.#note('a tab in withdrawal', await this.#channel(config))
  }

  /** The nightly run and the billing run, and the books after them. */
  async night(what: string): Promise<void> {
    await this.#ground.night()
    const owners: [string, Address][] = [
      ['receiver', SETTINGS.RECEIVER],
      ['escrow', NETWORK.escrow],
      ...this.#wallets.map(({ address }, at): [string, Address] => [`payer ${at}`, address]),
    ]
    const money = await Promise.all(
      owners.map(async ([name, owner]) => [name, `${await this.#ground.holds(owner)}`]),
    )
    this.#note(what, { money: Object.fromEntries(money), ...(await booksOf(this.#ground)) })
  }

  async #channel(config: ChannelConfig): Promise<object> {
    return (await booksOf(this.#ground)).accounts[idOf(config)] ?? {}
  }

  #note(what: string, seen: object): void {
    this.notes.push({ what, ...seen })
  }

  async #ask(what: string, path: string, payment?: string): Promise<Answer> {
    const answer = await this.#send(path, payment)
    this.#note(what, shownOf(answer))
    return answer
  }

  /** Requests that arrive together: their order is that of the network, so totals of the moment are left out. */
  async #askAtOnce(what: string, asked: [path: string, payment: string][]): Promise<void> {
    const answers = await Promise.all(asked.map(([path, payment]) => this.#send(path, payment)))
    this.#note(what, {
      answers: answers.map((answer) => {
        const { status, error, receipt } = shownOf(answer)
        return { status, error, amount: receipt?.amount, hasMoved: receipt?.hasMoved }
      }),
    })
  }

  async #send(path: string, payment?: string): Promise<Answer> {
    for (let sends = 1; ; sends++) {
      const headers = { 'user-agent': AGENT, ...(payment !== undefined && { 'payment-signature': payment }) }
      const answer = await this.#ground.ask(path, headers)
      if (answer.status !== 503 || sends === MOST_SENDS) return answer
      await this.#ground.pause()
    }
  }

  #offer(scheme: string): PaymentRequirements {
    const offer = this.#offers.find((one) => one.scheme === scheme)
    if (!offer) throw new Error(`the site must offer ${scheme}`)
    return offer
  }

  #config({ address }: Wallet): ChannelConfig {
    const { payTo, asset, extra } = this.#offer('batch-settlement')
    return {
      payer: address,
      payerAuthorizer: address,
      receiver: payTo.toLowerCase() as Address,
      receiverAuthorizer: String(extra.receiverAuthorizer).toLowerCase() as Address,
      token: asset.toLowerCase() as Address,
      withdrawDelay: extra.withdrawDelay as number,
      salt: nonceOf(1),
    }
  }

  #voucher(wallet: Wallet, config: ChannelConfig, path: string, max: bigint): string {
    const payload = { type: 'voucher', channelConfig: config, voucher: wallet.voucher(config, max) }
    return this.#payment('batch-settlement', path, payload)
  }

  #deposit(
    wallet: Wallet,
    config: ChannelConfig,
    path: string,
    pages: bigint,
    total: bigint,
    salt: number,
  ): string {
    const deposit = wallet.deposit(config, pages * PRICE, nonceOf(salt), this.#in(3_600))
    const voucher = wallet.voucher(config, total * PRICE)
    return this.#payment('batch-settlement', path, {
      type: 'deposit',
      channelConfig: config,
      voucher,
      deposit,
    })
  }

  #refund(wallet: Wallet, config: ChannelConfig, pages: bigint, amount: bigint): string {
    const voucher = wallet.voucher(config, pages * PRICE)
    return this.#payment('batch-settlement', '/refund', {
      type: 'refund',
      channelConfig: config,
      voucher,
      amount: `${amount}`,
    })
  }

  #exact(wallet: Wallet, path: string, nonce: number, value = PRICE, seconds = 300): string {
    const { payTo } = this.#offer('exact')
    return this.#payment(
      'exact',
      path,
      wallet.transfer(payTo.toLowerCase() as Address, value, nonceOf(nonce), this.#in(seconds)),
    )
  }

  /** Unix seconds. */
  #in(seconds: number): bigint {
    return BigInt(Math.floor(this.#ground.now() / 1000) + seconds)
  }

  #payment(scheme: string, path: string, payload: object): string {
    const resource = { url: `${this.#ground.site}${path}` }
    return encodeHeader({ x402Version: 2, payload, resource, accepted: this.#offer(scheme) })
  }
}

function idOf(config: ChannelConfig): Hex {
  return channelId(config, NETWORK.chainId, NETWORK.escrow)
}

function nonceOf(number: number): Hex {
  return numberToHex(number, { size: 32 })
}

/** The parts of an answer that must be the same: all but hashes, signatures, blocks and times. */
function shownOf(answer: Answer) {
  const receipt = receiptOf(answer)
  const { channelState, voucherState } = (requiredOf(answer)?.accepts[0]?.extra ?? {}) as Record<
    string,
    Record<string, unknown>
  >
  return {
    status: answer.status,
    error: errorOf(answer),
    ...(channelState && { channelState }),
    ...(voucherState && { voucherState }),
    ...(receipt && { receipt: { ...receipt, transaction: undefined, hasMoved: receipt.transaction !== '' } }),
  }
}
