import { env } from 'cloudflare:test'
import { encodeFunctionData, parseAbi } from 'viem'
import { describe, expect, it } from 'vitest'
import { readChannels } from '../../../src/chain/channels.ts'
import { encodeRefund } from '../../../src/chain/escrow.ts'
import { runs } from '../../../src/ledger/book/runs.ts'
import { watch } from '../../../src/settlement/channels/withdrawal-watch.ts'
import { windowOf } from '../../../src/settlement/workflow.ts'
import { countOf, randomHex } from '../../chain/harness.ts'
import { send } from '../../chain/payer.ts'
import { newNight, openTab, openTabs, received, recordOf, runOf, standingOf, type Tab } from '../harness.ts'

const WITHDRAW = parseAbi([
  'struct ChannelConfig { address payer; address payerAuthorizer; address receiver; address receiverAuthorizer; address token; uint40 withdrawDelay; bytes32 salt; }',
  'function initiateWithdraw(ChannelConfig config, uint128 amount)',
])

/** The payer asks for `amount` of the escrow back. */
async function withdraw({ config, payer }: Tab, escrow: `0x${string}`, amount: bigint) {
  const args = [config, amount] as const
  const data = encodeFunctionData({ abi: WITHDRAW, functionName: 'initiateWithdraw', args })
  await send(payer.address, escrow, data)
}

let time = Date.UTC(2026, 10, 21)

/** A moment of its own for each firing. */
function nextTime(): number {
  time += 300_000
  return time
}

describe('the watch', () => {
  it('claims at once from a payer who is withdrawing, and takes no more vouchers [F1]', async () => {
    const night = await newNight()
    const [leaving, staying] = await openTabs(night, 2)
    if (!leaving || !staying) throw new Error('too few tabs')
    await leaving.charge(300n)
    await staying.charge(50n)
    await withdraw(leaving, night.chain.escrow, 1_000n)
    const now = nextTime()
    expect(await watch(night.settings, now)).toBe(1)

    const [state] = await readChannels(night.chain, [leaving.id])
    expect(state?.totalClaimed).toBe(300n)
    expect(await standingOf(leaving.id)).toMatchObject({ charged: 300n, redeemed: 300n })
    expect(await standingOf(staying.id)).toMatchObject({ charged: 50n, redeemed: 0n })
    const { signature } = await leaving.payer.owes(leaving.config, 310n)
    const order = { kind: 'charge' as const, id: randomHex(8), price: 10n, exposure: 1_000n, request: 'x' }
    expect(await leaving.account.place({ ...order, max: 310n, signature })).toMatchObject({
      outcome: 'refused',
      reason: 'withdrawal_pending',
    })
    const { kind, status, record } = await recordOf(`watch-${windowOf(now)}`)
    expect([kind, status]).toEqual(['watch', 'settled'])
    expect(record).toMatchObject({ withdrawing: 1, claimed: '300', swept: '0' })

    // The night sweeps what the watch has claimed, and claims the rest.
    const ended = await runOf(night)
    expect(ended.record).toMatchObject({ claimed: '50', swept: '350' })
    expect(await received(night)).toBe(350n)
  })

  it('saves what a payer has left, and puts the loss on record [F1]', async () => {
    const night = await newNight()
    const tab = await openTab(night)
    await tab.charge(700n)
    await withdraw(tab, night.chain.escrow, 1_000n)
    // Stands for a withdrawal that was paid out in part: the escrow holds less than is owed.
    await send(night.relayer.address, night.chain.escrow, encodeRefund(tab.config, 600n))
    const now = nextTime()
    await watch(night.settings, now)
    expect(await standingOf(tab.id)).toMatchObject({ charged: 700n, redeemed: 400n })
    const { record } = await recordOf(`watch-${windowOf(now)}`)
    expect(record.findings.list).toEqual([{ account: tab.id, what: 'uncovered', detail: '300 of 700' }])
  })

  it('two watches at once claim once [F3]', async () => {
    const night = await newNight()
    const tab = await openTab(night)
    await tab.charge(40n)
    await withdraw(tab, night.chain.escrow, 500n)
    const sentBefore = await countOf(night.relayer.address)
    await Promise.all([watch(night.settings, nextTime()), watch(night.settings, nextTime())])
    expect(await countOf(night.relayer.address)).toBe(sentBefore + 1)
    expect(await standingOf(tab.id)).toMatchObject({ redeemed: 40n })
  })

  it('leaves no record when there is nothing to do', async () => {
    const night = await newNight()
    const tab = await openTab(night)
    await tab.charge(40n)
    const before = (await runs(env.BOOK, 100)).length
    expect(await watch(night.settings, nextTime())).toBe(0)
    expect((await runs(env.BOOK, 100)).length).toBe(before)
  })

  it('takes vouchers again once the withdrawal is over and the night has told the account', async () => {
    const night = await newNight()
    const tab = await openTab(night)
    await withdraw(tab, night.chain.escrow, 400n)
    await watch(night.settings, nextTime())
    // A refund of all that is withdrawn ends the withdrawal.
    await send(night.relayer.address, night.chain.escrow, encodeRefund(tab.config, 400n))
    await runOf(night)
    await tab.charge(10n)
    expect(await standingOf(tab.id)).toMatchObject({ charged: 10n })
  })
})
