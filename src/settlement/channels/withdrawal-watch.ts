/** The watch: finds payers who are withdrawing and claims what they owe before they are paid out. */
import { readChannels } from '../../chain/channels.ts'
import { type Listing, listings } from '../../ledger/book/accounts.ts'
import { type RunRecord, saveRun } from '../../ledger/book/runs.ts'
import { mapConcurrently } from '../../platform/pool.ts'
import type { ChannelState } from '../../protocol/evm/channel.ts'
import type { Hex } from '../../protocol/evm/hex.ts'
import type { Settings } from '../context.ts'
import { compareChain } from '../findings.ts'
import { Report } from '../report.ts'
import { windowOf } from '../workflow.ts'
import { claim, plan } from './claim-batch.ts'
import { redeemable } from './claims.ts'
import { PAGE, silence, standingOf, tell } from './observe.ts'

/**
 * Looks at every listed channel. An account that is told of a withdrawal takes no more vouchers. Saves a record when there
 * was something to do.
 * @returns how many payers are withdrawing
 * @throws ChainFault when the chain cannot be read
 */
export async function watch(settings: Settings, time: number): Promise<number> {
  const startedAt = Date.now()
  const report = new Report()
  let withdrawing = 0
  for (let after: string | null = ''; after !== null; ) {
    const lines: Listing[] = await listings(settings.book, after, PAGE)
    const ids = lines.filter((line) => line.kind === 'channel').map((line) => line.id as Hex)
    const states = await readChannels(settings.chain, ids)
    const found = ids.flatMap((id, at) => {
      const state = states[at]
      return state && state.withdrawRequestedAt > 0 ? [{ id, state }] : []
    })
    withdrawing += found.length
    await mapConcurrently(
      found,
      ({ id, state }) => hurry(settings, report, id, state),
      ({ id }, fault) => report.planned({ bad: [], findings: [silence(id, fault)] }),
    )
    after = lines.length < PAGE ? null : (lines.at(-1)?.id ?? null)
  }
  if (!report.idle()) {
    const run: RunRecord = {
      id: `watch-${windowOf(time)}`,
      kind: 'watch',
      status: report.status(),
      startedAt,
      endedAt: Date.now(),
      record: { withdrawing, ...report.record() },
    }
    await saveRun(settings.book, run)
    report.announce(run)
  }
  return withdrawing
}

/** Tells the account that its payer is withdrawing, and claims all that is charged in a transaction of its own. */
async function hurry(settings: Settings, report: Report, id: Hex, state: ChannelState): Promise<void> {
  const standing = await standingOf(settings, id)
  if (!standing) return
  const told = await tell(settings, standing, state)
  const row = redeemable(told)
  const findings = compareChain(told, state)
  if (!row) return
  const planned = await plan(settings, [row])
  report.planned({ ...planned, findings: [...findings, ...planned.findings] })
  if (planned.bad.length === 0) report.claimed(await claim(settings, [[row]]))
}
