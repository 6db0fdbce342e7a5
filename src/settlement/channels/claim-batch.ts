/** One batch of claims: tried on the chain of now, rid of bad rows, sent, and believed when the chain has it. */
import { encodeClaim, escrowEvents } from '../../chain/escrow.ts'
import type { Log } from '../../chain/log.ts'
import { simulate } from '../../chain/relayer/transaction.ts'
import { connect } from '../../chain/rpc.ts'
import type { Finding } from '../../ledger/book/finding.ts'
import { mapConcurrently } from '../../platform/pool.ts'
import type { Address, Hex } from '../../protocol/evm/hex.ts'
import { accountOf, type Settings } from '../context.ts'
import { type BadRow, bisect, claimOf, type Row } from './claims.ts'
import { silence, tellAll } from './observe.ts'
import { digestOf, record, type Sent, sendOnce } from './transactions.ts'

/** Finds the rows that the chain would refuse now, and sets their accounts aside. @throws ChainFault */
export async function plan(settings: Settings, rows: Row[]): Promise<{ bad: BadRow[]; findings: Finding[] }> {
  const { chain, relayer } = settings
  const [client, from] = await Promise.all([connect(chain), relayer.address()])
  const found = await bisect(rows, async (some) => {
    const data = encodeClaim(some.map(claimOf))
    const trial = await simulate(client, from, { id: 'trial', to: chain.escrow, data })
    return 'refused' in trial ? trial.refused : null
  })
  const bad = found.bad.map(({ item, reason }) => ({ channelId: item.channelId, reason }))
  const findings = await mark(settings, bad)
  return { bad, findings }
}

/**
 * Sends transactions of good rows, or looks at what became of them, and tells their accounts what the chain has. Answers
 * in the same order.
 * @throws ChainFault
 */
export async function claim(
  settings: Settings,
  transactions: Row[][],
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

/** Rows of quarantine that were mined are taken back in. */
async function claimRows(settings: Settings, rows: Row[]): Promise<{ sent: Sent; findings: Finding[] }> {
  const data = encodeClaim(rows.map(claimOf))
  const done = await sendOnce(settings, `claim:${await digestOf(data)}`, data)
  const sent = await record(settings, 'claim', done, rows.length, (logs) =>
    claimedIn(settings.chain.escrow, logs),
  )
  if (done.outcome.status !== 'mined') return { sent, findings: [] }
  const ids = rows.map((row) => row.channelId)
  const findings = await tellAll(settings, ids, done.outcome)
  const healthy = rows.filter((row) => row.quarantined).map(({ channelId }) => ({ channelId, reason: null }))
  return { sent, findings: [...findings, ...(await mark(settings, healthy))] }
}

/** What a transaction claimed, by the escrow's events. Atomic units. */
function claimedIn(escrow: Address, logs: Log[]): bigint {
  return escrowEvents(escrow, logs).reduce(
    (sum, event) => (event.kind === 'claimed' ? sum + event.amount : sum),
    0n,
  )
}

type Mark = { channelId: Hex; reason: string | null }

async function mark(settings: Settings, rows: Mark[]): Promise<Finding[]> {
  const silent = await mapConcurrently<Mark, Finding | null>(
    rows,
    async ({ channelId, reason }) => {
      await accountOf(settings, channelId).quarantine(reason)
      return null
    },
    ({ channelId }, fault) => silence(channelId, fault),
  )
  return silent.flatMap((finding) => finding ?? [])
}
