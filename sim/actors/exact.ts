/** Payers by `exact`: honest ones, and those who use a signature twice, cancel it, send it themselves or move the money away. */
import { numberToHex } from 'viem'
import { encodeTransfer } from '../../src/chain/token.ts'
import type { Address, Hex } from '../../src/protocol/evm/hex.ts'
import type { PaymentRequirements } from '../../src/protocol/x402/types.ts'
import type { Chain } from '../chain/chain.ts'
import { NETWORK } from '../chain/state.ts'
import { type Answer, errorOf } from '../wire.ts'
import { world } from '../world.ts'
import { type Bought, type Client, paymentOf } from './client.ts'
import type { Wallet } from './wallet.ts'

/** How long an authorization is valid. */
const VALID_SECONDS = 300n

/** The other use that a payer makes of a signature. */
export type Trick = 'none' | 'twice' | 'other page' | 'cancels' | 'sends itself' | 'moves away'

/** One payer by `exact`. */
export class ExactPayer {
  readonly client: Client
  readonly wallet: Wallet
  readonly #chain: Chain
  #offer: PaymentRequirements | undefined

  constructor(client: Client, wallet: Wallet, chain: Chain) {
    this.client = client
    this.wallet = wallet
    this.#chain = chain
  }

  /** Buys a page at once. */
  async buy(path: string, trick: Trick = 'none', method = 'GET'): Promise<Bought> {
    this.#offer ??= await this.client.meet(({ scheme }) => scheme === 'exact')
    const { payTo, amount } = this.#offer
    const isEarly = trick === 'moves away' && world().choices.chance(`moves before ${path}`, 0.5)
    if (isEarly) {
      this.#moveAway()
      await world().sleep(20_000, 'has moved away')
    }
    const nonce = numberToHex(BigInt(Math.floor(world().choices.number('nonce') * 2 ** 52)), { size: 32 })
    const validBefore = BigInt(Math.floor(world().now / 1000)) + VALID_SECONDS
    const signed = this.wallet.transfer(payTo.toLowerCase() as Address, BigInt(amount), nonce, validBefore)
    const payment = (page: string) => paymentOf(this.#offer as PaymentRequirements, page, signed)
    const asked = [this.client.persist(path, payment(path), { method })]
    if (trick === 'twice') asked.push(this.client.persist(path, payment(path), { method }))
    if (trick === 'other page')
      asked.push(this.client.persist(`${path}/other`, payment(`${path}/other`), { method }))
    if (trick !== 'none') world().count(`trick: ${trick}`)
    if (trick !== 'none' && !isEarly) {
      const here = world()
      here.after(here.latency('trick', 20_000), trick, () =>
        this.#play(trick, { ...signed.authorization, signature: signed.signature }),
      )
    }
    const [answer] = await Promise.all(asked)
    const end = endOf(answer)
    const isPaidAfterAll = end === 'refused' && world().choices.chance(`pays after all ${path}`, 0.7)
    return isPaidAfterAll ? this.#payAfterAll(path, payment(path), signed, method) : end
  }

  /** Sends the transfer of a refused payment itself while it is valid. It may ask for its page again. */
  async #payAfterAll(path: string, payment: string, signed: SignedPayment, method: string): Promise<Bought> {
    const here = world()
    here.count('trick: pays after all')
    await here.sleep(here.latency('pays after all', 270_000), 'pays after all')
    this.#play('sends itself', { ...signed.authorization, signature: signed.signature })
    if (here.choices.chance(`asks after all ${path}`, 0.6)) return 'refused'
    await here.sleep(here.latency('asks after all', 60_000), 'asks after all')
    const end = endOf(await this.client.persist(path, payment, { method }))
    here.count(`after all: ${end}`)
    return end
  }

  #play(trick: Trick, { to, value, validBefore, nonce, signature }: Signed): void {
    const { address: from } = this.wallet
    const amount = BigInt(value)
    const payment = {
      from,
      to,
      value: amount,
      validAfter: 0n,
      validBefore: BigInt(validBefore),
      nonce,
      signature,
    }
    const wire = {
      network: NETWORK.id,
      token: NETWORK.usdc.address,
      wire: { version: 2 as const, payload: {}, requirements: {} },
    }
    if (trick === 'cancels') this.#chain.act(from, (state) => state.cancelAuthorization(from, nonce))
    if (trick === 'sends itself') {
      const data = encodeTransfer({ ...payment, ...wire })
      this.#chain.act(from, (state, call) => state.call(NETWORK.usdc.address, data, call))
    }
    if (trick === 'moves away') this.#moveAway()
  }

  /** Each payer has a second wallet of its own: nothing of another's comes back to it. */
  #moveAway(): void {
    const { address: from } = this.wallet
    const elsewhere: Hex = `0xee${from.slice(4)}`
    this.#chain.act(from, (state) => state.transfer(from, elsewhere, state.balance(from)))
    world().after(120_000, 'comes back', () =>
      this.#chain.act(elsewhere, (state) => state.transfer(elsewhere, from, state.balance(elsewhere))),
    )
  }
}

function endOf(answer: Answer | null | undefined): Bought {
  if (!answer) return 'unknown'
  if (answer.status === 200) return 'served'
  return errorOf(answer) && answer.status === 402 ? 'refused' : 'released'
}

type SignedPayment = ReturnType<Wallet['transfer']>
type Signed = { to: Address; value: string; validBefore: string; nonce: Hex; signature: Hex }
