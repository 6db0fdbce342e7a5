/** A third party, or the receiver itself, claims or sweeps before the run does. */
import { describe, expect, it } from 'vitest'
import { encodeClaim, encodeSweep } from '../../../src/chain/escrow.ts'
import { countOf, newKey, rpc } from '../../chain/harness.ts'
import { send } from '../../chain/payer.ts'
import {
  newReceiver,
  type OpenChannel,
  openChannel,
  type ReceiverSetup,
  received,
  runOf,
  standingOf,
  steps,
} from '../harness.ts'

const CREDITED_ONCE = { charged: 90n, redeemed: 90n, credit: 0n, quarantine: null }

/** A channel that owes 90. */
async function owing(setup: ReceiverSetup): Promise<OpenChannel> {
  const channel = await openChannel(setup)
  await channel.charge(90n)
  return channel
}

/** The receiver claims what the channel owes, as its contract allows, from an address of its own. */
async function claimAsReceiver({ receiver, chain }: ReceiverSetup, { payer, config }: OpenChannel) {
  await rpc('anvil_setBalance', receiver, '0x8ac7230489e80000')
  await send(receiver, chain.escrow, encodeClaim([await payer.owes(config, 90n)]))
}

describe('settlement run', () => {
  it('credits a claim that the receiver has sent before, once and without a transaction [F11]', async () => {
    const setup = await newReceiver()
    const channel = await owing(setup)
    await claimAsReceiver(setup, channel)
    const sent = await countOf(setup.relayer.address)
    const { status, record } = await runOf(setup)
    expect({ status, claimed: record.claimed, healed: record.healed }).toEqual({
      status: 'settled',
      claimed: '0',
      healed: '90',
    })
    expect(await received(setup)).toBe(90n)
    // One sweep.
    expect(await countOf(setup.relayer.address)).toBe(sent + 1)
    expect(await standingOf(channel.id)).toMatchObject(CREDITED_ONCE)
  })

  it('credits a claim that overtakes its own once [F11]', async () => {
    const setup = await newReceiver()
    const channel = await owing(setup)
    const { status } = await runOf(
      setup,
      steps(async (name, work) => {
        await work()
        if (name === 'plan batch 1, round 1') await claimAsReceiver(setup, channel)
      }),
    )
    expect(status).toBe('settled')
    expect(await received(setup)).toBe(90n)
    expect(await standingOf(channel.id)).toMatchObject(CREDITED_ONCE)
    expect(await runOf(setup)).toMatchObject({ status: 'settled', record: { claimed: '0', swept: '0' } })
    expect(await received(setup)).toBe(90n)
  })

  it('settles when a stranger sweeps between its claim and its own sweep [F11]', async () => {
    const setup = await newReceiver()
    const [channel, stranger] = await Promise.all([owing(setup), newKey()])
    const { escrow, token } = setup.chain
    const { status, record } = await runOf(
      setup,
      steps(async (name, work) => {
        await work()
        if (name.startsWith('owed to'))
          await send(stranger.address, escrow, encodeSweep(setup.receiver, token))
      }),
    )
    expect({ status, claimed: record.claimed, swept: record.swept }).toEqual({
      status: 'settled',
      claimed: '90',
      swept: '0',
    })
    expect(await received(setup)).toBe(90n)
    expect(await standingOf(channel.id)).toMatchObject(CREDITED_ONCE)
  })
})
