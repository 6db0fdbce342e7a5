/** The operator's acts after a node gave false answers. */
import { describe, expect, it } from 'vitest'
import { readChannels } from '../../src/chain/channels.ts'
import { newReceiver, openChannel, runOf, standingOf } from '../settlement/harness.ts'
import { newOperator } from './harness.ts'

describe('POST /api/accounts/{id}/reread', () => {
  it('makes an account accept the chain again after a node named a block far above it [F9]', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    const [state] = await readChannels(setup.chain, [channel.id])
    if (!state) throw new Error('the chain must return the channel')
    const block = state.block + 1_000_000n
    await channel.account.observe({ ...state, block, withdrawRequestedAt: 1 })
    const { record } = await runOf(setup)
    expect(record.findings.list).toMatchObject([{ account: channel.id, what: 'block_ahead' }])
    expect((await standingOf(channel.id)).state.block).toBe(block)

    const operator = await newOperator()
    const { status, body } = await operator.post(
      `/api/accounts/${channel.id.toUpperCase().replace('X', 'x')}/reread`,
    )
    expect(status).toBe(200)
    expect(body).toMatchObject({
      id: channel.id,
      standing: { state: { withdrawRequestedAt: 0, balance: '1000' } },
    })
    expect((await runOf(setup)).status).toBe('settled')
    const { body: audit } = await operator.get('/api/audit?limit=500')
    expect((audit.acts as object[]).slice(-1)).toMatchObject([
      { what: 'account.reread', subject: channel.id, before: { block: `${block}` } },
    ])
  })

  it('answers 404 for an account that is not a channel', async () => {
    const { post } = await newOperator()
    for (const id of [`0x${'00'.repeat(32)}`, 'agent-x']) {
      expect((await post(`/api/accounts/${id}/reread`)).status).toBe(404)
    }
  })
})

describe('Routes of the relayer', () => {
  it('exist on a site without credit', async () => {
    const { get, post } = await newOperator({ credit: false })
    expect((await get('/api/relayer')).body).toMatchObject({ missing: [], open: 0 })
    expect((await post('/api/relayer/repair')).status).toBe(200)
  })
})
