/** The credit lines of one run: how they are opened, used, suspended, and in the end checked. */
import type { DunningTerms, RailName } from '../src/ledger/billing/types.ts'
import { HOUR_MS, MINUTE_MS } from '../src/platform/time.ts'
import { Client } from './actors/client.ts'
import { CreditPayer, type Reuse } from './actors/credit.ts'
import { type Habit, InvoicePayer } from './actors/invoices.ts'
import { Operator, TOKEN_SHA256 } from './actors/operator.ts'
import { Signer } from './actors/signer.ts'
import type { Wallet } from './actors/wallet.ts'
import {
  Bills,
  checkAttempts,
  checkListed,
  checkNotes,
  checkNotesThere,
  checkSeries,
  checkStripe,
} from './check/bills.ts'
import type { CreditOracle } from './check/credit.ts'
import type { ExactOracle } from './check/exact.ts'
import { type Deployment, SITE } from './deployment.ts'
import { HOOK, type Hook } from './hook.ts'
import { LAGGING } from './net.ts'
import { STRIPE_VARS, type Stripe } from './stripe.ts'
import { Violation, type World } from './world.ts'

const REUSES: readonly Reuse[] = ['same request', 'other page', 'same nonce', 'after its end']
/** The first part of the paths that the agents of a rail read, and the price there: a rail has a least invoice. */
const SHELVES: Record<RailName, { path: string; price: bigint }> = {
  stablecoin: { path: '/k', price: 13_570n },
  transfer: { path: '/k', price: 13_570n },
  stripe: { path: '/dear', price: 195_713n },
}

/** The highest price of a deployment with credit. */
export const HIGHEST_PRICE = SHELVES.stripe.price

/** How invoices are dunned: within the days that one simulation has. */
const DUNNING: readonly DunningTerms[] = [
  { net: 0, pastDue: 1, suspended: 2, writtenOff: 3 },
  { net: 1, pastDue: 1, suspended: 1, writtenOff: 2 },
  { net: 14, pastDue: 3, suspended: 10, writtenOff: 90 },
]
const RAILS: readonly RailName[] = ['stablecoin', 'stablecoin', 'stripe', 'stripe', 'transfer']
const HABITS: readonly Habit[] = ['pays', 'pays', 'pays oddly', 'defaults']

/** One agent: what it reads, and how it pays its invoices. */
type Party = { payer: CreditPayer; invoices: InvoicePayer; country: string; rail: RailName }

/** The settings of a deployment with credit and billing. */
export function creditVars(dunning: DunningTerms) {
  return {
    SCHEMES: ['channel', 'exact', 'credit'],
    RULES: Object.values(SHELVES).map(({ path, price }) => ({
      action: 'charge',
      path: `${path}/*`,
      price: (Number(price) / 1e6).toString(),
    })),
    REGISTRATION_URL: 'mailto:crawlers@site.sim',
    OPERATOR_TOKEN_SHA256: TOKEN_SHA256,
    SELLER: { name: 'The Site', country: 'DE', vat: '19%' },
    OPERATOR_KEY: new Signer('operator', 0x40).privateJwk,
    PUBLIC_URL: SITE,
    DUNNING: dunning,
    ...STRIPE_VARS,
    WEBHOOK_URL: `https://${HOOK}/events`,
    WEBHOOK_SECRET: 'the-secret-of-the-simulator',
  }
}

/** Draws the terms of dunning. */
export function dunningOf({ choices }: World): DunningTerms {
  return choices.pick('dunning', DUNNING)
}

/** The ports of the lines of a run. `wallets`: one for each agent. */
export type Ground = {
  deployment: Deployment
  oracle: CreditOracle
  exact: ExactOracle
  dunning: DunningTerms
  stripe: Stripe
  hook: Hook
  wallets: readonly Wallet[]
}

/** All agents of one run, and their operator. */
export class Lines {
  readonly #world: World
  readonly #ground: Ground
  readonly #oracle: CreditOracle
  readonly #operator: Operator
  readonly #parties: readonly Party[]
  /** The reasons of credit notes that the operator has written. */
  readonly #notes: string[] = []

  constructor(world: World, ground: Ground) {
    this.#world = world
    this.#ground = ground
    this.#oracle = ground.oracle
    const { deployment, stripe, wallets } = ground
    stripe.deployment = deployment
    const { choices } = world
    const operator = new Operator(new Client('operator', deployment))
    this.#operator = operator
    this.#parties = wallets.map((wallet, at) => {
      const id = `agent-${at}`
      const client = new Client(id, deployment)
      const signer = new Signer(id, at)
      const habit = choices.pick(`habit ${id}`, HABITS)
      return {
        payer: new CreditPayer(client, signer, id),
        invoices: new InvoicePayer({ client, signer, wallet, stripe, operator }, habit),
        rail: choices.pick(`rail ${id}`, RAILS),
        country: choices.pick(`country ${id}`, ['DE', 'US']),
      }
    })
  }

  /** The days of each agent. `live` calls a visit at its times. */
  actors(live: (name: string, visit: (page: string) => Promise<void>) => Promise<void>): Promise<void>[] {
    return this.#parties.map(async (party, at) => {
      await this.#register(party)
      await live(party.payer.id, (visit) => this.#visit(party, `${SHELVES[party.rail].path}/${at}/${visit}`))
    })
  }

  /** After the faults invoices are paid, and an agent with room below its limit is served [I13]. */
  quiet(healsAt: number): Promise<void>[] {
    const world = this.#world
    return this.#parties.map(async ({ payer, invoices, rail }, at) => {
      const { path, price } = SHELVES[rail]
      for (let day = 0; day < 2; day++) {
        const wait = healsAt + (day * 24 + 26) * HOUR_MS + world.latency('peace', HOUR_MS) - world.now
        await world.sleep(wait, 'peace')
        await invoices.payAll()
        if (day > 0) continue
        if (world.choices.chance(`credits ${payer.id}`, 0.3)) await this.#credit(payer.id)
        const mayBe = this.#oracle.mayCharge(payer.id, price)
        const bought = await payer.buy(`${path}/${at}/peace`)
        world.count(`on credit in peace: ${bought}`)
        if (bought !== (mayBe ? 'served' : 'refused'))
          throw new Violation('I13', `${payer.id} is ${bought} although all is well`)
      }
    })
  }

  /** `until`: the moment of the last nightly run, in Unix ms. @throws Violation */
  checkEnd(until: number): void {
    const { deployment, dunning, exact, stripe, hook } = this.#ground
    this.#oracle.checkEnd(new Map(this.#parties.map(({ payer: { id, signer } }) => [id, signer])))
    const lines = this.#parties.flatMap(({ payer: { id }, invoices: { habit } }) => {
      const host = deployment.namespace('LINES').hosts.get(id)
      if (!host) return []
      const line = new Bills(host)
      line.check(until, dunning)
      line.checkNotified(hook.accepted)
      checkListed(deployment, id, line)
      checkAttempts(deployment, exact, line)
      checkNotesThere(stripe, line)
      const open = line.bills.find(({ stage }) => stage !== 'settled')
      if (open && habit !== 'defaults' && open.invoice.issuedAt < until)
        throw new Violation('L1', `${open.invoice.id} is ${open.stage}, although ${id} pays`)
      return [line]
    })
    checkSeries(deployment, lines)
    checkNotes(this.#notes, lines)
    checkStripe(stripe, lines)
  }

  async #register({ payer: { id, signer }, country, rail }: Party): Promise<void> {
    const { choices } = this.#world
    const most = SHELVES[rail].price * BigInt(choices.between(`limit ${id}`, 5, 40))
    await this.#operator.register({
      id,
      name: id,
      url: signer.url,
      keys: { keys: [signer.publicJwk] },
      creditLimit: `${most}`,
      probation: `${choices.chance(`probation ${id}`, 0.5) ? most : most / 2n}`,
      period: 'daily',
      rail,
      buyer: { name: `${id} Inc.`, country },
    })
    this.#oracle.onHeld(id, 1)
  }

  /** Some pages at once, some of them with a trick; now and then the operator suspends the agent meanwhile. */
  async #visit({ payer, invoices }: Party, page: string): Promise<void> {
    const { choices } = this.#world
    const { id } = payer
    const reuse = () => (choices.chance(`reuse ${id}`, 0.3) ? choices.pick(`reuse ${id}`, REUSES) : 'none')
    const pages = Array.from({ length: choices.between(`burst ${id}`, 1, 5) }, (_, at) => `${page}/${at}`)
    // At midnight, its period may be closed before the origin fails.
    if (choices.chance(`lags ${id}`, 0.25)) pages.push(`${page}/${LAGGING}`)
    const bought: Promise<unknown>[] = pages.map((each) => payer.buy(each, reuse()))
    if (choices.chance(`suspends ${id}`, 0.1)) bought.push(this.#suspend(payer, page))
    if (choices.chance(`pays ${id}`, 0.3)) bought.push(invoices.payAll())
    if (choices.chance(`credits ${id}`, 0.2)) bought.push(this.#credit(id))
    await Promise.all(bought)
  }

  async #credit(id: string): Promise<void> {
    const reason = await this.#operator.credit(id, this.#world.choices.number(`credits ${id}`))
    if (reason !== null) this.#notes.push(reason)
  }

  async #suspend(payer: CreditPayer, page: string): Promise<void> {
    const world = this.#world
    const { id } = payer
    await world.sleep(world.latency('suspension', 2_000), 'suspension')
    this.#oracle.onHeld(id, await this.#operator.suspend(id, 'it must wait'))
    world.count(`while suspended: ${await payer.buy(`${page}/suspended`)}`)
    await world.sleep(world.latency('suspended', 30 * MINUTE_MS), 'suspended')
    this.#oracle.onHeld(id, await this.#operator.resume(id))
  }
}
