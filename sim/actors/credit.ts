/** Agents with credit: honest ones, and those who use a signature or a nonce again. */
import type { PaymentRequirements } from '../../src/protocol/x402/types.ts'
import { SITE } from '../deployment.ts'
import { errorOf } from '../wire.ts'
import { world } from '../world.ts'
import { type Bought, type Client, paymentOf } from './client.ts'
import { LOOSE, type Signer, VALID_SECONDS, WHOLE } from './signer.ts'

/** A signature is not sent any more so long before it expires: the way takes time. */
const MARGIN_MS = 60_000

/** The other use that an agent makes of a commitment. */
export type Reuse = 'none' | 'same request' | 'other page' | 'same nonce' | 'after its end'

/** One agent. */
export class CreditPayer {
  readonly client: Client
  readonly signer: Signer
  /** The id under which the operator registers it. */
  readonly id: string
  #offer: PaymentRequirements | undefined

  constructor(client: Client, signer: Signer, id: string) {
    this.client = client
    this.signer = signer
    this.id = id
  }

  /** Reads a page on credit. */
  async buy(path: string, reuse: Reuse = 'none'): Promise<Bought> {
    this.#offer ??= await this.client.meet(({ network }) => network.endsWith(':402'), path)
    const offer = this.#offer
    const { amount, asset } = offer
    const payment = paymentOf(offer, path, { amount, asset })
    const nonce = this.signer.nonce()
    const isLoose = reuse === 'other page'
    const until = world().now + VALID_SECONDS * 1000 - MARGIN_MS
    const send = (page: string, headers: Record<string, string>) =>
      this.client.persist(page, payment, { headers }, until)
    const headersOf = (page: string) =>
      this.signer.headers(`${SITE}${page}`, isLoose ? LOOSE : WHOLE, payment, nonce)
    const headers = headersOf(path)
    const asked = [send(path, headers)]
    if (reuse !== 'none') world().count(`reuse: ${reuse}`)
    if (reuse === 'same request') asked.push(send(path, headers))
    if (reuse === 'other page') asked.push(send(`${path}/other`, headers))
    if (reuse === 'same nonce') asked.push(send(`${path}/nonce`, headersOf(`${path}/nonce`)))
    if (reuse === 'after its end') asked.push(this.#sendLate(path, payment, headers))
    const [answer] = await Promise.all(asked)
    if (!answer) return 'unknown'
    if (answer.status === 200) return 'served'
    return errorOf(answer) && answer.status === 402 ? 'refused' : 'released'
  }

  /** Sends a request again when its signature is about to expire, or has. */
  async #sendLate(path: string, payment: string, headers: Record<string, string>) {
    const here = world()
    await here.sleep(VALID_SECONDS * 1000 - 2_000 + here.latency('late', 4_000), 'waits for the end')
    return this.client.ask(path, payment, { headers })
  }
}
