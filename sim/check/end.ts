/** The promises that hold once the faults are over and nights have passed. */

import { HOUR_MS } from '../../src/platform/time.ts'
import type { ChannelConfig } from '../../src/protocol/evm/channel.ts'
import { channelId, voucherDigest } from '../../src/protocol/evm/eip712.ts'
import type { Hex } from '../../src/protocol/evm/hex.ts'
import { signedBy } from '../../src/protocol/evm/secp256k1.ts'
import type { Chain } from '../chain/chain.ts'
import { NETWORK } from '../chain/state.ts'
import { type Deployment, RECEIVER } from '../deployment.ts'
import type { Host } from '../platform/host.ts'
import { Violation, world } from '../world.ts'
import { isOpen, standingOf, totalsOf } from './accounts.ts'

type Finding = { account: string; what: string; detail: string }
type Run = { id: string; status: string; findings: Finding[]; dust: { channelId: string }[] }

/**
 * A run that has come to rest. `mayLose`: channels whose payers withdrew while the watch could be missed, and those with a
 * deposit that a reorganization has undone.
 */
export type AtRest = { deployment: Deployment; chain: Chain; mayLose: ReadonlySet<string>; minClaim: bigint }

/** Checks a run that has come to rest. @throws Violation */
export function checkEnd({ deployment, chain, mayLose, minClaim }: AtRest): void {
  if (deployment.engine.isBusy) throw new Violation('L2', 'a run has not ended')
  const last = runsOf(deployment).at(-1)
  if (!last) throw new Violation('L1', 'no settlement run has ended')
  checkStatus(last)
  const billing = runsOf(deployment, 'billing').at(-1)
  if (billing) checkStatus(billing)
  const named = new Map<string, string[]>()
  for (const { account, what } of last.findings) named.set(account, [...(named.get(account) ?? []), what])
  const dust = new Set(last.dust.map(({ channelId }) => channelId))
  for (const [id, host] of deployment.namespace('ACCOUNT').hosts)
    checkAccount(id, host, chain, named, dust, mayLose.has(id))
  checkAlarms(deployment)
  checkRelayer(deployment)
  checkReceiver(deployment, chain, minClaim)
  checkBook(deployment)
}

function checkStatus({ id, status }: Run): void {
  if (status !== 'settled' && status !== 'in_doubt') throw new Violation('L2', `${id} ended ${status}`)
}

/** No object of any class waits for an alarm that should have rung [L4]. */
function checkAlarms({ namespaces }: Deployment): void {
  for (const namespace of namespaces.values())
    for (const { name, disk } of namespace.hosts.values())
      if (disk.alarm !== null && disk.alarm < world().now - HOUR_MS)
        throw new Violation('L4', `${name}: an alarm is overdue`)
}

function checkAccount(
  id: string,
  host: Host,
  chain: Chain,
  named: Map<string, string[]>,
  dust: ReadonlySet<string>,
  mayLose: boolean,
): void {
  if (!isOpen(host)) return
  const { authorized, charged, redeemed, credit } = totalsOf(host)
  const standing = standingOf(host)
  const { claimed, balance } = chain.at().channel(id as Hex)
  const why = named.get(id) ?? []
  if (authorized < charged || charged < redeemed)
    throw new Violation('I6', `${host.name}: ${authorized} ${charged} ${redeemed}`)
  if (claimed !== redeemed)
    throw new Violation('I8', `${host.name}: the chain has ${claimed}, the account ${redeemed}`)
  if (charged > redeemed && why.length === 0 && !dust.has(id))
    throw new Violation('L1', `${host.name}: ${charged - redeemed} is owed, and no finding names it`)
  if (charged > redeemed && balance > redeemed && !dust.has(id))
    throw new Violation(
      'L1',
      `${host.name}: ${charged - redeemed} is owed, and the escrow holds ${balance - redeemed}`,
    )
  if (charged > balance && !mayLose)
    throw new Violation('I6', `${host.name}: ${charged} was charged, and the escrow had ${balance}`)
  if (standing?.unresolved) throw new Violation('L3', `${host.name}: ${standing.unresolved} is still open`)
  if (standing?.quarantine) throw new Violation('L1', `${host.name} is quarantined: ${standing.quarantine}`)
  checkEvidence(id as Hex, host)
  checkValue(host)
  if (charged > redeemed) world().count(`left: ${why.join(' ') || 'dust'}`)
  if (redeemed > 0n) world().count('redeemed')
  if (credit > 0n) world().count('credit left')
}

/** Each charge has the voucher that it was made for, signed by its payer [I14]. */
function checkEvidence(id: Hex, host: Host): void {
  const config = JSON.parse(standingOf(host)?.config ?? 'null') as ChannelConfig
  const { chainId, escrow } = NETWORK
  if (channelId(config, chainId, escrow) !== id)
    throw new Violation('I14', `${host.name}: the config is of another channel`)
  for (const { max, signature, seq } of host.disk.peek(
    `SELECT max, signature, seq FROM entry WHERE kind = 'charge'`,
  )) {
    const digest = voucherDigest({ channelId: id, maxClaimableAmount: BigInt(String(max)) }, chainId, escrow)
    if (!signedBy(digest, signature as Hex, config.payerAuthorizer))
      throw new Violation('I14', `${host.name}: charge ${seq} must have a valid signature`)
  }
}

/** Deliveries are worth the sum of the charges that stand [I2]. */
function checkValue(host: Host): void {
  const rows = host.disk.peek('SELECT seq, kind, of, amount, charged, max FROM entry ORDER BY seq')
  const number = (value: SqlStorageValue | undefined) => BigInt(String(value ?? 0))
  const deliveries = new Map<number, number>()
  const prices = new Map<number, bigint>()
  let value = 0n
  for (const { seq, kind, of, amount, charged, max } of rows) {
    if (kind === 'open') value = number(charged)
    if (kind === 'charge') {
      deliveries.set(Number(seq), 1)
      prices.set(Number(seq), number(max) - number(charged) + number(amount))
    }
    const standing = deliveries.get(Number(of))
    if (standing === undefined) continue
    if (kind === 'replay') deliveries.set(Number(of), standing + 1)
    if (kind === 'release') deliveries.set(Number(of), standing - 1)
  }
  for (const [seq, standing] of deliveries) if (standing > 0) value += prices.get(seq) ?? 0n
  const { charged, credit } = totalsOf(host)
  if (value !== charged - credit)
    throw new Violation(
      'I2',
      `${host.name}: deliveries are worth ${value}, the account has ${charged - credit}`,
    )
}

/** Nothing is in doubt: every order was mined or can never be. */
function checkRelayer(deployment: Deployment): void {
  for (const host of deployment.namespace('RELAYER').hosts.values()) {
    const open = host.disk.peek(`SELECT id, nonce FROM placed WHERE open = 1`)
    if (open.length > 0) throw new Violation('L3', `${host.name}: ${open[0]?.id} is still open`)
  }
}

/** The site has received the sum that its accounts have redeemed [I1]. */
function checkReceiver(deployment: Deployment, chain: Chain, minClaim: bigint): void {
  let redeemed = 0n
  for (const host of deployment.namespace('ACCOUNT').hosts.values())
    if (isOpen(host)) redeemed += totalsOf(host).redeemed
  const { claimed, swept } = chain.at().receivers.get(RECEIVER) ?? { claimed: 0n, swept: 0n }
  if (claimed !== redeemed)
    throw new Violation('I1', `the escrow has ${claimed} for the receiver, the accounts ${redeemed}`)
  if (claimed - swept >= minClaim) throw new Violation('L1', `${claimed - swept} was not swept`)
}

/** The read model has what the accounts have [I11]. */
function checkBook(deployment: Deployment): void {
  const rows = deployment.book.peek(
    'SELECT id, charged, redeemed, authorized FROM account WHERE kind = ?',
    'channel',
  )
  const book = new Map(rows.map((row) => [String(row.id), row]))
  for (const [id, host] of deployment.namespace('ACCOUNT').hosts) {
    if (!isOpen(host)) continue
    const row = book.get(id)
    if (!row) throw new Violation('I11', `${host.name} is not in the read model`)
    const totals = totalsOf(host)
    for (const name of ['authorized', 'charged', 'redeemed'] as const)
      if (BigInt(String(row[name] ?? 0)) !== totals[name])
        throw new Violation(
          'I11',
          `${host.name}: ${name} is ${totals[name]}, the read model has ${row[name]}`,
        )
  }
}

/** The runs of a kind that have ended, oldest first. */
export function runsOf(deployment: Deployment, kind: 'settlement' | 'billing' = 'settlement'): Run[] {
  const rows = deployment.book.peek(
    'SELECT id, status, record FROM run WHERE kind = ? AND ended_at IS NOT NULL ORDER BY started_at',
    kind,
  )
  return rows.map(({ id, status, record }) => {
    const { findings, dust } = JSON.parse(String(record)) as {
      findings?: { list: Finding[] }
      dust?: { list: { channelId: string }[] }
    }
    return { id: String(id), status: String(status), findings: findings?.list ?? [], dust: dust?.list ?? [] }
  })
}
