import { describe, expect, it } from 'vitest'
import { type CheckOutcome, examine, worst } from '../../src/doctor/check.ts'
import { MIGRATIONS } from '../../src/doctor/migrations.ts'
import type { WorkerPorts } from '../../src/doctor/ports.ts'
import { WORKER_CHECKS } from '../../src/doctor/worker.ts'

const NOW = 1_800_000_000_000
const MINUTE = 60_000
const BASE = 'eip155:8453'
const BOUND = 'ACCOUNT AUTHORIZATIONS RELAYER BOOK SETTLEMENT PEOPLE AUDIT LISTS CHAIN_READS CHANNEL_READS'
const site = { id: 'news', isLive: true, isFree: false, faults: [], pending: [] }
const sites = { checked: [site], path: '/', count: 1, live: 1 }
const node = { host: 'node.example', network: BASE, head: { block: 7n, time: NOW }, maxAgeSeconds: 60 }
const relayer = { address: '0xaa', network: BASE, balance: 9n * 10n ** 15n, runCost: 10n ** 15n }
const run = (status: 'settled' | 'failed', age = MINUTE) => ({
  kind: 'settlement' as const,
  last: { id: 'r', status, startedAt: NOW - age, record: {} },
  settledAt: NOW,
})
const webhook = { id: 'w', host: 'hooks.example', acceptedAt: NOW, failingSince: null }

/** A deployment where all is well. */
const WELL: WorkerPorts = {
  now: NOW,
  host: 'site.example',
  bindings: new Set(BOUND.split(' ')),
  facts: { now: NOW, firstAt: 0, settings: [], nodes: [node], relayers: [relayer], runs: [run('settled')] },
  alerts: { lastAt: NOW - MINUTE, alerts: [], webhooks: [webhook] },
  migrations: async () => MIGRATIONS,
  contracts: async () => [],
  receivers: async () => [{ network: 'Base', address: '0xbb', role: null, isContract: false }],
  access: async () => ({ issuer: 'https://tally.cloudflareaccess.com', takesToken: false, keys: 2 }),
  origin: async () => ({ answers: part('ok'), sideDoor: part('ok') }),
  sites: async () => sites,
  paidAt: async () => NOW,
}

function part(outcome: 'ok' | 'failed' | 'unknown') {
  return { outcome, why: `answered (${outcome})` }
}

const never = () => new Promise<void>(() => undefined)

async function look(change: Partial<WorkerPorts>) {
  const checks = await examine(WORKER_CHECKS, { ...WELL, ...change }, never)
  return new Map(checks.map((check) => [check.id, check]))
}

const withFacts = (facts: Partial<WorkerPorts['facts']>) => ({ facts: { ...WELL.facts, ...facts } })

/** A fault, the check that must find it, how bad that is, and a part of its remedy. */
const WRONG: [string, Partial<WorkerPorts>, string, CheckOutcome, string | null][] = [
  [
    'a setting with a fault',
    withFacts({ settings: [{ place: 'PRICE', message: 'must be USD', level: 'fault' }] }),
    'settings',
    'fail',
    'check-config',
  ],
  ['no database', { bindings: new Set(['ACCOUNT']) }, 'bindings', 'fail', 'wrangler.toml'],
  [
    'no object for sessions',
    { bindings: new Set(BOUND.replace('PEOPLE ', '').split(' ')) },
    'bindings',
    'warn',
    'wrangler deploy',
  ],
  [
    'half a registry',
    { bindings: new Set([...BOUND.split(' '), 'SITES']) },
    'bindings',
    'fail',
    'wrangler deploy',
  ],
  [
    'a migration that was not applied',
    { migrations: async () => MIGRATIONS.slice(1) },
    'migrations',
    'fail',
    'd1 migrations apply',
  ],
  ['a silent node', withFacts({ nodes: [{ ...node, head: null }] }), 'node', 'fail', 'RPC_URL'],
  [
    'an old block',
    withFacts({ nodes: [{ ...node, head: { block: 1n, time: NOW - 61_000 } }] }),
    'node',
    'fail',
    'RPC_URL',
  ],
  [
    'a block from the future',
    withFacts({ nodes: [{ ...node, head: { block: 1n, time: NOW + 61_000 } }] }),
    'clock',
    'warn',
    null,
  ],
  [
    'a contract with another domain',
    { contracts: async () => [{ place: 'RPC_URL', message: 'must serve Base' }] },
    'contracts',
    'fail',
    '--chain',
  ],
  [
    'a receiver that is the token',
    { receivers: async () => [{ network: 'Base', address: '0x', role: 'token', isContract: true }] },
    'receiver',
    'fail',
    'RECEIVER',
  ],
  [
    'a receiver that is a contract',
    { receivers: async () => [{ network: 'Base', address: '0x', role: null, isContract: true }] },
    'receiver',
    'warn',
    null,
  ],
  [
    'too little gas money for one run',
    withFacts({ relayers: [{ ...relayer, balance: 1n }] }),
    'gas',
    'fail',
    'Send at least 0.010000 ETH on Base to 0xaa',
  ],
  [
    'gas money for two runs',
    withFacts({ relayers: [{ ...relayer, balance: 2n * 10n ** 15n }] }),
    'gas',
    'warn',
    'to 0xaa',
  ],
  ['no relayer', withFacts({ relayers: [] }), 'gas', 'warn', 'RELAYER_KEY'],
  [
    'a watch that stopped',
    { alerts: { ...WELL.alerts, lastAt: NOW - 16 * MINUTE } },
    'watch',
    'fail',
    'wrangler deploy',
  ],
  ['a watch that never ran', { alerts: { ...WELL.alerts, lastAt: null } }, 'watch', 'warn', null],
  [
    'no run since yesterday',
    withFacts({ runs: [run('settled', 27 * 60 * MINUTE)] }),
    'night',
    'fail',
    'wrangler deploy',
  ],
  ['a failed run', withFacts({ runs: [run('failed')] }), 'night', 'fail', '/runs'],
  [
    'an origin that does not answer',
    { origin: async () => ({ answers: part('failed'), sideDoor: part('ok') }) },
    'origin',
    'fail',
    'ORIGIN',
  ],
  [
    'an open side door',
    { origin: async () => ({ answers: part('ok'), sideDoor: part('failed') }) },
    'side_door',
    'fail',
    'ORIGIN_SECRET',
  ],
  [
    'no live site',
    { sites: async () => ({ ...sites, checked: [], live: 0 }) },
    'sites',
    'warn',
    'sites publish',
  ],
  [
    'a broken site',
    { sites: async () => ({ ...sites, checked: [{ ...site, faults: ['no answer'] }] }) },
    'sites',
    'fail',
    'sites check news',
  ],
  [
    'a site that crawlers read free',
    { sites: async () => ({ ...sites, checked: [{ ...site, isFree: true }] }) },
    'sites',
    'warn',
    '--path',
  ],
  [
    'a host that is behind the registry',
    { sites: async () => ({ ...sites, checked: [{ ...site, pending: ['news.example'] }] }) },
    'registry',
    'warn',
    null,
  ],
  ['an answer on workers.dev', { host: 'tab402.me.workers.dev' }, 'host', 'fail', 'workers_dev = false'],
  [
    'a webhook that accepts nothing',
    { alerts: { ...WELL.alerts, webhooks: [{ ...webhook, failingSince: NOW }] } },
    'webhooks',
    'fail',
    'WEBHOOK_URL',
  ],
  ['no webhook', { alerts: { ...WELL.alerts, webhooks: [] } }, 'webhooks', 'warn', 'WEBHOOK_URL'],
  ['a console without Access', { access: async () => null }, 'access', 'warn', 'ACCESS_AUD'],
  [
    'keys of Access that cannot be read',
    { access: async () => ({ issuer: 'https://x', takesToken: false, keys: null }) },
    'access',
    'fail',
    'ACCESS_TEAM',
  ],
  [
    'a token beside Access',
    { access: async () => ({ issuer: 'https://x', takesToken: true, keys: 2 }) },
    'access',
    'warn',
    'BREAK_GLASS',
  ],
  ['no payment yet', { paidAt: async () => null }, 'payment', 'warn', 'tab402 pay'],
]

describe('the doctor of the Worker', () => {
  it('finds nothing where all is well', async () => {
    const checks = [...(await look({})).values()]
    expect(checks.filter(({ outcome }) => outcome !== 'ok')).toEqual([])
    expect(checks).toHaveLength(WORKER_CHECKS.length)
  })

  for (const [what, change, id, outcome, fix] of WRONG)
    it(`finds ${what}, and says what mends it`, async () => {
      const checks = await look(change)
      const found = checks.get(id)
      expect([found?.outcome, found?.fix?.includes(fix ?? '') ?? null]).toEqual([
        outcome,
        fix === null ? null : true,
      ])
      expect([...checks.values()].filter((check) => check.outcome !== 'ok')).toHaveLength(1)
    })

  it('leaves out what does not apply: sites of a registry, or the origin of the vars', async () => {
    const checks = await look({ sites: async () => null, origin: async () => null, host: null })
    for (const id of ['sites', 'registry', 'origin', 'side_door', 'host']) expect(checks.has(id)).toBe(false)
  })

  it('warns of a check that cannot be made, and quotes no exception: it may hold a secret', async () => {
    const checks = await look({ contracts: () => Promise.reject(new Error('https://node.example/key')) })
    expect(checks.get('contracts')).toMatchObject({ outcome: 'warn', reason: 'It could not be read now.' })
  })

  it('warns of a check that takes too long, and makes all others', async () => {
    const ports = { ...WELL, paidAt: () => new Promise<number>(() => undefined) }
    const soon = () => new Promise<void>((done) => setTimeout(done, 5))
    const checks = await examine(WORKER_CHECKS, ports, soon)
    expect(checks.find(({ id }) => id === 'payment')?.reason).toContain('within 20 s')
    expect(worst(checks)).toBe('warn')
  })
})
