/** The promises that hold at every moment. Each failure names its invariant. */
import { escrowEvents } from '../../src/chain/escrow.ts'
import { REPLAY_WINDOW_MS } from '../../src/ledger/replay-window.ts'
import { depositNonce } from '../../src/protocol/evm/eip712.ts'
import type { Hex } from '../../src/protocol/evm/hex.ts'
import type { Chain, Mined } from '../chain/chain.ts'
import { NETWORK } from '../chain/state.ts'
import { type Deployment, type Left, RELAYER } from '../deployment.ts'
import { CONTENT } from '../net.ts'
import type { Host } from '../platform/host.ts'
import { type Answer, errorOf, receiptOf } from '../wire.ts'
import { Violation, world } from '../world.ts'
import { type Charge, chargesOf, hadCharged, standingOf, totalsOf } from './accounts.ts'
import { CreditOracle } from './credit.ts'
import { ExactOracle } from './exact.ts'
import { type Shown, shownBy } from './payment.ts'

type Voucher = Extract<Shown, { channel: string }>

/** A page that left the Worker for a voucher. It must stay in the journal. */
type Delivered = { host: Host; max: bigint; request: string }

/** A replay is refused at the end of its window; clocks of requests and objects differ by less than this. */
const MARGIN_MS = 150_000

/** A run may have read the account so long before it signs the claim: its steps are tried again. */
const GATHERED_MS = 7_200_000

/** Watches one run. */
export class Oracle {
  readonly exact: ExactOracle
  readonly credit: CreditOracle
  readonly #deployment: Deployment
  readonly #chain: Chain
  readonly #delivered: Delivered[] = []
  /** Requests that are under way, by their payment. Another delivery of the same charge may stand. */
  readonly #open = new Map<string, number>()
  /** Payments with an answer that was unknown: its delivery may stand, and opens the page again for ten minutes. */
  readonly #unknown = new Set<string>()
  readonly #seen = new Map<Host, number>()
  readonly #versions = new Map<Host, number>()
  /** Channels with a deposit that a reorganization has undone: its authorization may end before it is mined again. */
  readonly undoneDeposits = new Set<string>()
  /** Refunds that a reorganization has undone, by their order. */
  readonly #undone = new Set<string>()
  /** The transaction of each order that was mined. */
  readonly #contents = new Map<string, string>()
  /** The largest amount that an account may have charged and not claimed. */
  readonly #maxUnclaimed: bigint

  constructor(deployment: Deployment, chain: Chain, maxUnclaimed: bigint) {
    this.#deployment = deployment
    this.#chain = chain
    this.#maxUnclaimed = maxUnclaimed
    this.exact = new ExactOracle(deployment, chain)
    this.credit = new CreditOracle(deployment)
    deployment.onAsked = (request, by) => this.#onAsked(request, by)
    deployment.onLeft = (left) => this.#guard(() => this.#onLeft(left))
    chain.onMined = (mined) => this.#guard(() => this.#onMined(mined))
    chain.onReorg = (undone) => {
      this.#onReorg(undone)
      this.exact.onReorg(undone)
    }
    for (const namespace of deployment.namespaces.values())
      namespace.onHost = (host) => {
        host.onCrash = () => this.#guard(() => this.#onCrash(host))
      }
  }

  /** Checks the journals that have grown, and the transactions that were sent. */
  check(): void {
    for (const host of this.#deployment.namespace('ACCOUNT').hosts.values()) this.#checkJournal(host)
    this.exact.check()
    this.credit.check()
    this.#checkNonces()
  }

  /** Every page that left stands in its journal [I3]. */
  checkDelivered(host?: Host): void {
    for (const one of this.#delivered) {
      if (host && one.host !== host) continue
      const isThere = chargesOf(one.host, one.max, one.request).some(({ isLive }) => isLive)
      if (!isThere)
        throw new Violation(
          'I3',
          `${one.host.name}: ${one.request} over ${one.max} left, and no charge stands`,
        )
    }
  }

  #guard(work: () => void): void {
    try {
      work()
    } catch (fault) {
      world().fail(fault)
    }
  }

  #onAsked(request: Request, by: 1 | -1): void {
    const shown = shownBy(request)
    if (shown?.kind === 'credit') this.credit.onAsked(shown, nameOf(request), by)
    if (shown?.kind === 'exact') this.exact.onAsked(shown, nameOf(request), by)
    if (!shown || shown.kind === 'exact' || shown.kind === 'credit') return
    const key = `${shown.channel} ${shown.max} ${request.method} ${request.url}`
    const open = (this.#open.get(key) ?? 0) + by
    if (open > 0) this.#open.set(key, open)
    else this.#open.delete(key)
  }

  #onLeft(left: Left): void {
    const { request, answer } = left
    if (
      answer.status >= 500 &&
      answer.status !== 502 &&
      answer.status !== 503 &&
      !answer.body.startsWith('nothing')
    )
      throw new Violation('E1', `${request.url} was answered ${answer.status}`)
    const shown = shownBy(request)
    const name = nameOf(request)
    const hasContent = answer.body.startsWith(CONTENT)
    if (hasContent && !shown) throw new Violation('I4', `${name} left without a payment`)
    if (shown?.kind === 'exact') this.exact.onLeft(shown, name, left)
    if (shown?.kind === 'credit') this.credit.onLeft(shown, name, left)
    if (!shown || shown.kind === 'exact' || shown.kind === 'credit' || shown.kind === 'refund') return
    const host = this.#deployment.namespace('ACCOUNT').hosts.get(shown.channel)
    const charges = host ? chargesOf(host, shown.max, name) : []
    if (hasContent) this.#mustBePaid(shown, name, host, left)
    else if (answer.status === 402) this.#mustNotBePaid(shown, name, charges, answer)
    else if (answer.status === 503) this.#unknown.add(`${shown.channel} ${shown.max} ${name}`)
    else this.#mustBeReleased(shown, name, charges)
  }

  /** A page leaves for a durable charge, with a receipt [I4]. */
  #mustBePaid({ channel, max }: Voucher, name: string, host: Host | undefined, { answer }: Left): void {
    const isPaid = host && chargesOf(host, max, name).some(({ isLive }) => isLive)
    if (!isPaid) throw new Violation('I4', `${name} over ${max} left without a charge to ${channel}`)
    if (!receiptOf(answer)) throw new Violation('I4', `${name} over ${max} left without a receipt`)
    this.#delivered.push({ host, max, request: name })
    world().count('page delivered')
  }

  /** The origin has failed, and the payer gets its answer: nothing stays charged for this delivery [I5]. */
  #mustBeReleased({ max, channel }: Voucher, name: string, charges: readonly Charge[]): void {
    if (!charges.some(({ isLive }) => isLive)) return
    world().count('released beside another delivery')
    const key = `${channel} ${max} ${name}`
    if (this.#open.has(key)) return
    if (this.#unknown.has(key)) {
      world().count('charged beside an unknown delivery')
      return
    }
    if (this.#delivered.some((one) => one.max === max && one.request === name)) return
    throw new Violation('I5', `${name} over ${max} was not delivered, and its charge stands`)
  }

  /** A payer is not asked to pay again while its proof may be replayed [I5], or its deposit may be mined [I9]. */
  #mustNotBePaid(shown: Voucher, name: string, charges: readonly Charge[], answer: Answer): void {
    const paid = charges.find(({ isLive, at }) => isLive && at > world().now - REPLAY_WINDOW_MS + MARGIN_MS)
    if (paid)
      throw new Violation('I5', `${name} over ${shown.max} was refused although charge ${paid.seq} stands`)
    const isWithdrawing = /withdrawal/.test(errorOf(answer) ?? '')
    if (shown.kind !== 'deposit' || isWithdrawing) return
    const id = `deposit:${shown.channel}:${depositNonce(shown.channel, shown.salt)}`
    const [open] = this.#relayer('SELECT nonce FROM placed WHERE open = 1 AND id = ?', id)
    // A node that is behind may have the relayer look again for what the chain has, and the account counts.
    if (open && !this.#isMined(id))
      throw new Violation(
        'I9',
        `${name}: refused while its deposit may still be mined, with nonce ${open.nonce}`,
      )
  }

  #isMined(order: string): boolean {
    const hash = this.#contents.get(order)
    return hash !== undefined && this.#chain.receipt(hash as `0x${string}`) !== undefined
  }

  #relayer(query: string, value: string): Record<string, SqlStorageValue>[] {
    return [...this.#deployment.namespace('RELAYER').hosts.values()].flatMap(({ disk }) =>
      disk.peek(query, value),
    )
  }

  #onCrash(host: Host): void {
    this.#seen.delete(host)
    this.checkDelivered(host)
    this.exact.checkDelivered(host)
    this.credit.onCrash(host)
  }

  #onMined(mined: Mined): void {
    const { transaction, succeeded, logs, after } = mined
    this.exact.onMined(mined)
    if (transaction.from !== RELAYER) return
    const order = this.#orderOf(transaction)
    if (!order) throw new Violation('I8', `${transaction.hash} was mined, and the relayer has not stored it`)
    if (!succeeded) return
    const moved = `${order.order_id}`
    const known = this.#contents.get(moved)
    // A reorganization may put the same transaction into another block.
    if (known !== undefined && known !== transaction.hash && this.#chain.receipt(known as `0x${string}`))
      throw new Violation('I8', `order ${moved} was mined twice`)
    this.#contents.set(moved, transaction.hash)
    for (const event of escrowEvents(NETWORK.escrow, logs)) {
      if (event.kind === 'claimed') this.#checkClaim(after, event.channelId, Number(order.at) - GATHERED_MS)
      if (event.kind !== 'refunded') continue
      // A deposit that was undone with it is mined again after it, or never.
      const isWithDeposit = this.#undone.has(moved) && this.undoneDeposits.has(event.channelId)
      if (!isWithDeposit) this.#checkRefund(after, event.channelId, event.amount)
    }
  }

  #onReorg(undone: readonly Mined[]): void {
    for (const { transaction, logs } of undone)
      for (const event of escrowEvents(NETWORK.escrow, logs)) {
        if (event.kind === 'deposited') this.undoneDeposits.add(event.channelId)
        if (event.kind !== 'refunded') continue
        this.#undone.add(`${this.#orderOf(transaction)?.order_id}`)
        world().count('reorg undid a refund')
      }
  }

  #orderOf({ hash }: Mined['transaction']): Record<string, SqlStorageValue> | undefined {
    const query = 'SELECT order_id, placed.at FROM attempt JOIN placed ON placed.id = order_id WHERE hash = ?'
    return this.#relayer(query, hash)[0]
  }

  /** A claimed total was charged when the claim was made, and is never the promise above it [I6]. */
  #checkClaim(after: Mined['after'], channel: Hex, since: number): void {
    const host = this.#deployment.namespace('ACCOUNT').hosts.get(channel)
    const { claimed, balance } = after.channel(channel)
    if (!host) throw new Violation('I6', `${channel} was claimed without an account`)
    if (claimed === balance) world().count('claimed the whole balance')
    else if (!hadCharged(host, claimed, since))
      throw new Violation('I6', `${channel}: claimed ${claimed}, which was not charged then`)
  }

  /** A refund of ours leaves in the escrow the charged amount that it held before [I6]. */
  #checkRefund(after: Mined['after'], channel: Hex, amount: bigint): void {
    const host = this.#deployment.namespace('ACCOUNT').hosts.get(channel)
    const { balance } = after.channel(channel)
    const { charged } = host ? totalsOf(host) : { charged: 0n }
    if (charged > balance && charged <= balance + amount)
      throw new Violation('I6', `${channel}: our refund has left ${balance}, and ${charged} is charged`)
  }

  #checkJournal(host: Host): void {
    const { disk } = host
    if (this.#versions.get(host) === disk.version) return
    this.#versions.set(host, disk.version)
    if (!disk.has('entry')) return
    const after = this.#seen.get(host) ?? 0
    const rows = disk.peek(
      'SELECT seq, kind, max, request, charged, redeemed, credit, ceiling FROM entry WHERE seq > ? ORDER BY seq',
      after,
    )
    const last = rows.at(-1)
    if (!last) return
    this.#seen.set(host, Number(last.seq))
    for (const row of rows) {
      const amount = (name: string) => BigInt(String(row[name] ?? 0))
      const [charged, redeemed, max, ceiling] = ['charged', 'redeemed', 'max', 'ceiling'].map(amount)
      if (amount('credit') > 0n) world().count('account balance')
      if (row.kind !== 'charge' || charged === undefined || redeemed === undefined) continue
      if (charged - redeemed > this.#maxUnclaimed)
        throw new Violation('I7', `${host.name}: ${charged - redeemed} is not claimed`)
      if ((max ?? 0n) > (ceiling ?? 0n))
        throw new Violation('I6', `${host.name}: a charge over ${max} exceeds the escrow ${ceiling}`)
      this.#checkOnce(host, max ?? 0n, String(row.request))
    }
    const { chain } = standingOf(host) ?? {}
    if (last.kind === 'charge' && Number(chain?.withdrawRequestedAt) > 0)
      throw new Violation('I7', `${host.name}: charged although a withdrawal is known`)
  }

  /** One charge for one voucher and request [I2]. */
  #checkOnce(host: Host, max: bigint, request: string): void {
    const live = chargesOf(host, max, request).filter(
      ({ isLive, at }) => isLive && at > world().now - REPLAY_WINDOW_MS,
    )
    if (live.length > 1)
      throw new Violation('I2', `${host.name}: ${request} over ${max} was charged ${live.length} times`)
  }

  #nonces = new Map<number, string>()
  #transactions = 0

  /** One nonce has one content, whatever it costs [I8]. */
  #checkNonces(): void {
    const { seen } = this.#chain
    if (seen.size === this.#transactions) return
    this.#transactions = seen.size
    for (const { from, nonce, to, data } of seen.values()) {
      const content = `${from} ${to} ${data}`
      const known = this.#nonces.get(nonce)
      if (known !== undefined && known !== content)
        throw new Violation('I8', `nonce ${nonce} was signed for two contents`)
      this.#nonces.set(nonce, content)
    }
  }
}

/** A request as journals name it. */
function nameOf({ method, url }: Request): string {
  return `${method} ${url}`
}
