/** The credit lines of one run: how they are opened, used, suspended, and in the end checked. */
import { Client } from './actors/client.ts'
import { CreditPayer, type Reuse } from './actors/credit.ts'
import { Operator, TOKEN_SHA256 } from './actors/operator.ts'
import { Signer } from './actors/signer.ts'
import type { CreditOracle } from './check/credit.ts'
import type { Deployment } from './deployment.ts'
import { Violation, type World } from './world.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const REUSES: readonly Reuse[] = ['same request', 'other page', 'same nonce', 'after its end']
/** The first part of the paths of pages that are sold on credit. */
const PAGES = '/k'
const PRICE = 13_570n

/** The settings of a deployment with credit. */
export const CREDIT_VARS = {
  SCHEMES: ['channel', 'exact', 'credit'],
  RULES: [{ action: 'charge', path: `${PAGES}/*`, price: '0.01357' }],
  REGISTRATION_URL: 'mailto:crawlers@site.sim',
  OPERATOR_TOKEN_SHA256: TOKEN_SHA256,
}

/** All agents of one run, and their operator. */
export class Lines {
  readonly #world: World
  readonly #oracle: CreditOracle
  readonly #operator: Operator
  readonly #payers: readonly CreditPayer[]

  constructor(world: World, deployment: Deployment, oracle: CreditOracle, count: number) {
    this.#world = world
    this.#oracle = oracle
    this.#operator = new Operator(new Client('operator', deployment))
    this.#payers = Array.from({ length: count }, (_, at) => {
      const id = `agent-${at}`
      return new CreditPayer(new Client(id, deployment), new Signer(id, at), id)
    })
  }

  /** The days of each agent. `live` calls a visit at its times. */
  actors(live: (name: string, visit: (page: string) => Promise<void>) => Promise<void>): Promise<void>[] {
    return this.#payers.map(async (payer, at) => {
      await this.#register(payer)
      await live(payer.id, (visit) => this.#visit(payer, `${PAGES}/${at}/${visit}`))
    })
  }

  /** After the faults an agent with room below its limit is served [I13]. */
  quiet(healsAt: number): Promise<void>[] {
    const world = this.#world
    return this.#payers.map(async (payer, at) => {
      await world.sleep(healsAt + 26 * HOUR_MS + world.latency('peace', HOUR_MS) - world.now, 'peace')
      const mayBe = this.#oracle.mayCharge(payer.id, PRICE)
      const bought = await payer.buy(`${PAGES}/${at}/peace`)
      world.count(`on credit in peace: ${bought}`)
      if (bought !== (mayBe ? 'served' : 'refused'))
        throw new Violation('I13', `${payer.id} is ${bought} although all is well`)
    })
  }

  checkEnd(): void {
    this.#oracle.checkEnd(new Map(this.#payers.map(({ id, signer }) => [id, signer])))
  }

  async #register({ id, signer }: CreditPayer): Promise<void> {
    const { choices } = this.#world
    const most = PRICE * BigInt(choices.between(`limit ${id}`, 5, 40))
    await this.#operator.register({
      id,
      name: id,
      url: signer.url,
      keys: { keys: [signer.publicJwk] },
      creditLimit: `${most}`,
      probation: `${choices.chance(`probation ${id}`, 0.5) ? most : most / 2n}`,
      period: 'daily',
      rail: 'stablecoin',
      buyer: { name: `${id} Inc.`, country: 'US' },
    })
    this.#oracle.onHeld(id, 1)
  }

  /** Some pages at once, some of them with a trick; now and then the operator suspends the agent meanwhile. */
  async #visit(payer: CreditPayer, page: string): Promise<void> {
    const { choices } = this.#world
    const { id } = payer
    const reuse = () => (choices.chance(`reuse ${id}`, 0.3) ? choices.pick(`reuse ${id}`, REUSES) : 'none')
    const pages = Array.from({ length: choices.between(`burst ${id}`, 1, 5) }, (_, at) => `${page}/${at}`)
    const bought: Promise<unknown>[] = pages.map((each) => payer.buy(each, reuse()))
    if (choices.chance(`suspends ${id}`, 0.1)) bought.push(this.#suspend(id))
    await Promise.all(bought)
  }

  async #suspend(id: string): Promise<void> {
    const world = this.#world
    await world.sleep(world.latency('suspension', 2_000), 'suspension')
    this.#oracle.onHeld(id, await this.#operator.suspend(id, 'it must wait'))
    await world.sleep(world.latency('suspended', 30 * MINUTE_MS), 'suspended')
    this.#oracle.onHeld(id, await this.#operator.resume(id))
  }
}
