/** The promises of credit lines. */
import { createPublicKey, verify } from 'node:crypto'
import type { CreditNote } from '../../src/ledger/billing/types.ts'
import { readBody } from '../../src/ledger/body.ts'
import type { Enrolment } from '../../src/ledger/credit/terms.ts'
import { REPLAY_WINDOW_MS } from '../../src/ledger/replay-window.ts'
import type { Signer } from '../actors/signer.ts'
import type { Deployment, Left } from '../deployment.ts'
import { CONTENT } from '../net.ts'
import type { Host } from '../platform/host.ts'
import { receiptOf } from '../wire.ts'
import { Violation, world } from '../world.ts'
import { Bills } from './bills.ts'
import { amountIn, chargesFor, chargesIn, entriesAfter, isOpened, type LineCharge, termsOf } from './lines.ts'
import type { Commitment } from './payment.ts'

/** A page that left the Worker for a commitment. It must stay in the journal. */
type Delivered = { host: Host; once: string; request: string }

/** A replay is refused at the end of its window; clocks of requests and objects differ by less than this. */
const MARGIN_MS = 150_000

/** The most that may be owed: it grows with what was paid. */
function mostOwed({ limit, probation }: Enrolment['terms'], paid: bigint): bigint {
  return probation + paid < limit ? probation + paid : limit
}

/** Watches the credit lines of one run. */
export class CreditOracle {
  readonly #deployment: Deployment
  readonly #delivered: Delivered[] = []
  /** Requests that are under way, by their commitment: another delivery of the same charge may stand. */
  readonly #open = new Map<string, number>()
  readonly #opened = new Map<string, string>()
  readonly #versions = new Map<Host, number>()
  /** Commitments with an answer that was unknown: its delivery may stand, and opens the page again for ten minutes. */
  readonly #unknown = new Set<string>()
  readonly #seen = new Map<Host, { seq: number; terms: Enrolment | null }>()
  /** The newest terms that the API has answered to hold, by agent. */
  readonly #held = new Map<string, number>()

  constructor(deployment: Deployment) {
    this.#deployment = deployment
  }

  onAsked({ once }: Commitment, name: string, by: 1 | -1): void {
    const key = `${once} ${name}`
    const open = (this.#open.get(key) ?? 0) + by
    if (open > 0) this.#open.set(key, open)
    else this.#open.delete(key)
  }

  onLeft(shown: Commitment, name: string, { answer, askedAt }: Left): void {
    const host = this.#hostOf(shown.agent)
    const own = host ? chargesFor(host, shown.once).filter(({ request }) => request === name) : []
    const standing = own.filter((charge) => charge.standing > 0)
    if (answer.body.startsWith(CONTENT)) {
      if (!host || standing.length === 0)
        throw new Violation('I4', `${name} left without a charge to ${shown.agent}`)
      if (!receiptOf(answer)) throw new Violation('I4', `${name} left without a receipt`)
      const known = this.#opened.get(shown.once)
      if (known !== undefined && known !== name)
        throw new Violation('I10', `one commitment opened ${known} and ${name}`)
      this.#opened.set(shown.once, name)
      this.#delivered.push({ host, once: shown.once, request: name })
      world().count('page delivered on credit')
    } else if (answer.status === 402) mustBeUnpaid(shown, name, standing, askedAt)
    else if (answer.status === 503) this.#unknown.add(`${shown.once} ${name}`)
    else this.#mustBeReleased(shown, name, standing)
  }

  /** The operator was answered that these terms hold. */
  onHeld(agent: string, version: number): void {
    this.#held.set(agent, version)
    this.#checkHeld(agent)
  }

  onCrash(host: Host): void {
    this.#versions.delete(host)
    this.#seen.delete(host)
    this.checkDelivered(host)
    for (const agent of this.#held.keys()) if (this.#hostOf(agent) === host) this.#checkHeld(agent)
  }

  /** Checks the journals that have grown. */
  check(): void {
    for (const host of this.#deployment.namespace('LINES').hosts.values()) this.#checkJournal(host)
  }

  /** Whether a line has room for a price. */
  mayCharge(agent: string, price: bigint): boolean {
    const host = this.#hostOf(agent)
    const rows = host && isOpened(host) ? entriesAfter(host, 0) : []
    const [last, terms] = [rows.at(-1), rows.findLast(({ kind }) => kind === 'terms')]
    if (!last || !terms) return false
    const { terms: agreed, suspended } = termsOf(terms)
    const [charged, redeemed, credit] = (['charged', 'redeemed', 'credit'] as const).map((name) =>
      amountIn(last, name),
    ) as [bigint, bigint, bigint]
    const isCut = new Bills(host as Host).isCutOff
    return suspended === null && !isCut && charged + price - credit - redeemed <= mostOwed(agreed, redeemed)
  }

  /** Every page that left stands in its journal [I3]. */
  checkDelivered(host?: Host): void {
    for (const one of this.#delivered) {
      if (host && one.host !== host) continue
      const charges = chargesFor(one.host, one.once)
      if (!charges.some(({ standing, request }) => standing > 0 && request === one.request))
        throw new Violation('I3', `${one.host.name}: ${one.request} left, and no charge stands`)
    }
  }

  /** At rest. */
  checkEnd(signers: ReadonlyMap<string, Signer>): void {
    this.checkDelivered()
    for (const [agent, signer] of signers) {
      const host = this.#hostOf(agent)
      if (!host || !isOpened(host)) throw new Violation('I3', `the line of ${agent} is lost`)
      checkEvidence(host, signer)
      checkValue(host)
    }
  }

  #hostOf(agent: string): Host | undefined {
    return this.#deployment.namespace('LINES').hosts.get(agent)
  }

  /** The operator's answer holds whatever happens to the line [I3]. */
  #checkHeld(agent: string): void {
    const host = this.#hostOf(agent)
    const held = this.#held.get(agent) ?? 0
    const terms = host && isOpened(host) ? entriesAfter(host, 0).filter(({ kind }) => kind === 'terms') : []
    if (!terms.some((row) => termsOf(row).version >= held))
      throw new Violation('I3', `${agent}: the operator has set version ${held}, and the line lacks it`)
  }

  /** The origin has failed, and the agent gets its answer: nothing stays charged for this delivery [I5]. */
  #mustBeReleased({ once }: Commitment, name: string, standing: readonly LineCharge[]): void {
    const key = `${once} ${name}`
    if (standing.length === 0 || this.#open.has(key)) return
    if (this.#unknown.has(key)) {
      world().count('charged beside an unknown delivery')
      return
    }
    if (this.#delivered.some((one) => one.once === once && one.request === name)) return
    throw new Violation('I5', `${name} was not delivered, and its charge stands`)
  }

  #checkJournal(host: Host): void {
    const { disk } = host
    if (this.#versions.get(host) === disk.version) return
    this.#versions.set(host, disk.version)
    if (!isOpened(host)) return
    let { seq, terms } = this.#seen.get(host) ?? { seq: 0, terms: null }
    for (const row of entriesAfter(host, seq)) {
      seq = Number(row.seq)
      if (row.kind === 'terms') terms = termsOf(row)
      if (row.kind !== 'charge') continue
      const owed = amountIn(row, 'charged') - amountIn(row, 'redeemed')
      if (!terms || owed > mostOwed(terms.terms, amountIn(row, 'redeemed')))
        throw new Violation('I7', `${host.name}: entry ${seq} owes ${owed}, over its limit`)
      if (terms.suspended !== null)
        throw new Violation('I7', `${host.name}: entry ${seq} was charged to a suspended agent`)
      const live = chargesFor(host, String(row.once)).filter(({ standing }) => standing > 0)
      if (live.length > 1)
        throw new Violation('I2', `${host.name}: one commitment was charged ${live.length} times`)
    }
    this.#seen.set(host, { seq, terms })
  }
}

/**
 * An agent is not asked to pay again while its signature may be replayed [I5]. Another request with it may be charged after the
 * line has refused this one, which was asked at `askedAt`.
 */
function mustBeUnpaid(
  shown: Commitment,
  name: string,
  standing: readonly LineCharge[],
  askedAt: number,
): void {
  const now = world().now
  if (now > shown.expires) return
  const paid = standing.find(
    ({ at, signature }) =>
      signature === shown.signature && at > now - REPLAY_WINDOW_MS + MARGIN_MS && at <= askedAt,
  )
  if (paid) throw new Violation('I5', `${name} was refused although charge ${paid.seq} stands`)
}

/** Each charge has the request that its agent has signed [I14]. */
function checkEvidence(host: Host, { publicJwk }: Signer): void {
  const key = createPublicKey({ key: publicJwk, format: 'jwk' })
  for (const row of entriesAfter(host, 0)) {
    if (row.kind !== 'charge') continue
    const { base, signature } = JSON.parse(String(row.body)) as { base: string; signature: string }
    const isSigned = verify(null, Buffer.from(base), key, Buffer.from(signature, 'base64'))
    const [, nonce] = /;nonce="([^"]+)"/.exec(base) ?? []
    if (!isSigned || !String(row.once).endsWith(` ${nonce}`))
      throw new Violation('I14', `${host.name}: charge ${row.seq} must have a valid signature`)
  }
}

/** Deliveries are worth the sum of the charges that stand [I2]. */
function checkValue(host: Host): void {
  const rows = entriesAfter(host, 0)
  const lowered = new Map<number, bigint>()
  for (const row of rows) if (row.kind === 'lower') lowered.set(Number(row.of), amountIn(row, 'amount'))
  const value = chargesIn(host)
    .filter(({ standing }) => standing > 0)
    .reduce((sum, { seq, amount }) => sum + amount - (lowered.get(seq) ?? 0n), 0n)
  const credited = rows.reduce((sum, row) => sum + creditedBy(row), 0n)
  const last = rows.at(-1) ?? {}
  const charged = amountIn(last, 'charged') - amountIn(last, 'credit')
  if (value - credited !== charged)
    throw new Violation(
      'I2',
      `${host.name}: deliveries are worth ${value}, less ${credited}, the line has ${charged}`,
    )
}

/** By how much a credit note lowers what was charged: the rest of it was released before. */
function creditedBy({ kind, body }: ReturnType<typeof entriesAfter>[number]): bigint {
  if (kind !== 'credit_note') return 0n
  const { net, released = 0n } = readBody<CreditNote>(String(body))
  return net - released
}
