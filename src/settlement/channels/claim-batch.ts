/** One batch of claims: simulated, freed of bad rows, sent, and recorded in the accounts once mined. */
import { encodeClaim, encodeClaimWithSignature, escrowEvents } from '../../chain/escrow.ts'
import type { Log } from '../../chain/log.ts'
import { simulate } from '../../chain/relayer/transaction.ts'
import { connect } from '../../chain/rpc.ts'
import type { Finding } from '../../ledger/book/finding.ts'
import { mapConcurrently } from '../../platform/pool.ts'
import { claimBatchDigest } from '../../protocol/evm/eip712.ts'
import type { Address, Hex } from '../../protocol/evm/hex.ts'
import { accountOf, type Settings } from '../context.ts'
import { type BadRow, bisect, type ClaimRow, claimOf } from './claims.ts'
import { silence, updateAccounts } from './observe.ts'
import { digestOf, record, type Sent, sendOnce } from './transactions.ts'

/** Simulates a batch, finds the rows that would fail, and quarantines their accounts. @throws ChainFault */
export async function plan(
  settings: Settings,
  rows: ClaimRow[],
): Promise<{ bad: BadRow[]; findings: Finding[] }> {
  const { chain, relayer } = settings
  const [client, from] = await Promise.all([connect(chain), relayer.address()])
  const found = await bisect(rows, async (some) => {
    const data = calldataOf(settings, some)
    const trial = await simulate(client, from, { id: 'trial', to: chain.escrow, data })
    return 'refused' in trial ? trial.refused : null
  })
  const bad = found.bad.map(({ item, reason }) => ({ channelId: item.channelId, reason }))
  const findings = await setQuarantine(settings, bad)
  return { bad, findings }
}

/**
 * Sends transactions of good rows, or reads the outcome of earlier ones, and updates their accounts from the chain.
 * Returns them in the same order.
 * @throws ChainFault
 */
export async function claim(
  settings: Settings,
  transactions: ClaimRow[][],
): Promise<{ sent: Sent[]; findings: Finding[] }> {
  const claimed = await mapConcurrently(
    transactions,
    (rows) => claimRows(settings, rows),
    (_, fault) => {
      throw fault
    },
  )
  return {
    sent: claimed.map(({ sent }) => sent),
    findings: claimed.flatMap(({ findings }) => findings),
  }
}

async function claimRows(settings: Settings, rows: ClaimRow[]): Promise<{ sent: Sent; findings: Finding[] }> {
  const data = calldataOf(settings, rows)
  const done = await sendOnce(settings, `claim:${await digestOf(data)}`, data)
  const sent = await record(settings, 'claim', done, rows.length, (logs) =>
    claimedIn(settings.chain.escrow, logs),
  )
  if (done.outcome.status !== 'mined') return { sent, findings: [] }
  const ids = rows.map((row) => row.channelId)
  return { sent, findings: await updateAccounts(settings, ids, done.outcome) }
}

/**
 * The calldata of rows with one authorizer. The relayer claims as the authorizer of its own channels; for a former key, it
 * sends that key's signature (faults: F19). The same rows give the same bytes.
 */
function calldataOf({ chain, signAs }: Settings, rows: ClaimRow[]): Hex {
  const claims = rows.map(claimOf)
  const authorizer = rows[0]?.config.receiverAuthorizer
  const signature = authorizer && signAs(authorizer, claimBatchDigest(claims, chain.chainId, chain.escrow))
  return signature ? encodeClaimWithSignature(claims, signature) : encodeClaim(claims)
}

/** The amount that a transaction claimed, from the escrow's events. Atomic units. */
function claimedIn(escrow: Address, logs: Log[]): bigint {
  return escrowEvents(escrow, logs).reduce(
    (sum, event) => (event.kind === 'claimed' ? sum + event.amount : sum),
    0n,
  )
}

async function setQuarantine(settings: Settings, rows: BadRow[]): Promise<Finding[]> {
  const silent = await mapConcurrently<BadRow, Finding | null>(
    rows,
    async ({ channelId, reason }) => {
      await accountOf(settings, channelId).quarantine(reason)
      return null
    },
    ({ channelId }, fault) => silence(channelId, fault),
  )
  return silent.flatMap((finding) => finding ?? [])
}
