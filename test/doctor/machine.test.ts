import { describe, expect, it } from 'vitest'
import { type CheckOutcome, examine } from '../../src/doctor/check.ts'
import { MACHINE_CHECKS, type MachinePorts } from '../../src/doctor/machine.ts'
import { VERSION } from '../../src/platform/version.ts'

const NOW = 1_800_000_000_000
const never = () => new Promise<void>(() => undefined)
const config = {
  file: 'wrangler.toml',
  workersDev: false,
  previewUrls: false,
  hasLimits: false,
  problems: [],
} as const
const host = { host: 'www.example.com', crawler: 402, reader: 200, fault: '' }
const answers = { state: 'answers', version: VERSION, time: NOW } as const

/** A machine and a deployment where all is well. */
const WELL: MachinePorts = {
  now: () => NOW,
  node: '22.23.3',
  wrangler: async () => '4.164.0',
  accounts: async () => ['Tally & Ink'],
  config,
  secrets: async () => ['RPC_URL', 'RELAYER_KEY', 'ORIGIN_SECRET', 'OPERATOR_TOKEN_SHA256'],
  api: answers,
  hosts: async () => [host],
  routes: async () => [{ pattern: 'www.example.com/*', isOpen: false }],
  token: 'x'.repeat(43),
}

async function look(change: Partial<MachinePorts>) {
  const checks = await examine(MACHINE_CHECKS, { ...WELL, ...change }, never)
  return new Map(checks.map((check) => [check.id, check]))
}

const hosts = (change: object) => ({ hosts: async () => [{ ...host, ...change }] })
const dns = { crawler: null, reader: null, fault: 'must have an address in DNS' }

/** A fault, the check that must find it, how bad that is, and a part of its remedy. */
const WRONG: [string, Partial<MachinePorts>, string, CheckOutcome, string][] = [
  ['an old Node', { node: '20.1.0' }, 'tools', 'fail', 'Node 22'],
  ['no wrangler', { wrangler: async () => null }, 'tools', 'fail', 'npm install'],
  ['no login', { accounts: async () => null }, 'account', 'fail', 'wrangler login'],
  [
    'a faulty setting',
    { config: { ...config, problems: [{ place: 'PRICE', message: 'must be USD' }] } },
    'config',
    'fail',
    'check-config',
  ],
  ['no config', { config: null }, 'config', 'warn', 'tab402 init'],
  ['a missing secret', { secrets: async () => ['RPC_URL'] }, 'secrets', 'fail', 'secret put RELAYER_KEY'],
  [
    'an address on workers.dev',
    { config: { ...config, workersDev: undefined } },
    'workers_dev',
    'fail',
    'preview_urls = false',
  ],
  [
    'a route that fails open',
    { routes: async () => [{ pattern: 'a/*', isOpen: true }] },
    'fail_closed',
    'fail',
    'fail closed',
  ],
  ['routes that cannot be read', { routes: async () => null }, 'fail_closed', 'warn', 'fail closed'],
  ['no token', { api: { state: 'unasked', why: 'Missing.' } }, 'api', 'warn', 'OPERATOR_TOKEN'],
  ['an API that does not answer', { api: { state: 'failed', why: 'No.' } }, 'api', 'fail', '--url'],
  ['another version', { api: { ...answers, version: '0.0.1' } }, 'version', 'warn', 'wrangler deploy'],
  ['a clock that is off', { now: () => NOW + 31_000 }, 'machine_clock', 'warn', 'NTP'],
  ['a short token', { token: 'secret' }, 'token', 'warn', 'OPERATOR_TOKEN_SHA256'],
  ['a host without DNS', hosts(dns), 'hosts', 'fail', 'proxied'],
  ['a page that fails for people', hosts({ reader: 503 }), 'hosts', 'fail', 'curl'],
  ['a page that crawlers read free', hosts({ crawler: 200 }), 'hosts', 'warn', 'explain'],
]

describe('the doctor of the machine', () => {
  it('finds nothing where all is well', async () => {
    const checks = [...(await look({})).values()]
    expect(checks.filter(({ outcome }) => outcome !== 'ok')).toEqual([])
    expect(checks).toHaveLength(MACHINE_CHECKS.length)
  })

  for (const [what, change, id, outcome, fix] of WRONG)
    it(`finds ${what}, and says what mends it`, async () => {
      const found = (await look(change)).get(id)
      expect(found?.outcome).toBe(outcome)
      expect(found?.fix).toContain(fix)
    })

  it('asks for no routes where the plan is a paid one', async () => {
    const checks = await look({ config: { ...config, hasLimits: true }, routes: async () => null })
    expect(checks.get('fail_closed')?.outcome).toBe('ok')
  })

  it('names the worst of several hosts', async () => {
    const all = [
      host,
      { ...host, host: 'b.example.com', crawler: 200 },
      { ...host, ...dns, host: 'c.example' },
    ]
    const found = (await look({ hosts: async () => all })).get('hosts')
    expect(found).toMatchObject({ outcome: 'fail', fix: expect.stringContaining('c.example/*') })
    expect(found?.reason).toContain('b.example.com answers a crawler with 200')
  })
})
