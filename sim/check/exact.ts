/** The promises of payments by `exact`. */
import { toEventSelector } from 'viem'
import { moved } from '../../src/chain/token.ts'
import type { Address, Hex } from '../../src/protocol/evm/hex.ts'
import type { Chain, Mined } from '../chain/chain.ts'
import { NETWORK } from '../chain/state.ts'
import { type Deployment, type Left, RECEIVER } from '../deployment.ts'
import { CONTENT } from '../net.ts'
import type { Host } from '../platform/host.ts'
import { errorOf, receiptOf } from '../wire.ts'
import { Violation, world } from '../world.ts'
import { runsOf } from './end.ts'
import type { Shown } from './payment.ts'

type Exact = Extract<Shown, { kind: 'exact' }>
type Paid = { shown: Exact; request: string; at: number }

const { usdc } = NETWORK
const USED = toEventSelector('AuthorizationUsed(address,bytes32)')

/** Watches the payments by `exact` of one run. */
export class ExactOracle {
  readonly #deployment: Deployment
  readonly #chain: Chain
  /** The request that each authorization has opened. */
  readonly #opened = new Map<string, string>()
  readonly #delivered: Paid[] = []
  /** Authorizations whose transfer to the site was mined at any time, even in a block that was undone. */
  readonly #moved = new Set<string>()

  /** Those of them whose block was undone. Their payer may then have cancelled them, or spent the money: they are lost. */
  readonly #undone = new Set<string>()

  /** The requests that each authorization was shown with, and how many of them still wait for their answer. */
  readonly #asked = new Map<string, { names: Set<string>; open: number }>()
  /** Authorizations that were refused to the only request that they were shown with. */
  readonly #refused = new Map<string, string>()

  /** Payments that were refused after others had seen them: their money may come later. */
  readonly #watched = new Map<string, { shown: Exact; name: string }>()
  /** Payments that the Worker has shown to others, who may send them. */
  readonly #shown = new Set<string>()
  readonly #versions = new Map<Host, number>()

  constructor(deployment: Deployment, chain: Chain) {
    this.#deployment = deployment
    this.#chain = chain
  }

  /** A request comes (1) or has its answer (-1). */
  onAsked(shown: Exact, name: string, by: 1 | -1): void {
    const key = keyOf(shown)
    const { names, open } = this.#asked.get(key) ?? { names: new Set(), open: 0 }
    this.#asked.set(key, { names: names.add(name), open: open + by })
    if (by === 1) this.#refused.delete(key)
  }

  /** Once a payment was refused, and is not asked for again, our own transaction moves no money for it [I9]. */
  onMined(mined: Mined): void {
    for (const key of usesIn(mined)) {
      this.#moved.add(key)
      const name = this.#refused.get(key)
      if (name !== undefined && !mined.transaction.act)
        throw new Violation('I9', `${name} was refused, and our own transfer moved its money afterwards`)
    }
  }

  /** Notes the payments that were shown since the last check. */
  check(): void {
    for (const [name, host] of this.#deployment.namespace('AUTHORIZATIONS').hosts) {
      const { disk } = host
      if (this.#versions.get(host) === disk.version || !disk.has('authorization')) continue
      this.#versions.set(host, disk.version)
      const payer = name.split(':').at(-1)
      for (const { nonce } of disk.peek(`SELECT nonce FROM authorization WHERE shown = 1`))
        this.#shown.add(`${payer} ${nonce}`)
    }
  }

  onReorg(undone: readonly Mined[]): void {
    for (const key of undone.flatMap(usesIn)) this.#undone.add(key)
  }

  onLeft(shown: Exact, name: string, { answer }: Left): void {
    const key = keyOf(shown)
    const request = name
    if (answer.body.startsWith(CONTENT)) {
      if (!this.#moved.has(key)) throw new Violation('I4', `${name} left, and nothing has moved for it`)
      const receipt = receiptOf(answer)
      if (!receipt?.transaction) throw new Violation('I4', `${name} left without a receipt`)
      const known = this.#opened.get(key)
      if (known !== undefined && known !== request)
        throw new Violation('I10', `one authorization opened ${known} and ${request}`)
      this.#opened.set(key, request)
      this.#delivered.push({ shown, request, at: world().now })
      world().count('page delivered for exact')
    } else if (answer.status === 402) this.#mustNotBePaid(shown, name, errorOf(answer) ?? '')
  }

  /** Every payer whose page has left is in the books, after any crash [I3]. */
  checkDelivered(host?: Host): void {
    for (const { shown, request } of this.#delivered) {
      const known = this.#hostOf(shown.payer)
      if (host && known !== host) continue
      const row = known && rowOf(known, shown.nonce)
      if (row?.status !== 'settled')
        throw new Violation('I3', `${request} left for ${shown.nonce}, which is ${row?.status ?? 'unknown'}`)
    }
  }

  /** At rest: all that the chain moved to the site is in the books, and no more. All that was lost is named. Nothing is in doubt. */
  checkEnd(): void {
    const named = runsOf(this.#deployment).flatMap(({ findings }) =>
      findings.filter(({ what }) => what === 'lost').map(({ detail }) => detail),
    )
    const hosts = this.#deployment.namespace('AUTHORIZATIONS').hosts
    for (const [name, host] of hosts) {
      if (!host.disk.has('authorization')) continue
      for (const { nonce, status, amount, shown, undone, valid_before: until } of host.disk.peek(
        'SELECT * FROM authorization',
      )) {
        const payer = name.split(':').at(-1) as Address
        const isPaid = this.#isPaid(payer, nonce as Hex, BigInt(String(amount)))
        if (isPaid && (status !== 'settled' || undone === 'lost'))
          throw new Violation(
            'I9',
            `${host.name}: ${nonce} was paid, and is ${undone ?? status} (shown ${shown}, until ${until})`,
          )
        if (!isPaid && status === 'settled') {
          const isLost = undone === 'lost' && this.#undone.has(`${payer} ${nonce}`)
          if (!isLost || !named.some((detail) => detail.includes(String(nonce))))
            throw new Violation(
              'I1',
              `${host.name}: ${nonce} is ${undone ?? status}, and the chain lacks its transfer`,
            )
          world().count('reorg took a payment back')
        }
        if (status === 'taken' || status === 'doubtful' || undone === 'open')
          throw new Violation('L3', `${host.name}: ${nonce} is still ${undone ?? status}`)
      }
      const [total] = host.disk.peek('SELECT received FROM total')
      world().count(total ? 'exact payer with payments' : 'exact payer without payments')
    }
    for (const { shown, name } of this.#watched.values()) this.#mustBeFound(shown, name)
    for (const mined of this.#chain.mined()) if (!mined.transaction.act) this.#mustBeKnown(mined)
  }

  /** The money of a refused payment that came later is in the books [I9]. */
  #mustBeFound({ payer, nonce, value }: Exact, name: string): void {
    const host = this.#hostOf(payer)
    if (!this.#isPaid(payer.toLowerCase() as Address, nonce as Hex, value)) return
    world().count('paid after a refusal')
    if (!host || rowOf(host, nonce)?.status !== 'settled')
      throw new Violation('I9', `${name} was refused and then paid, and the books do not have ${nonce}`)
  }

  /** All money that our own transactions have moved is in the books [I1]. A payer may also give without having asked for a page. */
  #mustBeKnown(mined: Mined): void {
    for (const key of usesIn(mined)) {
      const [payer = '', nonce = ''] = key.split(' ')
      const host = this.#hostOf(payer)
      const isDeposit = mined.transaction.to !== usdc.address
      if (!isDeposit && (!host || rowOf(host, nonce)?.status !== 'settled'))
        throw new Violation(
          'I1',
          `${mined.transaction.hash} moved money for ${nonce}, and the books do not have it`,
        )
    }
  }

  /** Money that has moved and bought nothing opens its page [I9]. */
  #mustNotBePaid(shown: Exact, name: string, error: string): void {
    const key = keyOf(shown)
    if (this.#opened.has(key)) return
    const { names, open } = this.#asked.get(key) ?? {}
    if (names?.size === 1 && open === 0) this.#refused.set(key, name)
    const host = this.#hostOf(shown.payer)
    const row = host && rowOf(host, shown.nonce)
    // The row of a payment that can never be made is deleted.
    if (this.#shown.has(key) && (row?.request ?? name) === name) this.#watched.set(key, { shown, name })
    if (row?.request !== name) return
    if (this.#isPaid(shown.payer as Address, shown.nonce as Hex, shown.value))
      throw new Violation('I9', `${name} was refused with ${error}, although its money has moved`)
    if (this.#relayerHas(shown))
      throw new Violation('I9', `${name} was refused with ${error}, and its transfer may still be mined`)
  }

  /** Whether a transaction of the relayer may still move it. A node that is behind may reopen an order whose transaction reverted. */
  #relayerHas({ payer, nonce }: Exact): boolean {
    const id = `exact:${usdc.address}:${payer}:${nonce}`
    const sent = [...this.#deployment.namespace('RELAYER').hosts.values()].flatMap(({ disk }) =>
      disk.peek('SELECT hash FROM placed JOIN attempt ON order_id = id WHERE open = 1 AND id = ?', id),
    )
    return sent.length > 0 && !sent.some(({ hash }) => this.#chain.receipt(hash as Hex))
  }

  /** Whether the money of an authorization has reached the site; null if a reorganization has undone that at any time. */
  hasPaid(from: Address, nonce: Hex, value: bigint): boolean | null {
    return this.#undone.has(`${from} ${nonce}`) ? null : this.#isPaid(from, nonce, value)
  }

  #isPaid(from: Address, nonce: Hex, value: bigint): boolean {
    if (!this.#chain.at().used.has(`${from}:${nonce}`)) return false
    const transfer = { token: usdc.address, from, to: RECEIVER, value, validBefore: 0n, nonce }
    return this.#chain.mined().some(({ logs, succeeded }) => succeeded && moved(logs, transfer))
  }

  #hostOf(payer: string): Host | undefined {
    return this.#deployment.namespace('AUTHORIZATIONS').hosts.get(`${NETWORK.id}:${payer.toLowerCase()}`)
  }
}

function rowOf({ disk }: Host, nonce: string): Record<string, SqlStorageValue> | undefined {
  return disk.has('authorization')
    ? disk.peek('SELECT * FROM authorization WHERE nonce = ?', nonce)[0]
    : undefined
}

function keyOf({ payer, nonce }: Exact): string {
  return `${payer.toLowerCase()} ${nonce}`
}

/** The authorizations that a transaction used. */
function usesIn({ logs }: Mined): string[] {
  return logs.flatMap(({ topics, address }) =>
    address === usdc.address && topics[0] === USED ? [`${addressIn(topics[1])} ${topics[2]}`] : [],
  )
}

function addressIn(topic: Hex | undefined): string {
  return `0x${topic?.slice(-40)}`
}
