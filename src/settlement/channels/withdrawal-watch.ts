/** The watch: finds payers who are withdrawing, and claims the amount they owe before the escrow pays them out. */

import { readChannels } from '../../chain/channels.ts'
import { KIND, type Listing, listings } from '../../ledger/book/accounts.ts'
import { type RunRecord, saveRun } from '../../ledger/book/runs.ts'
import { each } from '../../platform/pool.ts'
import type { ChannelState } from '../../protocol/evm/channel.ts'
import type { Hex } from '../../protocol/evm/hex.ts'
import type { Settings } from '../context.ts'
import { compareChain } from '../findings.ts'
import { Report } from '../report.ts'
import { windowOf } from '../workflow.ts'
import { claim, plan } from './claim-batch.ts'
import { redeemable } from './claims.ts'
import { PAGE, silence, standingOf, updateAccount } from './observe.ts'

/**
 * Reads every listed channel on chain. An account accepts no more vouchers once it has recorded a withdrawal. Saves a
 * record unless nothing was sent or found. `time`: Unix ms of the firing.
 * @returns how many payers are withdrawing
 * @throws ChainFault when the chain cannot be read
 */
export async function watch(settings: Settings, time: number): Promise<number> {
  const startedAt = Date.now()
  const report = new Report()
  let withdrawing = 0
  for (let after: string | null = ''; after !== null; ) {
    const lines: Listing[] = await listings(settings.book, after, PAGE)
    const ids = lines.filter((line) => line.kind === KIND.channel).map((line) => line.id as Hex)
    const states = await readChannels(settings.chain, ids)
    const found = ids.flatMap((id, at) => {
      const state = states[at]
      return state && state.withdrawRequestedAt > 0 ? [{ id, state }] : []
    })
    withdrawing += found.length
    await each(
      found,
      ({ id, state }) => claimNow(settings, report, id, state),
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

/** Records the withdrawal in the account, and claims all that is charged in a transaction of its own. */
async function claimNow(settings: Settings, report: Report, id: Hex, state: ChannelState): Promise<void> {
  const standing = await standingOf(settings, id)
  if (!standing) return
  const updated = await updateAccount(settings, standing, state)
  const row = redeemable(updated)
  const findings = compareChain(updated, state)
  if (!row) return
  const planned = await plan(settings, [row])
  report.planned({ ...planned, findings: [...findings, ...planned.findings] })
  if (planned.bad.length === 0) report.claimed(await claim(settings, [[row]]))
}
