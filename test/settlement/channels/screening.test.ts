import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { Address } from '../../../src/protocol/evm/hex.ts'
import { DEFAULT_FAILING, screenBy } from '../../../src/screening/screen.ts'
import { WATCH_SHARE, watch } from '../../../src/settlement/channels/withdrawal-watch.ts'
import { rpc } from '../../chain/harness.ts'
import { newReceiver, openChannel, openChannels, received, runOf, standingOf } from '../harness.ts'
import { nextTime, withdraw } from './harness.ts'

/** A screen by the operator's deny list, or by a source that fails. */
function screenOf(deny: Address[], { fails = false, failing = {} } = {}) {
  const source = () => ({ status: 'unknown', list: 'stub', dated: null, reason: 'it fails' }) as const
  const own = { allow: new Set<Address>(), deny: new Set(deny) }
  return screenBy(
    { own, sources: fails ? [source] : [], failing: { ...DEFAULT_FAILING, ...failing } },
    Date.now,
  )
}

describe('A settlement run with screening', () => {
  it('leaves the escrow of a listed payer alone and names it in every run, until the operator releases it', async () => {
    const setup = await newReceiver()
    const [other] = await openChannels(setup, 1)
    const listed = await openChannel(setup)
    await other?.charge(100n)
    await listed.charge(30n)
    setup.settings.screen = screenOf([listed.payer.address])
    for (const claimed of ['100', '0']) {
      const ended = await runOf(setup)
      expect(ended.record).toMatchObject({ claimed })
      expect(ended.status).toBe('in_doubt')
      expect(ended.record.findings.list).toEqual([
        {
          account: listed.id,
          what: 'held',
          detail: `owes 30; ${listed.payer.address}: on the deny list, operator`,
        },
      ])
    }
    expect(await standingOf(listed.id)).toMatchObject({ redeemed: 0n, hold: { list: 'operator' } })
    await listed.account.releaseHold('by a test')
    const ended = await runOf(setup)
    expect(ended.status).toBe('settled')
    expect(await received(setup)).toBe(130n)
  })

  it('claims in the next watch what the screening could not decide in this one [F1]', async () => {
    const setup = await newReceiver()
    const channels = await openChannels(setup, 8)
    for (const channel of channels) await channel.charge(10n)
    const last = channels.toSorted((a, b) => (a.id < b.id ? -1 : 1)).at(-1)
    if (!last) throw new Error('there must be eight channels')
    // The poll reads one channel, and the logs of a withdrawal are read once.
    const share = { ...WATCH_SHARE, overlap: 0, page: 1, pages: 1 }
    await watch(setup.settings, nextTime(), share)
    await withdraw(last, setup.chain.escrow, 500n)
    await rpc('anvil_mine', '0x1')
    setup.settings.screen = screenOf([], { fails: true, failing: { claim: 'closed' } })
    await watch(setup.settings, nextTime(), share)
    setup.settings.screen = screenOf([])
    await rpc('anvil_mine', '0x1')
    await watch(setup.settings, nextTime(), share)
    expect(await standingOf(last.id)).toMatchObject({ redeemed: 10n })
  })

  it('claims nothing for the watch from a listed payer who withdraws, and names it', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(30n)
    await withdraw(channel, setup.chain.escrow, 970n)
    setup.settings.screen = screenOf([channel.payer.address])
    await watch(setup.settings, nextTime())
    expect(await standingOf(channel.id)).toMatchObject({ redeemed: 0n, hold: { list: 'operator' } })
    const { results } = await env.BOOK.prepare(
      `SELECT record FROM run WHERE kind = 'watch' ORDER BY started_at DESC`,
    ).all()
    expect(String(results[0]?.record)).toContain('"what":"held"')
    await channel.account.releaseHold('by a test')
    await watch(setup.settings, nextTime())
    expect(await standingOf(channel.id)).toMatchObject({ redeemed: 30n })
    // Watches of other tests read 64 blocks again.
    await rpc('anvil_mine', '0x50')
  })

  it('claims by default where no source answers, and waits where claims fail closed', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(30n)
    setup.settings.screen = screenOf([], { fails: true, failing: { claim: 'closed', sweep: 'open' } })
    const waiting = await runOf(setup)
    expect(waiting.record).toMatchObject({ claimed: '0' })
    expect(waiting.record.findings.list).toMatchObject([{ account: channel.id, what: 'unscreened' }])
    setup.settings.screen = screenOf([], { fails: true, failing: { sweep: 'open' } })
    expect(await runOf(setup)).toMatchObject({ status: 'settled', record: { claimed: '30', swept: '30' } })
    expect(await channel.account.screenings(0, 10)).toMatchObject([
      { act: 'claim', status: 'unknown', isAllowed: false },
      { act: 'claim', status: 'unknown', isAllowed: true },
    ])
  })

  it('sweeps nothing to a listed receiver, and waits for a receiver that no source knows', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(30n)
    setup.settings.screen = screenOf([], { fails: true })
    const account = `eip155:84532:${setup.receiver}`
    const unknown = await runOf(setup)
    expect(unknown.record.findings.list).toMatchObject([{ account, what: 'unscreened' }, { what: 'unswept' }])
    setup.settings.screen = screenOf([setup.receiver])
    const listed = await runOf(setup)
    expect(listed.record).toMatchObject({ swept: '0' })
    expect(listed.record.findings.list).toMatchObject([{ account, what: 'held' }, { what: 'unswept' }])
    expect(await received(setup)).toBe(0n)
    // Off the list, it waits for the operator still.
    setup.settings.screen = screenOf([])
    expect(await runOf(setup)).toMatchObject({ record: { swept: '0' } })
    await env.AUTHORIZATIONS.getByName(account).releaseHold('by a test')
    expect(await runOf(setup)).toMatchObject({ status: 'settled', record: { swept: '30' } })
  })
})
