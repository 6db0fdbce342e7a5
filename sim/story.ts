/** One run: actors and faults for some days, then peace for three nights, then the books are checked. */
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../src/platform/time.ts'
import { NIGHTLY, WATCH } from '../src/settlement/schedule.ts'
import { ChannelPayer } from './actors/channel.ts'
import { Client } from './actors/client.ts'
import { ExactPayer, type Trick } from './actors/exact.ts'
import { Wallet } from './actors/wallet.ts'
import { Chain } from './chain/chain.ts'
import { Node } from './chain/node.ts'
import { ChainState } from './chain/state.ts'
import { totalsOf } from './check/accounts.ts'
import { checkEnd } from './check/end.ts'
import { Oracle } from './check/oracle.ts'
import { type Allowed, Choices } from './choices.ts'
import { Deployment, RELAYER, RELAYER_WEI } from './deployment.ts'
import { heal, type Surroundings, startTroubles } from './faults.ts'
import { HOOK, Hook } from './hook.ts'
import { creditVars, dunningOf, HIGHEST_PRICE, Lines } from './lines.ts'
import { LAGGING, netOf } from './net.ts'
import { setNet } from './platform/globals.ts'
import { STRIPE, Stripe } from './stripe.ts'
import { enter, Violation, World } from './world.ts'

/** The size of a run. Smaller values make a smaller run of the same seed. */
export type Size = { channels: number; exacts: number; credits: number; visits: number; days: number }

/** A run, as asked for. */
export type Asked = { seed: number; size?: Partial<Size>; allowed?: Allowed; isTraced?: boolean }

/** How a run ended. */
export type Ended = {
  seed: number
  /** Null: no promise was broken. */
  broken: { id: string; message: string } | null
  size: Size
  events: number
  digest: string
  counts: Record<string, number>
  struck: readonly string[]
  recent: readonly string[]
}

const START = Date.UTC(2026, 11, 1, 6)
const QUIET_NIGHTS = 3
const FUNDS = 50_000_000n
const PRICE = 1_000n
const TRICKS: readonly Trick[] = ['twice', 'other page', 'cancels', 'sends itself', 'moves away']

/** Makes one run. Never throws for a broken promise. */
export async function run({ seed, size, allowed, isTraced }: Asked): Promise<Ended> {
  const choices = new Choices(seed, allowed)
  const world = new World(choices, START, isTraced)
  enter(world)
  const whole = { ...sizeOf(choices), ...size }
  const story = new Story(world, whole)
  let broken: Ended['broken'] = null
  try {
    await story.play()
  } catch (fault) {
    broken =
      fault instanceof Violation
        ? { id: fault.id, message: fault.message }
        : { id: 'E0', message: fault instanceof Error ? (fault.stack ?? String(fault)) : String(fault) }
  } finally {
    story.close()
    enter(null)
  }
  const { turn: events, counts } = world
  const shown = { counts: Object.fromEntries(counts), struck: choices.struck, recent: world.recent() }
  return { seed, broken, size: whole, events, digest: world.digest(), ...shown }
}

function sizeOf(choices: Choices): Size {
  const credits = choices.chance('on credit', 0.5) ? choices.between('credits', 1, 2) : 0
  // A run with credit has one other kind of payer, or none, so that it costs as much as the others.
  const beside = credits === 0 ? 'both' : choices.pick('beside credit', ['channels', 'exacts', 'none'])
  const most = (kind: string) => (beside === 'both' || beside === kind ? choices.between(kind, 0, 2) : 0)
  return {
    channels: most('channels'),
    exacts: most('exacts'),
    credits,
    visits: choices.between('visits', 2, 4),
    days: choices.chance('two days', 0.25) ? 2 : 1,
  }
}

/** The actors and the course of one run. */
class Story {
  readonly #world: World
  readonly #size: Size
  readonly #surroundings: Surroundings
  readonly #oracle: Oracle
  readonly #payers: ChannelPayer[]
  readonly #exacts: ExactPayer[]
  readonly #lines: Lines
  readonly #minClaim: bigint
  readonly #maxUnclaimed: bigint
  /** Channels whose payers withdrew while faults could hide it. */
  readonly #mayLose = new Set<string>()

  constructor(world: World, size: Size) {
    this.#world = world
    this.#size = size
    const { choices } = world
    const wallets = Array.from(
      { length: size.channels + size.exacts + size.credits },
      (_, at) => new Wallet(at),
    )
    const genesis = new ChainState()
    for (const { address } of wallets) genesis.balances.set(address, FUNDS)
    genesis.wei.set(RELAYER, RELAYER_WEI)
    const chain = new Chain(genesis)
    const names = choices.chance('two nodes', 0.4) ? ['a', 'b'] : ['a']
    const nodes = new Map(names.map((name) => [name, new Node(chain, name)]))
    const [stripe, hook] = [new Stripe(), new Hook()]
    setNet(
      netOf(
        nodes,
        new Map([
          [HOOK, hook.net],
          [STRIPE, stripe.net],
        ]),
      ),
    )
    const dunning = dunningOf(world)
    this.#minClaim = choices.pick('min claim', [1_000n, 3_000n])
    const least = size.credits > 0 ? HIGHEST_PRICE : 6_000n
    const maxUnclaimed = choices.pick('max unclaimed', [least, 100_000_000n])
    this.#maxUnclaimed = maxUnclaimed
    const vars = {
      NODES: names,
      PRICE: (Number(PRICE) / 1e6).toString(),
      SCHEMES: ['channel', 'exact'],
      RULES: [],
      WITHDRAW_DELAY: '3600',
      SHORT_WITHDRAW_DELAY: 'accepted',
      MAX_UNCLAIMED: (Number(maxUnclaimed) / 1e6).toString(),
      MIN_CLAIM: (Number(this.#minClaim) / 1e6).toString(),
      GAS_PER_PAYER: '1',
      GAS_NEW_PAYERS: '1',
      ...(size.credits > 0 && creditVars(dunning)),
    }
    const deployment = new Deployment(vars, choices.between('isolates', 1, 2))
    this.#surroundings = {
      deployment,
      chain,
      nodes: [...nodes.values()],
      stripe: size.credits > 0 ? stripe : null,
    }
    this.#oracle = new Oracle(deployment, chain, maxUnclaimed)
    deployment.release()
    const client = (at: number) => new Client(`payer ${at}`, deployment)
    this.#payers = wallets
      .slice(0, size.channels)
      .map((wallet, at) => new ChannelPayer(client(at), wallet, chain))
    this.#exacts = wallets
      .slice(size.channels, size.channels + size.exacts)
      .map((wallet, at) => new ExactPayer(client(size.channels + at), wallet, chain))
    this.#lines = new Lines(world, {
      deployment,
      oracle: this.#oracle.credit,
      exact: this.#oracle.exact,
      dunning,
      stripe,
      hook,
      wallets: wallets.slice(size.channels + size.exacts),
    })
    world.afterEvent = () => this.#oracle.check()
  }

  async play(): Promise<void> {
    const world = this.#world
    const { days } = this.#size
    startTroubles(this.#surroundings)
    const actors = [
      ...this.#payers.map((payer, at) =>
        this.#live(payer.client.name, days, (visit) => this.#visit(payer, `/${at}/${visit}`)),
      ),
      ...this.#exacts.map((payer, at) =>
        this.#live(payer.client.name, days, (visit) => this.#pay(payer, `/x${at}/${visit}`)),
      ),
      ...this.#lines.actors((name, visit) => this.#live(name, days, visit)),
    ]
    for (let day = 1; day <= days; day++) this.#night(day, false)
    const healsAt = START + days * DAY_MS + 2 * HOUR_MS
    world.after(healsAt - world.now, 'heal', () => heal(this.#surroundings))
    for (let night = 1; night <= QUIET_NIGHTS; night++) this.#night(days + night, true)
    const quiet = [
      ...this.#payers.map((payer, at) => this.#visitInPeace(payer, at, healsAt)),
      ...this.#exacts.map((payer, at) => this.#payInPeace(payer, at, healsAt)),
      ...this.#lines.quiet(healsAt),
    ]
    let isOver = false
    Promise.all([...actors, ...quiet]).then(
      () => world.after(START + (days + QUIET_NIGHTS) * DAY_MS - world.now, 'end', () => (isOver = true)),
      (fault) => world.fail(fault),
    )
    await world.runUntil(() => isOver)
    this.#oracle.checkDelivered()
    this.#oracle.exact.checkDelivered()
    this.#oracle.exact.checkEnd()
    if (this.#size.credits > 0) this.#lines.checkEnd(START + (days + QUIET_NIGHTS) * DAY_MS - 6 * HOUR_MS)
    checkEnd({ ...this.#surroundings, mayLose: this.#uncovered, minClaim: this.#minClaim })
  }

  /** Channels that may owe more than they hold. */
  get #uncovered(): ReadonlySet<string> {
    return new Set([...this.#mayLose, ...this.#oracle.undoneDeposits])
  }

  close(): void {
    this.#surroundings.deployment.close()
  }

  /** One nightly cron: missed, twice, late; and a watch before it. */
  #night(night: number, isQuiet: boolean): void {
    const world = this.#world
    const { choices } = world
    const at = START + night * DAY_MS - 6 * HOUR_MS
    const missed = choices.strikes('cron missed', `night ${night}`, isQuiet ? 0 : 0.15)
    const doubled = choices.strikes('cron twice', `night ${night}`, isQuiet ? 0 : 0.2)
    const late = choices.strikes('cron late', `night ${night}`, isQuiet ? 0 : 0.2)
      ? choices.number('late') * HOUR_MS
      : 0
    this.#cron(WATCH, at - HOUR_MS / 2, at - HOUR_MS / 2)
    if (doubled) world.count('cron twice')
    if (missed) world.count('cron missed')
    else
      for (let times = 0; times < (doubled ? 2 : 1); times++) this.#cron(NIGHTLY, at, at + late + times * 700)
  }

  #cron(cron: string, scheduled: number, fires: number): void {
    const { isolates } = this.#surroundings.deployment
    this.#world.after(fires - this.#world.now, `cron ${cron}`, () => {
      const isolate = this.#world.choices.pick('cron isolate', isolates)
      isolate.scheduled(cron, scheduled).catch((fault) => this.#world.note(`cron failed ${fault}`))
    })
  }

  /** One payer's days: visits at times of their own. */
  async #live(name: string, days: number, visit: (name: string) => Promise<void>): Promise<void> {
    const world = this.#world
    const { visits } = this.#size
    for (let day = 0; day < days; day++) {
      for (let number = 0; number < visits; number++) {
        const moment = START + (day + world.choices.number(`time ${name}`)) * DAY_MS
        const midnight = START + (day + 1) * DAY_MS - 6 * HOUR_MS
        // Some pages are sold while the run claims.
        const isLate = midnight > world.now && world.choices.chance(`at midnight ${name}`, 0.15)
        const wait = isLate
          ? midnight - world.now + world.latency(`midnight ${name}`, MINUTE_MS) - MINUTE_MS / 2
          : Math.min(moment - world.now, DAY_MS / visits)
        if (wait > 0) await world.sleep(wait, `${name} waits`)
        await visit(`${day}/${number}`)
      }
    }
  }

  /** Some pages at once by `exact`, some of them with a trick. */
  async #pay(payer: ExactPayer, page: string): Promise<void> {
    const { choices } = this.#world
    const { name } = payer.client
    const trick = () =>
      choices.chance(`trick ${name}`, 0.4) ? choices.pick(`trick ${name}`, TRICKS) : 'none'
    const pages = Array.from({ length: choices.between(`burst ${name}`, 1, 3) }, (_, at) => `${page}/${at}`)
    await Promise.all(pages.map((each) => payer.buy(each, trick())))
  }

  async #visit(payer: ChannelPayer, page: string): Promise<void> {
    const { choices } = this.#world
    const { name } = payer.client
    if (payer.hasLeft) return
    if (payer.balance > 0n && choices.chance(`leaves ${name}`, 0.08)) return payer.leave()
    const burst: Promise<unknown>[] = Array.from(
      { length: choices.between(`burst ${name}`, 1, 5) },
      (_, at) => payer.buy(`${page}/${at}`),
    )
    const act = choices.number(`act ${name}`)
    if (act < 0.12)
      burst.push(payer.deposit(`${page}/top-up`, 5_000n * BigInt(choices.between(`top-up ${name}`, 2, 6))))
    else if (act < 0.22) {
      burst.push(payer.buy(`${page}/${LAGGING}`))
      burst.push(
        this.#refundLater(payer, page, choices.chance(`refund all ${name}`, 0.5) ? undefined : 6_000n),
      )
      burst.push(this.#buyLater(payer, `${page}/beside`))
    } else if (act < 0.32 && payer.balance > 0n) this.#withdraw(payer)
    else if (act < 0.37) burst.push(payer.forge(`${page}/forged`))
    await Promise.all(burst)
  }

  /**
   * A refund that may claim a page whose origin has not answered: if it fails then, its price is a credit. A reorganization may
   * undo it, and the payer then buys while the relayer sends it again.
   */
  async #refundLater(payer: ChannelPayer, page: string, amount: bigint | undefined): Promise<void> {
    await this.#world.sleep(this.#world.latency('before a refund', 1_000), 'before a refund')
    await payer.refund(amount)
    if (!this.#world.choices.strikes('reorg', 'refund', 0.2)) return
    this.#surroundings.chain.reorganize()
    for (let at = 0; at < 3; at++) await payer.buy(`${page}/undone/${at}`)
  }

  /** A page while a refund may be under way. */
  async #buyLater(payer: ChannelPayer, path: string): Promise<void> {
    await this.#world.sleep(this.#world.latency('beside a refund', 30_000), 'beside a refund')
    await payer.buy(path)
  }

  /** A withdrawal, which the watch must see in time. */
  #withdraw(payer: ChannelPayer, isQuiet = false): void {
    const world = this.#world
    payer.withdraw(world.choices.pick('withdraws of ten', [3n, 9n, 10n]))
    if (!isQuiet && payer.id) this.#mayLose.add(payer.id)
    const delay = payer.config.withdrawDelay * 1000
    const areAllMissed = world.choices.strikes('cron missed', 'all watches', 0.1)
    for (let at = 10 * MINUTE_MS; at < delay; at += 15 * MINUTE_MS) {
      const fires = Math.ceil((world.now + at) / 300_000) * 300_000
      if (!areAllMissed && !world.choices.strikes('cron missed', 'watch', 0.1))
        this.#cron(WATCH, fires, fires)
    }
    world.after(delay + 30_000 + world.latency('finalize', HOUR_MS), 'finalize', () => payer.finalize())
  }

  /** After the faults every payer is served [I13]. */
  async #visitInPeace(payer: ChannelPayer, at: number, healsAt: number): Promise<void> {
    const world = this.#world
    for (let day = 0; day < 2; day++) {
      await world.sleep(
        healsAt + (day * 24 + 25) * HOUR_MS + world.latency('peace', HOUR_MS) - world.now,
        'peace',
      )
      if (payer.hasLeft) return
      const bought = await payer.buy(`/peace/${at}/${day}`)
      world.count(`in peace: ${bought}`)
      if (bought !== 'served' && !this.#mayBeRefused(payer))
        throw new Violation('I13', `${payer.client.name} is ${bought} although all is well`)
      if (day > 0 || !world.choices.chance('leaves in peace', 0.3) || payer.balance === 0n) continue
      this.#withdraw(payer, true)
      // One that comes back adds what it owes: only one that stays away shows what the watch has saved.
      if (world.choices.chance('stays away', 0.5)) return
    }
  }

  async #payInPeace(payer: ExactPayer, at: number, healsAt: number): Promise<void> {
    const world = this.#world
    await world.sleep(healsAt + 26 * HOUR_MS + world.latency('peace', HOUR_MS) - world.now, 'peace')
    const bought = await payer.buy(`/peace/x${at}`)
    world.count(`in peace: ${bought}`)
    // A reorganization can turn round two moves of a payer between its wallets: its money is then in the second one for good.
    const isPoor = this.#surroundings.chain.at().balance(payer.wallet.address) < PRICE
    if (bought !== 'served' && !isPoor)
      throw new Violation('I13', `${payer.client.name} is ${bought} although all is well`)
  }

  /**
   * A channel whose payer withdraws, or whose charges reach the limit, is not served before the next claim. One that was
   * emptied unclaimed, or whose deposit a reorganization undid, owes more than it holds: its payer must add that first.
   */
  #mayBeRefused(payer: ChannelPayer): boolean {
    const { chain, deployment } = this.#surroundings
    if (payer.id === undefined) return false
    const host = deployment.namespace('ACCOUNT').hosts.get(payer.id)
    const { charged, redeemed } = host ? totalsOf(host) : { charged: 0n, redeemed: 0n }
    const { balance } = chain.at().channel(payer.id)
    const owesMore = charged > balance || (this.#uncovered.has(payer.id) && charged + PRICE > balance)
    return owesMore || chain.at().withdrawals.has(payer.id) || charged - redeemed + PRICE > this.#maxUnclaimed
  }
}
