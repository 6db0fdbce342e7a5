import { describe, expect, it } from 'vitest'
import { browse } from './edge.ts'

const CHANNEL = `0x${'ab'.repeat(32)}`

/** The page of a settlement run with this record. */
async function pageOf(record: object): Promise<string> {
  const run = { id: 'settle-1', kind: 'settlement', status: 'in_doubt', startedAt: 1, endedAt: 2, record }
  return (await browse(() => ({ run })).get('/runs/settle-1')).text()
}

describe('the page of a run', () => {
  it('counts one channel, payer and account in the singular', async () => {
    const text = await pageOf({
      sums: { channels: 1, charged: '1' },
      exact: { payers: 2, received: '1' },
      dust: { count: 1, amount: '1' },
      quarantined: { accounts: 1 },
    })
    for (const step of [
      'Compared 1 channel with the chain',
      'Compared 2 payers by exact',
      'Left 1 account whose claims are not worth their gas yet',
      'Left 1 account in quarantine',
    ])
      expect(text).toContain(`<span>${step}</span>`)
  })

  it('links a finding to its account, and to no page where it names another part of the deployment', async () => {
    const list = [
      { account: CHANNEL, what: 'unclaimed', detail: '1 of 1' },
      { account: 'acme', what: 'figures_differ', detail: 'by 1' },
      { account: 'figures', what: 'figures_differ', detail: 'by 1' },
      { account: 'watch', what: 'unwatched', detail: 'for an hour' },
      { account: `0x${'cd'.repeat(20)}`, what: 'low_gas', detail: 'holds 1 wei' },
    ]
    const text = await pageOf({ findings: { count: list.length, list } })
    const links = [...text.matchAll(/href="\/accounts\/([^"]+)"/g)].map(([, id]) => id)
    expect(links).toEqual([CHANNEL, 'acme'])
    for (const { account } of list) expect(text).toContain(`<code>${account}</code>`)
  })

  it('states the channels of a claim, and none for a sweep', async () => {
    const sent = { id: '1', status: 'mined', hash: '0xab', amount: '1', reason: null }
    const list = [
      { ...sent, kind: 'claim', rows: 3 },
      { ...sent, kind: 'sweep', rows: 0 },
    ]
    const text = await pageOf({ transactions: { count: 2, list } })
    const cells = [...text.matchAll(/data-l="Channels">([^<]*)</g)].map(([, cell]) => cell)
    expect(cells).toEqual(['3', '—'])
  })
})
