import { describe, expect, it } from 'vitest'
import type { AlertFacts } from '../../src/alerts/facts.ts'
import { ALERT_KINDS, findAll } from '../../src/alerts/kinds/index.ts'
import { MAX_NODE_LAG_BLOCKS } from '../../src/chain/channels.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/platform/time.ts'

const NOW = Date.UTC(2026, 10, 27)
const HOUR_AGO = NOW - HOUR_MS

/** `kind severity subject` of all that these facts show. */
function shown(facts: Partial<AlertFacts>): string[] {
  const { found } = findAll({ now: NOW, firstAt: NOW - 30 * DAY_MS, ...facts })
  return found.map(({ kind, severity, subject, figure }) => `${severity} ${kind} ${subject}: ${figure}`)
}

describe('A nightly run', () => {
  const run = (status: 'settled' | 'in_doubt' | 'failed' | 'abandoned', record = {}, settledAt = HOUR_AGO) =>
    shown({
      runs: [{ kind: 'billing', last: { id: 'bill-1', status, startedAt: HOUR_AGO, record }, settledAt }],
    })

  it('alerts when it failed, was killed or is in doubt', () => {
    expect(run('settled')).toEqual([])
    expect(run('failed', { fault: 'no\nnode' })).toEqual(['critical run_failed billing: failed: no node'])
    expect(run('abandoned')).toEqual(['critical run_failed billing: abandoned: it was stopped'])
    const finding = { what: 'unclaimed', account: '0x1', detail: '' }
    const findings = { count: 2, list: [finding, finding] }
    expect(run('in_doubt', { findings, quarantined: { count: 1 } })).toEqual([
      'critical run_in_doubt billing: findings: 2 (unclaimed); quarantined: 1',
    ])
  })

  it('alerts when none of its kind was settled for 26 hours, also if none ever was', () => {
    expect(run('settled', {}, NOW - 26 * HOUR_MS + 1)).toEqual([])
    expect(run('settled', {}, NOW - 26 * HOUR_MS)).toEqual([
      'critical run_overdue billing: the last one 26 h ago',
    ])
    const runs = [{ kind: 'billing', last: null, settledAt: null }] as const
    expect(shown({ runs, firstAt: NOW - 26 * HOUR_MS + 1 })).toEqual([])
    expect(shown({ runs, firstAt: NOW - 26 * HOUR_MS })).toEqual([
      'critical run_overdue billing: none in 26 h',
    ])
  })

  it('alerts for each finding that shows a loss, and for no other', () => {
    const finding = (
      what: 'uncovered' | 'overclaimed' | 'book_ahead' | 'receiver_behind' | 'lost' | 'relisted',
    ) => ({ what, account: '0x1', detail: '3 of 7', run: 'settle-1' }) as const
    const all = (
      ['uncovered', 'overclaimed', 'book_ahead', 'receiver_behind', 'lost', 'relisted'] as const
    ).map(finding)
    expect(shown({ findings: all })).toEqual([
      'critical uncovered 0x1: 3 of 7',
      'critical overclaimed 0x1: 3 of 7',
      'critical book_ahead 0x1: 3 of 7',
      'critical receiver_behind 0x1: 3 of 7',
      'critical lost 0x1: 3 of 7',
    ])
  })
})

describe('The watch', () => {
  it('alerts after fifteen minutes without a read of the chain, if there are channels', () => {
    const watch = (seenAt: number | null, hasChannels = true, firstAt = 0) =>
      shown({ watches: [{ network: 'eip155:8453', seenAt, hasChannels }], firstAt })
    expect(watch(NOW - 15 * MINUTE_MS)).toEqual([])
    expect(watch(NOW - 15 * MINUTE_MS - 1)).toHaveLength(1)
    expect(watch(NOW - HOUR_MS, false)).toEqual([])
    expect(watch(null, true, NOW)).toEqual([])
  })

  it('alerts of a withdrawal with more than $1 unclaimed', () => {
    const withdrawals = [1_000_000n, 1_000_001n, 2_500_000n].map((unclaimed, at) => ({
      channel: `0x${at}`,
      unclaimed,
    }))
    expect(shown({ withdrawals })).toEqual([
      'critical withdrawal 0x1: $1.000001 is not claimed',
      'critical withdrawal 0x2: $2.50 is not claimed',
    ])
  })

  it('keeps the alert of a channel whose account does not respond', () => {
    expect(shown({ withdrawals: [{ channel: '0x1', unclaimed: null }] })).toEqual([
      'critical withdrawal 0x1: null',
    ])
  })
})

describe('The chain', () => {
  it('alerts when the relayer holds less than one or three nightly runs cost', () => {
    const relayer = (balance: bigint | null) =>
      shown({ relayers: [{ address: '0xaa', network: 'n', balance, runCost: 10n }] })
    expect(relayer(30n)).toEqual([])
    expect(relayer(29n)).toEqual(['warning gas_low 0xaa on n: holds 29 wei, and a run costs up to 10'])
    expect(relayer(10n)).toHaveLength(1)
    expect(relayer(9n)).toEqual(['critical gas_low 0xaa on n: holds 9 wei, and a run costs up to 10'])
  })

  it('alerts of a node that is silent, old or far behind another one of its network', () => {
    const node = (host: string, block: bigint, age: number, network = 'n') => ({
      ...{ host, network, maxAgeSeconds: 60 },
      head: { block, time: NOW - age * 1000 },
    })
    const lag = MAX_NODE_LAG_BLOCKS
    const nodes = [
      node('well', 100n + lag, 60),
      node('just', 100n, 1),
      node('behind', 99n, 1),
      node('elsewhere', 1n, 1, 'm'),
      node('old', 100n + lag, 61),
      { host: 'silent', network: 'n', maxAgeSeconds: 60, head: null },
    ]
    expect(shown({ nodes })).toEqual([
      `warning node_behind behind on n: is ${lag + 1n} blocks behind another node`,
      'warning node_behind old on n: its newest block is 61 s old',
      'warning node_behind silent on n: does not answer',
    ])
  })

  it('alerts of a channel above 80 % of its unclaimed limit', () => {
    const unclaimed = [80_000_000n, 80_000_001n].map((owed) => ({
      channel: `0x${owed}`,
      unclaimed: owed,
      limit: 100_000_000n,
    }))
    expect(shown({ unclaimed })).toEqual([
      'warning near_limit 0x80000001: owes $80.000001 of at most $100.00',
    ])
  })
})

describe('A site', () => {
  const HOUR = 'site.example'
  const at = (hours: number) => NOW + hours * HOUR_MS
  const traffic = (hours: number, more: object) => ({
    site: HOUR,
    at: at(hours),
    unpaid: 0,
    free: 0,
    errors: 0,
    ...more,
  })
  const paid = (hours: number, count: number) => ({ site: HOUR, at: at(hours), paid: count })

  it('alerts when more than 5 % of at least twenty requests failed at its origin', () => {
    const now = NOW + 20 * MINUTE_MS
    const failing = (errors: number, free: number, charged: number) =>
      shown({ now, traffic: [traffic(0, { errors, free })], paid: [paid(0, charged)] })
    expect(failing(1, 10, 10)).toEqual([])
    expect(failing(2, 10, 10)).toEqual([`warning origin_errors ${HOUR}: 2 of 20 requests were answered 5xx`])
    expect(failing(19, 10, 9)).toEqual([])
  })

  it('takes the hour before with the first fifteen minutes of an hour', () => {
    const hours = { traffic: [traffic(-1, { errors: 9, free: 40 })], paid: [] }
    expect(shown({ now: NOW + 14 * MINUTE_MS, ...hours })).toHaveLength(1)
    expect(shown({ now: NOW + 15 * MINUTE_MS, ...hours })).toEqual([])
  })

  it('alerts when it sold or asked 80 % less than in the same hour a day earlier', () => {
    const now = NOW + 6 * MINUTE_MS
    const sold = (before: number, after: number) => shown({ now, paid: [paid(-25, before), paid(-1, after)] })
    expect(sold(100, 21)).toEqual([])
    expect(sold(99, 0)).toEqual([])
    expect(sold(100, 20)).toEqual([
      `warning paid_dropped ${HOUR}: 20 paid requests in an hour, and 100 a day earlier`,
    ])
    expect(shown({ now, traffic: [traffic(-25, { unpaid: 200 })] })).toEqual([
      `warning unpaid_dropped ${HOUR}: 0 unpaid requests in an hour, and 200 a day earlier`,
    ])
  })

  it('compares an hour only when all of it was reported', () => {
    const facts = { now: NOW + 6 * MINUTE_MS - 1, firstAt: 0, paid: [paid(-25, 500)] }
    expect(findAll(facts).unread).toContain('paid_dropped')
  })
})

describe('Credit', () => {
  const invoice = {
    id: 'INV-1',
    agent: 'acme-bot',
    stage: 'past_due',
    failedAt: null,
    total: 5_000_000n,
    paid: 0n,
    credited: 0n,
  } as const

  it('alerts of closed lines, of failed payments, and of invoices past due', () => {
    const closed = [{ id: 'acme-bot', name: 'Acme', closed: 'credit_suspended' }] as const
    const invoices = [invoice, { ...invoice, id: 'INV-2', stage: 'settled', failedAt: 7 }] as const
    expect(shown({ closed, invoices })).toEqual([
      'warning agent_suspended acme-bot: Acme: its credit is suspended',
      'warning payment_failed INV-2: acme-bot owes $5.00, stage settled',
      'warning past_due INV-1: acme-bot owes $5.00, stage past_due',
    ])
  })

  it('is silent about invoices that owe nothing, that are only due, or that were written off', () => {
    const paid = { ...invoice, paid: 5_000_000n, failedAt: 7 }
    expect(
      shown({
        invoices: [paid, { ...invoice, stage: 'due' }, { ...invoice, stage: 'written_off', failedAt: 7 }],
      }),
    ).toEqual([])
  })
})

describe('Settings', () => {
  it('alert of faults, of contracts that end, and once of what should be looked at', () => {
    const setting = (level: 'fault' | 'contract' | 'advice') => ({ place: level, message: 'must be', level })
    expect(shown({ settings: [setting('fault'), setting('contract'), setting('advice')] })).toEqual([
      'critical misconfigured fault: must be',
      'warning contract_ends contract: must be',
      'info setting advice: must be',
    ])
  })

  it('alert of a webhook that has accepted nothing for a day', () => {
    const webhook = (failingSince: number | null) => ({ id: 'aa', host: 'h', acceptedAt: null, failingSince })
    expect(shown({ webhooks: [webhook(null), webhook(NOW - DAY_MS + 1)] })).toEqual([])
    expect(shown({ webhooks: [webhook(NOW - DAY_MS)] })).toEqual([
      'warning webhook_unanswered h (aa): has accepted nothing for 24 h',
    ])
  })
})

describe('Facts that could not be read', () => {
  it('leave the alerts of their kinds as they are', () => {
    const { found, unread } = findAll({ now: NOW, firstAt: 0, settings: [] })
    expect(found).toEqual([])
    const known = ['misconfigured', 'contract_ends', 'setting']
    expect([...unread].sort()).toEqual(
      ALERT_KINDS.map(({ name }) => name)
        .filter((name) => !known.includes(name))
        .sort(),
    )
  })
})
