import { describe, expect, it } from 'vitest'
import { NO_BILL } from '../../src/billing/nightly.ts'
import { NO_EXACT, NO_SUMS } from '../../src/settlement/channels/reconcile.ts'
import { Report } from '../../src/settlement/report.ts'
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

  it('states its sums in plain words with their units', async () => {
    const facts = await sumsOf({
      ...{ startedBy: 'cron', claimed: '1230000', healed: '0', open: 1, withdrawing: 2 },
      ...{ exact: { ...NO_EXACT, payments: 1 }, quarantined: { accounts: 1, count: 0, list: [] } },
      shadow: { day: '2026-11-27', total: { requests: 1, pages: 0, asked: '5' } },
    })
    expect(facts).toMatchObject({
      'Started by': 'The cron trigger',
      'Claimed from channels': '$1.23',
      'Channels with a deposit or refund under way': '1 channel',
      'Payers that withdraw': '2 payers',
      'Payments by exact': '1 payment',
      'Left in quarantine': '1 channel',
      'Day of shadow mode': '2026-11-27',
      'Would have been asked': '$0.000005',
    })
  })

  it('has words for every sum of a run, and shows no name of a field', async () => {
    const report = new Report()
    const end = { sums: NO_SUMS, exact: NO_EXACT, receivers: [], findings: [] }
    report.summed(end)
    report.billed({ sums: NO_BILL, findings: [], overpaid: {}, next: null })
    const total = { requests: 0, pages: 0, asked: '0' }
    report.tried({ day: '2026-11-27', total, sites: [], crawlers: [], rules: [], paths: [] })
    const record = report.record()
    // Lists have sections of their own, or none.
    const { transactions: _, findings: __, ...summed } = record
    expect(Object.keys(await sumsOf(record))).toHaveLength(leavesOf(summed))
  })
})

/** The facts of the section of sums. */
async function sumsOf(record: object): Promise<Record<string, string>> {
  const [, sums = ''] = (await pageOf(record)).split('<h2 id="sums">')
  return Object.fromEntries(
    [...sums.matchAll(/<dt>(.*?)<\/dt><dd>(.*?)<\/dd>/g)].map(([, name, value]) => [name, value]),
  )
}

/** How many words and numbers an object has, but for lists. */
function leavesOf(of: unknown): number {
  if (Array.isArray(of)) return 0
  return typeof of === 'object' && of !== null
    ? Object.values(of).reduce((sum: number, one) => sum + leavesOf(one), 0)
    : 1
}
