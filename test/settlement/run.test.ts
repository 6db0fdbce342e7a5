import { env } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { readChannels } from '../../src/chain/channels.ts'
import { encodeClaim, encodeRefund } from '../../src/chain/escrow.ts'
import { listings } from '../../src/ledger/book/accounts.ts'
import type { Standing } from '../../src/ledger/channel/types.ts'
import { channelId } from '../../src/protocol/evm/eip712.ts'
import { countOf, randomHex } from '../chain/harness.ts'
import { send } from '../chain/payer.ts'
import {
  type Ended,
  newReceiver,
  openChannel,
  openChannels,
  place,
  received,
  recordOf,
  runOf,
  standingOf,
  steps,
} from './harness.ts'

/** Lists the findings of a run on an account. A test that sends from the relayer's own address makes it find `key_shared` too. */
const foundOn = (account: string, { record }: Ended) =>
  record.findings.list.filter((finding) => finding.account === account)

describe('Settlement run', () => {
  it('claims and sweeps exactly the charged amount', async () => {
    const setup = await newReceiver()
    const [first, second, idle] = await openChannels(setup, 3)
    if (!first || !second || !idle) throw new Error('there must be enough channels')
    await first.charge(100n)
    await first.charge(23n)
    await second.charge(7n)
    const ended = await runOf(setup)
    expect(await received(setup)).toBe(130n)
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

  it('claims the charged and not the authorized amount', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    const { signature } = await channel.payer.owes(channel.config, 900n)
    await place(channel.id, 50n, signature, 50n)
    // A released charge leaves a voucher above the charged amount.
    await channel.charge(30n)
    const [charge] = (await channel.account.entries(0, 10)).filter(
      ({ kind, amount }) => kind === 'charge' && amount === 30n,
    )
    if (!charge) throw new Error('the journal must have the charge')
    await channel.account.release(charge.seq, charge.id)
    expect(await standingOf(channel.id)).toMatchObject({ authorized: 80n, charged: 50n })
    await runOf(setup)
    expect(await received(setup)).toBe(50n)
  })

  it('sends no transaction when nothing is owed', async () => {
    const setup = await newReceiver()
    await openChannel(setup)
    const sentBefore = await countOf(setup.relayer.address)
    const ended = await runOf(setup)
    expect(ended.status).toBe('settled')
    expect(ended.record.transactions.count).toBe(0)
    expect(await countOf(setup.relayer.address)).toBe(sentBefore)
  })

  it('sends one claim and one sweep when three runs overlap [F3, I8]', async () => {
    const setup = await newReceiver()
    const channels = await openChannels(setup, 3)
    for (const channel of channels) await channel.charge(40n)
    const sentBefore = await countOf(setup.relayer.address)
    await Promise.all([runOf(setup), runOf(setup), runOf(setup)])
    expect(await received(setup)).toBe(120n)
    expect(await countOf(setup.relayer.address)).toBe(sentBefore + 2)
    for (const channel of channels)
      expect(await standingOf(channel.id)).toMatchObject({ charged: 40n, redeemed: 40n })
  })

  it('splits the batch again when a row turns bad after the trial [F4]', async () => {
    const setup = await newReceiver()
    const [good, drained] = await openChannels(setup, 2)
    if (!good || !drained) throw new Error('there must be enough channels')
    await good.charge(100n)
    await drained.charge(600n)
    const drain = encodeRefund(drained.config, 700n)
    const ended = await runOf(
      setup,
      steps(async (name, work) => {
        await work()
        if (name === 'plan batch 1, round 1') await send(setup.relayer.address, setup.chain.escrow, drain)
      }),
    )
    // The payer withdrew 700 of 1000. The claim of 600 is not covered; the claim of 100 must still succeed.
    expect(await received(setup)).toBe(100n)
    expect(ended.record.quarantined.list).toEqual([{ channelId: drained.id, reason: 'ClaimExceedsBalance' }])
    // The next run claims the rest.
    const next = await runOf(setup)
    expect(await received(setup)).toBe(400n)
    expect(foundOn(drained.id, next)).toEqual([
      { account: drained.id, what: 'uncovered', detail: '300 of 600' },
    ])
    expect(await standingOf(drained.id)).toMatchObject({ charged: 600n, redeemed: 300n, quarantine: null })
  })

  it('finds the same transaction when a step aborted after sending it [F5, I8]', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(70n)
    const sentBefore = await countOf(setup.relayer.address)
    const ended = await runOf(
      setup,
      steps(async (name, work) => {
        await work()
        if (/^(claim|sweep)/.test(name)) await setup.relayer.kill()
        await work()
      }),
    )
    expect(await received(setup)).toBe(70n)
    expect(await countOf(setup.relayer.address)).toBe(sentBefore + 2)
    expect(ended.record).toMatchObject({ claimed: '70', swept: '70' })
  })

  it('sends a signed and unsent transaction with the same nonce on retry [F5]', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(70n)
    const sentBefore = await countOf(setup.relayer.address)
    await setup.relayer.lane.misbehave({ method: 'eth_sendRawTransaction', does: 'drop', times: 1 })
    await runOf(
      setup,
      steps(async (name, work) => {
        if (name.startsWith('claim')) await Promise.all([work(), setup.relayer.kill()]).catch(() => undefined)
        await work()
      }),
    )
    expect(await received(setup)).toBe(70n)
    expect(await countOf(setup.relayer.address)).toBe(sentBefore + 2)
  })

  it('checks an unresolved broadcast again and sends no second transaction [F6, I9]', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(70n)
    const sentBefore = await countOf(setup.relayer.address)
    await setup.relayer.lane.misbehave({ method: 'eth_sendRawTransaction', does: 'drop', times: 1 })
    const ended = await runOf(setup)
    expect(ended.status).toBe('settled')
    expect(await received(setup)).toBe(70n)
    expect(await countOf(setup.relayer.address)).toBe(sentBefore + 2)
  })

  it('repeats a failed sweep in the next run and counts nothing twice [F10]', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(80n)
    const sweeping = { method: 'eth_estimateGas', where: '9db32a8f' }
    const revert = { code: 3, message: 'execution reverted', data: '0x' }
    await setup.relayer.lane.misbehave({ ...sweeping, does: 'answer', error: revert })
    const failed = await runOf(setup)
    expect(failed.status).toBe('in_doubt')
    expect(failed.record).toMatchObject({ claimed: '80', swept: '0' })
    expect(failed.record.findings.list).toMatchObject([{ account: setup.receiver, what: 'unswept' }])
    expect(await received(setup)).toBe(0n)
    expect(await standingOf(channel.id)).toMatchObject({ redeemed: 80n })

    await setup.relayer.lane.misbehave()
    const next = await runOf(setup)
    expect(next.status).toBe('settled')
    expect(next.record).toMatchObject({ claimed: '0', swept: '80' })
    expect(await received(setup)).toBe(80n)
  })

  it('claims the remaining rows when a batch reverts in its block [F12]', async () => {
    const setup = await newReceiver()
    const [good, drained] = await openChannels(setup, 2)
    if (!good || !drained) throw new Error('there must be enough channels')
    await good.charge(100n)
    await drained.charge(1_000n)
    // The node estimates the claim as valid although the escrow is already empty.
    await setup.relayer.lane.misbehave({
      method: 'eth_estimateGas',
      where: '29237b0c',
      does: 'answer',
      result: '0x30d40',
      times: 2,
    })
    await send(setup.relayer.address, setup.chain.escrow, encodeRefund(drained.config, 1n))
    const ended = await runOf(
      setup,
      steps(async (name, work) => {
        await work()
        if (name === 'collect 1')
          await send(setup.relayer.address, setup.chain.escrow, encodeRefund(drained.config, 10n))
      }),
    )
    const claims = ended.record.transactions.list.filter(({ kind }) => kind === 'claim')
    expect(claims.map(({ status }) => status)).toEqual(['reverted', 'mined'])
    expect(await received(setup)).toBe(100n)
    expect((await standingOf(drained.id)).quarantine).toBe('ClaimExceedsBalance')
  })

  it('stores a failed record when the chain cannot be read, and the next run claims all', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(60n)
    await setup.relayer.lane.misbehave({ method: 'eth_call', does: 'drop' })
    const id = `settle-test-${randomHex(4)}`
    await expect(runOf(setup, steps(), id)).rejects.toThrow('unreachable')
    const failed = await recordOf(id)
    expect(failed.status).toBe('failed')
    expect(failed.record).toMatchObject({ fault: expect.stringContaining('unreachable') })
    await setup.relayer.lane.misbehave()
    await runOf(setup)
    expect(await received(setup)).toBe(60n)
  })
})

describe('Settlement run after an on-chain change', () => {
  it('backfills an account that missed its claim', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(90n)
    const row = await channel.payer.owes(channel.config, 90n)
    await send(setup.relayer.address, setup.chain.escrow, encodeClaim([row]))
    const ended = await runOf(setup)
    expect(ended.record).toMatchObject({ claimed: '0', healed: '90', swept: '90' })
    expect(await standingOf(channel.id)).toMatchObject({ redeemed: 90n })
    expect(await received(setup)).toBe(90n)
  })

  it('closes a refund whose request was aborted after it was sent [E4]', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(10n)
    const id = `refund:${randomHex(8)}`
    const { signature } = await channel.payer.owes(channel.config, 10n)
    await channel.account.place({ kind: 'refund', id, max: 10n, signature, amount: null })
    await setup.relayer.send({ id, to: setup.chain.escrow, data: encodeRefund(channel.config, 990n) })
    const ended = await runOf(setup)
    expect(ended.status).toBe('settled')
    const standing = await standingOf(channel.id)
    expect(standing).toMatchObject({ unresolved: null, redeemed: 10n })
    expect(standing.state.balance).toBe(10n)
  })

  it('gives up an unsent refund only after its deadline', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    const id = `refund:${randomHex(8)}`
    const { signature } = await channel.payer.owes(channel.config, 0n)
    await channel.account.place({ kind: 'refund', id, max: 0n, signature, amount: null })
    const early = await runOf(setup)
    expect([early.status, early.record.open]).toEqual(['in_doubt', 1])
    expect((await standingOf(channel.id)).unresolved).toMatchObject({ kind: 'refund', id })
    const later = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 121_000)
    const ended = await runOf(setup)
    later.mockRestore()
    expect(ended.status).toBe('settled')
    expect((await standingOf(channel.id)).unresolved).toBeNull()
  })
})

describe('Reconciliation', () => {
  it('records book_ahead for a row with more than its account, and rewrites the row', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(20n)
    await runOf(setup)
    await env.BOOK.prepare('UPDATE account SET redeemed = ? WHERE id = ?')
      .bind('21'.padStart(39, '0'), channel.id)
      .run()
    const ended = await runOf(setup)
    expect(ended.status).toBe('in_doubt')
    expect(ended.record.findings.list).toMatchObject([{ account: channel.id, what: 'book_ahead' }])
    expect((await runOf(setup)).status).toBe('settled')
  })

  it('records book_ahead for a row whose account is lost', async () => {
    const setup = await newReceiver()
    const lost = randomHex(32)
    const amount = (value: number) => String(value).padStart(39, '0')
    await env.BOOK.prepare(
      `INSERT INTO account (id, kind, payer, receiver, token, opened_at, authorized, charged, redeemed, ceiling)
       VALUES (?, 'channel', '0x', '0x', '0x', 0, ?, ?, ?, ?)`,
    )
      .bind(lost, amount(9), amount(9), amount(9), amount(9))
      .run()
    const ended = await runOf(setup)
    expect(ended.record.findings.list).toMatchObject([{ account: lost, what: 'book_ahead' }])
  })

  it('skips accounts on another network and records those that still owe', async () => {
    const setup = await newReceiver()
    const here = await openChannel(setup)
    await here.charge(20n)
    const there: Standing[] = []
    for (const price of [30n, 0n]) {
      const { config } = await openChannel(setup)
      const id = channelId(config, 8453, setup.chain.escrow)
      const state = { ...(await standingOf(here.id)).state, block: 5n }
      await env.ACCOUNT.getByName(id).open(id, config, state)
      if (price > 0n) await place(id, price, '0x5a', price)
      there.push(await standingOf(id))
    }
    const [owing] = there
    const ended = await runOf(setup)
    expect(ended.record).toMatchObject({ claimed: '20', sums: { charged: '20', redeemed: '20' } })
    expect(ended.record.findings.list).toEqual([
      { account: owing?.channelId, what: 'elsewhere', detail: 'owes 30 on another network' },
    ])
    for (const standing of there) expect(await standingOf(standing.channelId)).toEqual(standing)
  })

  it('records overclaimed when the chain has claimed more than was charged', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(20n)
    const row = await channel.payer.owes(channel.config, 500n)
    await send(setup.relayer.address, setup.chain.escrow, encodeClaim([row]))
    const ended = await runOf(setup)
    expect(ended.status).toBe('in_doubt')
    expect(foundOn(channel.id, ended)).toEqual([
      { account: channel.id, what: 'overclaimed', detail: 'claimed 500, charged 20' },
    ])
  })

  it('records amounts claimed for the receiver outside this ledger', async () => {
    const setup = await newReceiver()
    const [known, unlisted] = await openChannels(setup, 2)
    if (!known || !unlisted) throw new Error('there must be enough channels')
    await known.charge(20n)
    await env.BOOK.prepare('DELETE FROM account WHERE id = ?').bind(unlisted.id).run()
    const row = await unlisted.payer.owes(unlisted.config, 30n)
    await send(setup.relayer.address, setup.chain.escrow, encodeClaim([row]))
    const ended = await runOf(setup)
    expect(ended.record.receivers).toEqual([
      { receiver: setup.receiver, claimed: '50', swept: '50', redeemed: '20', elsewhere: '30' },
    ])
    const [state] = await readChannels(setup.chain, [unlisted.id])
    expect(state?.totalClaimed).toBe(30n)
  })
})
