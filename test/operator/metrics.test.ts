import { describe, expect, it } from 'vitest'
import type { Alert } from '../../src/alerts/alert.ts'
import type { AlertFacts } from '../../src/alerts/facts.ts'
import { gaugesOf, openMetrics } from '../../src/operator/metrics.ts'

const NOW = Date.UTC(2026, 10, 27, 12)
const TODAY = { charged: 1_234_500, charges: 617, asOf: NOW - 30_000 }
const NO_ALERTS = { alerts: [] }

/** Reads a text by the grammar of OpenMetrics 1.0 ("ABNF"), and fails at the first line that is not of it. */
function parse(text: string): Map<string, number> {
  const lines = text.split('\n')
  expect(lines.splice(-2)).toEqual(['# EOF', ''])
  const samples = new Map<string, number>()
  const described = new Set<string>()
  let family = ''
  for (const line of lines) {
    const [, key, name = '', rest = ''] = /^# (TYPE|UNIT|HELP) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line) ?? []
    if (key === 'TYPE') {
      expect([described.has(name), rest]).toEqual([false, 'gauge'])
      described.add(name)
      family = name
      continue
    }
    if (key) {
      expect(name).toBe(family)
      if (key === 'UNIT') expect(name.endsWith(`_${rest}`)).toBe(true)
      if (key === 'HELP') expect(rest).toMatch(/^(?:[^\\"\n]|\\[\\"n])*$/)
      continue
    }
    const label = '[a-zA-Z_]\\w*="(?:[^\\\\"\\n]|\\\\[\\\\"n])*"'
    const sample = new RegExp(
      `^([a-zA-Z_:][\\w:]*)(\\{${label}(?:,${label})*\\})? (-?\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?)$`,
    )
    const [, metric, labels = '', value] = sample.exec(line) ?? []
    expect(metric, line).toBe(family)
    expect(samples.has(metric + labels), line).toBe(false)
    samples.set(metric + labels, Number(value))
  }
  return samples
}

const FACTS: AlertFacts = {
  now: NOW,
  firstAt: 0,
  runs: [
    {
      kind: 'settlement',
      last: {
        id: 'settle-20261127T000000',
        status: 'in_doubt',
        startedAt: NOW - 43_200_000,
        record: { sums: { charged: '5000000', redeemed: '3500000' }, exact: { inDoubt: 2, undelivered: 1 } },
      },
      settledAt: NOW - 129_600_000,
    },
    { kind: 'billing', last: null, settledAt: null },
  ],
  findings: [
    { account: 'a', what: 'silent', detail: '', run: 'r' },
    { account: 'b', what: 'silent', detail: '', run: 'r' },
  ],
  watches: [{ network: 'eip155:8453', seenAt: NOW - 240_000, hasChannels: true }],
  nodes: [
    {
      host: 'node.example',
      network: 'eip155:8453',
      head: { block: 1n, time: NOW - 2_000 },
      maxAgeSeconds: 60,
    },
    { host: 'down.example', network: 'eip155:8453', head: null, maxAgeSeconds: 60 },
  ],
  relayers: [{ address: '0x1', network: 'eip155:8453', balance: 5n * 10n ** 16n, runCost: 2n * 10n ** 16n }],
  withdrawals: [{ channel: '0x2', unclaimed: 250_000n }],
  closed: [],
  invoices: [
    {
      id: 'i',
      agent: 'a',
      stage: 'past_due',
      failedAt: null,
      total: 1_210_000n,
      paid: 0n,
      credited: 210_000n,
    },
    { id: 'j', agent: 'b', stage: 'open', failedAt: NOW, total: 9n, paid: 0n, credited: 0n },
  ],
}

describe('openMetrics', () => {
  it('writes every gauge in the grammar of OpenMetrics', () => {
    const alert = { severity: 'critical', resolved: null } as Alert
    const samples = parse(
      openMetrics(gaugesOf(FACTS, { alerts: [alert, { ...alert, resolved: NOW }] }, TODAY)),
    )
    const chain = 'network="eip155:8453"'
    expect(Object.fromEntries(samples)).toMatchObject({
      'tab402_run_age_seconds{kind="settlement"}': 43_200,
      'tab402_run_settled_age_seconds{kind="settlement"}': 129_600,
      'tab402_run_status{kind="settlement",status="in_doubt"}': 1,
      'tab402_run_status{kind="settlement",status="settled"}': 0,
      'tab402_findings{what="silent"}': 2,
      'tab402_alerts{severity="critical"}': 1,
      'tab402_alerts{severity="info"}': 0,
      [`tab402_watch_age_seconds{${chain}}`]: 240,
      [`tab402_head_age_seconds{${chain},node="node.example"}`]: 2,
      [`tab402_node_up{${chain},node="down.example"}`]: 0,
      [`tab402_relayer_balance{${chain},address="0x1"}`]: 0.05,
      [`tab402_relayer_nights{${chain},address="0x1"}`]: 2.5,
      tab402_withdrawals_unclaimed_dollars: 0.25,
      tab402_unclaimed_dollars: 1.5,
      tab402_sums_age_seconds: 43_200,
      tab402_exact_in_doubt: 2,
      tab402_exact_undelivered: 1,
      tab402_invoices_past_due: 1,
      tab402_invoices_past_due_owed_dollars: 1,
      tab402_agents_closed: 0,
      tab402_charged_today_dollars: 1.2345,
      tab402_charges_today: 617,
      tab402_figures_age_seconds: 30,
    })
  })

  it('leaves out a gauge without a value yet', () => {
    const young: AlertFacts = {
      now: NOW,
      firstAt: NOW,
      runs: [{ kind: 'settlement', last: null, settledAt: null }],
    }
    const names = [...parse(openMetrics(gaugesOf(young, NO_ALERTS, { ...TODAY, asOf: null }))).keys()]
    expect(names.filter((name) => /run_|watch|unclaimed_|invoices|figures_age/.test(name))).toEqual([
      'tab402_withdrawals_unclaimed_dollars',
    ])
  })

  it('escapes the values of labels', () => {
    const values: [Record<string, string>, number][] = [[{ node: 'a"b\\c\nd' }, 1]]
    const text = openMetrics([{ name: 'node_up', help: 'One "line".', values }])
    expect([...parse(text).keys()]).toEqual(['tab402_node_up{node="a\\"b\\\\c\\nd"}'])
  })
})
