/** A run names what is wrong with the nonces of the relayer's key. */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { anOrder, rpc } from '../../chain/harness.ts'
import { newReceiver, runOf } from '../harness.ts'

// These tests provoke warnings on purpose.
beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
})

describe('settlement run', () => {
  it('is in doubt while nonces are missing, and names them once filled [F9]', async () => {
    const setup = await newReceiver()
    const { relayer } = setup
    await relayer.lane.misbehave({ method: 'eth_getTransactionCount', does: 'answer', result: '0x3' })
    await relayer.send(anOrder(), 0)
    await relayer.lane.misbehave()
    const account = relayer.address
    const missing = await runOf(setup)
    expect(missing).toMatchObject({
      status: 'in_doubt',
      record: { findings: { list: [{ account, what: 'nonce_hole', detail: '3 from nonce 0' }] } },
    })
    await relayer.repair()
    expect(await runOf(setup)).toMatchObject({
      status: 'settled',
      record: { findings: { list: [{ account, what: 'nonce_filled', detail: '3 from nonce 0' }] } },
    })
  })

  it('is in doubt when another sender used the relayer’s key [F14]', async () => {
    const setup = await newReceiver()
    const { relayer } = setup
    await relayer.send(anOrder())
    await rpc('anvil_setNonce', relayer.address, '0x5')
    await relayer.send(anOrder())
    expect(await runOf(setup)).toMatchObject({
      status: 'in_doubt',
      record: {
        findings: { list: [{ account: relayer.address, what: 'key_shared', detail: '4 from nonce 1' }] },
      },
    })
  })

  it('names a relayer that does not respond', async () => {
    const setup = await newReceiver()
    setup.settings.relayer.state = async () => {
      throw new Error('reset')
    }
    expect((await runOf(setup)).record.findings.list).toMatchObject([{ account: 'relayer', what: 'silent' }])
  })
})
