import { env } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { readChannels } from '../../src/chain/channels.ts'
import { encodeClaim, encodeRefund } from '../../src/chain/escrow.ts'
import { listings } from '../../src/ledger/book/accounts.ts'
import type { Standing } from '../../src/ledger/channel/types.ts'
import { channelId } from '../../src/protocol/evm/eip712.ts'
import { countOf, randomHex } from '../chain/harness.ts'
import { newPayer, send } from '../chain/payer.ts'
import {
  newNight,
  openTab,
  openTabs,
  place,
  received,
  recordOf,
  runOf,
  standingOf,
  steps,
} from './harness.ts'

describe('a settlement run', () => {
  it('claims and sweeps exactly what is charged', async () => {
    const night = await newNight()
    const [first, second, idle] = await openTabs(night, 3)
    if (!first || !second || !idle) throw new Error('too few tabs')
    await first.charge(100n)
    await first.charge(23n)
    await second.charge(7n)
    const ended = await runOf(night)
    expect(await received(night)).toBe(130n)
    expect(ended.status).toBe('settled')
    expect(ended.record).toMatchObject({ claimed: '130', swept: '130', healed: '0', open: 0 })
    expect(ended.record.sums).toMatchObject({ channels: 3, charged: '130', redeemed: '130' })
    expect(ended.record.transactions.list.map(({ kind, rows, status }) => [kind, rows, status])).toEqual([
      ['claim', 2, 'mined'],
      ['sweep', 0, 'mined'],
    ])
    expect(await standingOf(first.id)).toMatchObject({ charged: 123n, redeemed: 123n })
    const lines = await listings(env.BOOK, '', 10)
    expect(lines.find((line) => line.id === second.id)?.totals).toEqual({
      authorized: 7n,
      charged: 7n,
      redeemed: 7n,
      ceiling: 1_000n,
    })
  })

  it('claims what is charged and not what is promised', async () => {
    const night = await newNight()
    const tab = await openTab(night)
    const { signature } = await tab.payer.owes(tab.config, 900n)
    await place(tab.id, 50n, signature, 50n)
    // A released charge leaves a voucher over more than is owed.
    await tab.charge(30n)
    const [charge] = (await tab.account.entries(0, 10)).filter(
      ({ kind, amount }) => kind === 'charge' && amount === 30n,
    )
    if (!charge) throw new Error('no charge')
    await tab.account.release(charge.seq, charge.id)
    expect(await standingOf(tab.id)).toMatchObject({ authorized: 80n, charged: 50n })
    await runOf(night)
    expect(await received(night)).toBe(50n)
  })

  it('does nothing on the chain when nothing is owed', async () => {
    const night = await newNight()
    await openTab(night)
    const sentBefore = await countOf(night.relayer.address)
    const ended = await runOf(night)
    expect(ended.status).toBe('settled')
    expect(ended.record.transactions.count).toBe(0)
    expect(await countOf(night.relayer.address)).toBe(sentBefore)
  })

  it('two overlapping runs make one transaction for the same claims [F3]', async () => {
    const night = await newNight()
    const tabs = await openTabs(night, 3)
    for (const tab of tabs) await tab.charge(40n)
    const sentBefore = await countOf(night.relayer.address)
    await Promise.all([runOf(night), runOf(night), runOf(night)])
    expect(await received(night)).toBe(120n)
    expect(await countOf(night.relayer.address)).toBe(sentBefore + 2)
    for (const tab of tabs) expect(await standingOf(tab.id)).toMatchObject({ charged: 40n, redeemed: 40n })
  })

  it('claims the good rows of a batch, sets the bad one aside, and takes it back once it is good [F4]', async () => {
    const night = await newNight()
    const [tabs, stranger] = await Promise.all([openTabs(night, 100), newPayer()])
    const bad = tabs[41]
    if (!bad) throw new Error('no bad tab')
    const { signature } = await stranger.owes(bad.config, 10n)
    await place(bad.id, 10n, signature, 10n)
    await Promise.all(tabs.map((tab) => (tab === bad ? null : tab.charge(10n))))
    const ended = await runOf(night)
    expect(await received(night)).toBe(990n)
    expect(ended.record.quarantined).toEqual({
      accounts: 1,
      count: 1,
      list: [{ channelId: bad.id, reason: 'InvalidSignature' }],
    })
    expect((await standingOf(bad.id)).quarantine).toBe('InvalidSignature')
    expect(ended.record.transactions.list.filter(({ kind }) => kind === 'claim')).toHaveLength(1)

    await bad.charge(5n)
    await runOf(night)
    expect(await received(night)).toBe(1_005n)
    expect(await standingOf(bad.id)).toMatchObject({ quarantine: null, redeemed: 15n })
  })

  it('splits again when a row goes bad after it was tried [F4]', async () => {
    const night = await newNight()
    const [good, drained] = await openTabs(night, 2)
    if (!good || !drained) throw new Error('too few tabs')
    await good.charge(100n)
    await drained.charge(600n)
    const drain = encodeRefund(drained.config, 700n)
    const ended = await runOf(
      night,
      steps(async (name, work) => {
        await work()
        if (name === 'plan batch 1, round 1') await send(night.relayer.address, night.chain.escrow, drain)
      }),
    )
    // The payer took 700 of 1000 out: the claim of 600 cannot be covered, the one of 100 must not suffer.
    expect(await received(night)).toBe(100n)
    expect(ended.record.quarantined.list).toEqual([{ channelId: drained.id, reason: 'ClaimExceedsBalance' }])
    // The next run claims what is left.
    const next = await runOf(night)
    expect(await received(night)).toBe(400n)
    expect(next.record.findings.list).toEqual([
      { account: drained.id, what: 'uncovered', detail: '300 of 600' },
    ])
    expect(await standingOf(drained.id)).toMatchObject({ charged: 600n, redeemed: 300n, quarantine: null })
  })

  it('a step that died after it sent finds the same transaction [F5]', async () => {
    const night = await newNight()
    const tab = await openTab(night)
    await tab.charge(70n)
    const sentBefore = await countOf(night.relayer.address)
    const ended = await runOf(
      night,
      steps(async (name, work) => {
        await work()
        if (/^(claim|sweep)/.test(name)) await night.relayer.kill()
        await work()
      }),
    )
    expect(await received(night)).toBe(70n)
    expect(await countOf(night.relayer.address)).toBe(sentBefore + 2)
    expect(ended.record).toMatchObject({ claimed: '70', swept: '70' })
  })

  it('what was signed and never left is sent by the retry, with the same nonce [F5]', async () => {
    const night = await newNight()
    const tab = await openTab(night)
    await tab.charge(70n)
    const sentBefore = await countOf(night.relayer.address)
    await night.relayer.lane.misbehave({ method: 'eth_sendRawTransaction', does: 'drop', times: 1 })
    await runOf(
      night,
      steps(async (name, work) => {
        if (name.startsWith('claim')) await Promise.all([work(), night.relayer.kill()]).catch(() => undefined)
        await work()
      }),
    )
    expect(await received(night)).toBe(70n)
    expect(await countOf(night.relayer.address)).toBe(sentBefore + 2)
  })

  it('a broadcast that is in doubt is looked at again, not sent anew [F6]', async () => {
    const night = await newNight()
    const tab = await openTab(night)
    await tab.charge(70n)
    const sentBefore = await countOf(night.relayer.address)
    await night.relayer.lane.misbehave({ method: 'eth_sendRawTransaction', does: 'drop', times: 1 })
    const ended = await runOf(night)
    expect(ended.status).toBe('settled')
    expect(await received(night)).toBe(70n)
    expect(await countOf(night.relayer.address)).toBe(sentBefore + 2)
  })

  it('a sweep that fails is made by the next run, and nothing is counted twice [F10]', async () => {
    const night = await newNight()
    const tab = await openTab(night)
    await tab.charge(80n)
    const sweeping = { method: 'eth_estimateGas', where: '9db32a8f' }
    const revert = { code: 3, message: 'execution reverted', data: '0x' }
    await night.relayer.lane.misbehave({ ...sweeping, does: 'answer', error: revert })
    const failed = await runOf(night)
    expect(failed.status).toBe('in_doubt')
    expect(failed.record).toMatchObject({ claimed: '80', swept: '0' })
    expect(failed.record.findings.list).toMatchObject([{ account: night.receiver, what: 'unswept' }])
    expect(await received(night)).toBe(0n)
    expect(await standingOf(tab.id)).toMatchObject({ redeemed: 80n })

    await night.relayer.lane.misbehave()
    const next = await runOf(night)
    expect(next.status).toBe('settled')
    expect(next.record).toMatchObject({ claimed: '0', swept: '80' })
    expect(await received(night)).toBe(80n)
  })

  it('a batch that its block refuses leaves its rows claimable [F12]', async () => {
    const night = await newNight()
    const [good, drained] = await openTabs(night, 2)
    if (!good || !drained) throw new Error('too few tabs')
    await good.charge(100n)
    await drained.charge(1_000n)
    // The node believes in the claim although the escrow is empty by then.
    await night.relayer.lane.misbehave({
      method: 'eth_estimateGas',
      where: '29237b0c',
      does: 'answer',
      result: '0x30d40',
      times: 2,
    })
    await send(night.relayer.address, night.chain.escrow, encodeRefund(drained.config, 1n))
    const ended = await runOf(
      night,
      steps(async (name, work) => {
        await work()
        if (name === 'collect 1')
          await send(night.relayer.address, night.chain.escrow, encodeRefund(drained.config, 10n))
      }),
    )
    const claims = ended.record.transactions.list.filter(({ kind }) => kind === 'claim')
    expect(claims.map(({ status }) => status)).toEqual(['reverted', 'mined'])
    expect(await received(night)).toBe(100n)
    expect((await standingOf(drained.id)).quarantine).toBe('ClaimExceedsBalance')
  })

  it('fails with a record when the chain cannot be read, and the next run does it all', async () => {
    const night = await newNight()
    const tab = await openTab(night)
    await tab.charge(60n)
    await night.relayer.lane.misbehave({ method: 'eth_call', does: 'drop' })
    const id = `settle-test-${randomHex(4)}`
    await expect(runOf(night, steps(), id)).rejects.toThrow('unreachable')
    const failed = await recordOf(id)
    expect(failed.status).toBe('failed')
    expect(failed.record).toMatchObject({ fault: expect.stringContaining('unreachable') })
    await night.relayer.lane.misbehave()
    await runOf(night)
    expect(await received(night)).toBe(60n)
  })
})

describe('the chain’s word', () => {
  it('heals an account that never learned of its claim', async () => {
    const night = await newNight()
    const tab = await openTab(night)
    await tab.charge(90n)
    const row = await tab.payer.owes(tab.config, 90n)
    await send(night.relayer.address, night.chain.escrow, encodeClaim([row]))
    const ended = await runOf(night)
    expect(ended.record).toMatchObject({ claimed: '0', healed: '90', swept: '90' })
    expect(await standingOf(tab.id)).toMatchObject({ redeemed: 90n })
    expect(await received(night)).toBe(90n)
  })

  it('closes a refund whose request died after it was sent', async () => {
    const night = await newNight()
    const tab = await openTab(night)
    await tab.charge(10n)
    const id = `refund:${randomHex(8)}`
    const { signature } = await tab.payer.owes(tab.config, 10n)
    await tab.account.place({ kind: 'refund', id, max: 10n, signature, amount: null })
    await night.relayer.send({ id, to: night.chain.escrow, data: encodeRefund(tab.config, 990n) })
    const ended = await runOf(night)
    expect(ended.status).toBe('settled')
    const standing = await standingOf(tab.id)
    expect(standing).toMatchObject({ unresolved: null, redeemed: 10n })
    expect(standing.state.balance).toBe(10n)
  })

  it('gives up a refund that was never signed, but not while it may only be late', async () => {
    const night = await newNight()
    const tab = await openTab(night)
    const id = `refund:${randomHex(8)}`
    const { signature } = await tab.payer.owes(tab.config, 0n)
    await tab.account.place({ kind: 'refund', id, max: 0n, signature, amount: null })
    const early = await runOf(night)
    expect([early.status, early.record.open]).toEqual(['in_doubt', 1])
    expect((await standingOf(tab.id)).unresolved).toMatchObject({ kind: 'refund', id })
    const later = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 121_000)
    const ended = await runOf(night)
    later.mockRestore()
    expect(ended.status).toBe('settled')
    expect((await standingOf(tab.id)).unresolved).toBeNull()
  })
})

describe('the reconciliation', () => {
  it('finds a line of the book that knows more than its account, and writes it anew', async () => {
    const night = await newNight()
    const tab = await openTab(night)
    await tab.charge(20n)
    await runOf(night)
    await env.BOOK.prepare('UPDATE account SET redeemed = ? WHERE id = ?')
      .bind('21'.padStart(39, '0'), tab.id)
      .run()
    const ended = await runOf(night)
    expect(ended.status).toBe('in_doubt')
    expect(ended.record.findings.list).toMatchObject([{ account: tab.id, what: 'book_ahead' }])
    expect((await runOf(night)).status).toBe('settled')
  })

  it('finds an account that the book has lines for and that is gone', async () => {
    const night = await newNight()
    const lost = randomHex(32)
    const amount = (value: number) => String(value).padStart(39, '0')
    await env.BOOK.prepare(
      `INSERT INTO account (id, kind, payer, receiver, token, opened_at, authorized, charged, redeemed, ceiling)
       VALUES (?, 'channel', '0x', '0x', '0x', 0, ?, ?, ?, ?)`,
    )
      .bind(lost, amount(9), amount(9), amount(9), amount(9))
      .run()
    const ended = await runOf(night)
    expect(ended.record.findings.list).toMatchObject([{ account: lost, what: 'book_ahead' }])
  })

  it('leaves alone what stands on another network, and says who still owes there', async () => {
    const night = await newNight()
    const here = await openTab(night)
    await here.charge(20n)
    const there: Standing[] = []
    for (const price of [30n, 0n]) {
      const { config } = await openTab(night)
      const id = channelId(config, 8453, night.chain.escrow)
      const state = { ...(await standingOf(here.id)).state, block: 5n }
      await env.ACCOUNT.getByName(id).open(id, config, state)
      if (price > 0n) await place(id, price, '0x5a', price)
      there.push(await standingOf(id))
    }
    const [owing] = there
    const ended = await runOf(night)
    expect(ended.record).toMatchObject({ claimed: '20', sums: { charged: '20', redeemed: '20' } })
    expect(ended.record.findings.list).toEqual([
      { account: owing?.channelId, what: 'elsewhere', detail: 'owes 30 on another network' },
    ])
    for (const standing of there) expect(await standingOf(standing.channelId)).toEqual(standing)
  })

  it('finds that the chain has more claimed than was charged', async () => {
    const night = await newNight()
    const tab = await openTab(night)
    await tab.charge(20n)
    const row = await tab.payer.owes(tab.config, 500n)
    await send(night.relayer.address, night.chain.escrow, encodeClaim([row]))
    const ended = await runOf(night)
    expect(ended.status).toBe('in_doubt')
    expect(ended.record.findings.list).toEqual([
      { account: tab.id, what: 'overclaimed', detail: 'claimed 500, charged 20' },
    ])
  })

  it('says what the chain has claimed for the receiver beside the accounts of this ledger', async () => {
    const night = await newNight()
    const [known, unlisted] = await openTabs(night, 2)
    if (!known || !unlisted) throw new Error('too few tabs')
    await known.charge(20n)
    await env.BOOK.prepare('DELETE FROM account WHERE id = ?').bind(unlisted.id).run()
    const row = await unlisted.payer.owes(unlisted.config, 30n)
    await send(night.relayer.address, night.chain.escrow, encodeClaim([row]))
    const ended = await runOf(night)
    expect(ended.record.receivers).toEqual([
      { receiver: night.receiver, claimed: '50', swept: '50', redeemed: '20', elsewhere: '30' },
    ])
    const [state] = await readChannels(night.chain, [unlisted.id])
    expect(state?.totalClaimed).toBe(30n)
  })
})
