import { describe, expect, it } from 'vitest'
import { addressProblems, type Config, describeProblems, readConfig } from '../../src/config/config.ts'

const KEY = `0x${'11'.repeat(32)}`
const ENV = {
  ORIGIN: 'https://origin.example',
  RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  NETWORK: 'eip155:84532',
  PRICE: '0.001',
  RPC_URL: 'https://node.example/v2/a-secret',
  RELAYER_KEY: KEY,
  BOOK: {},
}
const DELAY = 'WITHDRAW_DELAY must be 86400 to 2592000 seconds, or at least 3600 with SHORT_WITHDRAW_DELAY'

function read(vars: object): Config {
  const result = readConfig({ ...ENV, ...vars })
  if (!result.ok) throw new Error(describeProblems(result.problems))
  return result.config
}

const chainOf = (vars: object) => read(vars).networks[0]?.chain

function problemsOf(vars: object): string[] {
  const result = readConfig({ ...ENV, ...vars })
  return result.ok ? [] : result.problems.map(({ place, message }) => `${place} ${message}`)
}

describe('readConfig', () => {
  it('takes the vars, and defaults for the rest', () => {
    expect(read({})).toMatchObject({
      policy: { fallback: { price: 1000n } },
      networks: [
        {
          network: { id: 'eip155:84532' },
          chain: {
            network: 'eip155:84532',
            chainId: 84532,
            rpcUrl: ENV.RPC_URL,
            token: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
          },
          facilitator: undefined,
        },
      ],
      relayer: { key: KEY, address: '0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a' },
      originSecret: undefined,
      operatorTokenSha256: undefined,
      withdrawDelay: 259_200,
      maxUnclaimed: 100_000_000n,
      maxTimeoutSeconds: 300,
      originTimeoutMs: 30_000,
    })
  })

  it('reads one former relayer key, or a list of them', () => {
    const [one, two] = [`0x${'33'.repeat(32)}`, `0x${'44'.repeat(32)}`]
    expect(read({}).oldRelayers).toEqual([])
    expect(read({ RELAYER_KEYS_OLD: one }).oldRelayers).toMatchObject([{ key: one }])
    expect(read({ RELAYER_KEYS_OLD: JSON.stringify([one, two]) }).oldRelayers).toMatchObject([
      { key: one },
      { key: two },
    ])
  })

  it('accepts numbers as text', () => {
    expect(read({ WITHDRAW_DELAY: '86400', MAX_TIMEOUT_SECONDS: 60 })).toMatchObject({
      withdrawDelay: 86_400,
      maxTimeoutSeconds: 60,
    })
  })

  it('takes the relayer’s address without deriving the key, which the first payment then checks', () => {
    const stated = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'
    const wrong = read({ RELAYER_ADDRESS: stated })
    expect(wrong.relayer).toEqual({ key: KEY, address: stated.toLowerCase() })
    expect(addressProblems(wrong)).toMatchObject([{ place: 'RELAYER_ADDRESS' }])
    const zero = read({ RELAYER_ADDRESS: stated, RELAYER_KEY: `0x${'00'.repeat(32)}` })
    expect(addressProblems(zero)).toMatchObject([{ place: 'RELAYER_KEY' }])
    expect(addressProblems(read({ RELAYER_ADDRESS: '0x19E7e376e7c213b7e7e7e46cc70a5dd086daff2a' }))).toEqual(
      [],
    )
  })

  it('accepts a withdraw delay below a day only from an operator who says so', () => {
    expect(read({ WITHDRAW_DELAY: 3_600, SHORT_WITHDRAW_DELAY: 'accepted' })).toMatchObject({
      withdrawDelay: 3_600,
    })
    expect(read({ WITHDRAW_DELAY: 86_400 })).toMatchObject({ withdrawDelay: 86_400 })
  })

  it('reads a facilitator with the headers of each endpoint', () => {
    const config = read({
      SCHEMES: 'exact',
      RPC_URL: undefined,
      RELAYER_KEY: undefined,
      FACILITATOR_URL: 'https://facilitator.example',
      FACILITATOR_AUTH: '{"settle":{"authorization":"Bearer abc"}}',
    })
    expect(config).toMatchObject({ networks: [{ chain: undefined }], relayer: undefined })
    expect(config.networks[0]?.facilitator).toEqual({
      url: 'https://facilitator.example',
      headers: { settle: { authorization: 'Bearer abc' } },
    })
  })

  it('reads one env once', () => {
    const env = { ...ENV }
    expect(readConfig(env)).toBe(readConfig(env))
    expect(readConfig({ ...ENV })).not.toBe(readConfig(env))
  })

  it('prefers terms stated in code to vars', () => {
    const env = { ...ENV }
    const terms = { PRICE: '0.5' }
    const stated = readConfig(env, terms)
    expect(stated.ok && stated.config.policy.fallback.price).toBe(500_000n)
    expect(readConfig(env, terms)).toBe(stated)
    const plain = readConfig(env)
    expect(plain.ok && plain.config.policy.fallback.price).toBe(1000n)
  })

  it('accepts an unencrypted node on the local machine', () => {
    expect(chainOf({ RPC_URL: 'http://127.0.0.1:8545' })?.rpcUrl).toBe('http://127.0.0.1:8545')
  })

  it('reads several nodes, the first of which is asked first', () => {
    const chain = chainOf({ RPC_URL: 'https://a.example/k, https://b.example' })
    expect(chain).toMatchObject({ rpcUrl: 'https://a.example/k', fallbackUrls: ['https://b.example'] })
    expect(chainOf({})).not.toHaveProperty('fallbackUrls')
  })

  it('limits the age of the newest block to a minute, except on a local chain', () => {
    const ageOf = (vars: object) => chainOf(vars)?.maxHeadAgeSeconds
    expect(ageOf({})).toBe(60)
    expect(ageOf({ RPC_URL: 'http://localhost:8545' })).toBe(0)
    expect(ageOf({ RPC_URL: 'http://localhost:8545,https://b.example' })).toBe(60)
    expect(ageOf({ MAX_HEAD_AGE_SECONDS: '0' })).toBe(0)
    expect(ageOf({ RPC_URL: 'http://localhost:8545', MAX_HEAD_AGE_SECONDS: 300 })).toBe(300)
  })

  it('reads how long a call waits for a transaction', () => {
    expect(read({ RELAYER_WAIT_MS: '500' }).networks[0]?.relayerWaitMs).toBe(500)
    expect(read({}).networks[0]?.relayerWaitMs).toBeUndefined()
  })

  it('reads an origin that is a service binding', () => {
    expect(read({ ORIGIN: 'binding:SITE', SITE: { fetch() {} } }).policy.origin).toEqual({
      kind: 'binding',
      name: 'SITE',
    })
  })
})

const OLD_KEYS =
  'RELAYER_KEYS_OLD must be former values of RELAYER_KEY, at most 8 and without the present one: one key, or a JSON list'

describe('readConfig in shadow mode', () => {
  const trial = { ...ENV, MODE: 'shadow', RPC_URL: undefined, RELAYER_KEY: undefined }

  it('warns about the secrets that only sales need', () => {
    const read = readConfig(trial)
    expect(read).toMatchObject({ ok: true, config: { mode: 'shadow' } })
    const places = read.warnings.map(({ place }) => place)
    expect(places).toEqual(expect.arrayContaining(['RPC_URL', 'RELAYER_KEY']))
  })

  it('needs the read model, where it counts', () => {
    expect(readConfig({ ...trial, BOOK: undefined })).toMatchObject({
      ok: false,
      problems: [{ place: 'BOOK' }],
    })
  })

  it('still reports every problem of the policy', () => {
    const read = readConfig({ ...trial, PRICE: 'free', RULES: [{ action: 'tax' }] })
    expect(read).toMatchObject({ ok: false, problems: [{ place: 'PRICE' }, { place: 'RULES[0].action' }] })
  })

  it('is live by default, and knows no third mode', () => {
    expect(readConfig(ENV)).toMatchObject({ ok: true, config: { mode: 'live' } })
    expect(readConfig({ ...ENV, MODE: 'Shadow' })).toMatchObject({
      ok: false,
      problems: [{ place: 'MODE', message: 'must be "live" or "shadow"' }],
    })
  })
})

describe('readConfig with a wrong setting', () => {
  it.each([
    [{ RPC_URL: undefined }, 'RPC_URL must be set for scheme "channel"'],
    [{ RELAYER_KEY: undefined }, 'RELAYER_KEY must be set for scheme "channel"'],
    [{ SCHEMES: ['exact'], RELAYER_KEY: undefined }, 'RELAYER_KEY must be set for scheme "exact"'],
    [
      {
        SCHEMES: ['exact'],
        RULES: [{ action: 'charge', schemes: ['channel'] }],
        FACILITATOR_URL: 'https://f.example',
        RELAYER_KEY: undefined,
      },
      'RELAYER_KEY must be set for scheme "channel"',
    ],
    [
      { RPC_URL: 'node.example' },
      'RPC_URL must be the https URL of a node of NETWORK (http only on this machine), or up to 4 with commas between',
    ],
    [
      { RPC_URL: 'http://node.example' },
      'RPC_URL must be the https URL of a node of NETWORK (http only on this machine), or up to 4 with commas between',
    ],
    [
      { RPC_URL: 'http://localhost.evil.example' },
      'RPC_URL must be the https URL of a node of NETWORK (http only on this machine), or up to 4 with commas between',
    ],
    [
      { RELAYER_ADDRESS: '0x1234' },
      'RELAYER_ADDRESS must be the address of RELAYER_KEY: 0x and 40 hex digits',
    ],
    [{ RELAYER_KEYS_OLD: KEY }, OLD_KEYS],
    [{ RELAYER_KEYS_OLD: '0x1234' }, OLD_KEYS.replace('OLD must', 'OLD[0] must')],
    [
      { RELAYER_KEYS_OLD: Array(9).fill(`0x${'11'.repeat(32)}`) },
      'RELAYER_KEYS_OLD must have at most 8 keys',
    ],
    [{ RELAYER_KEY: '0x1234' }, 'RELAYER_KEY must be a private key: 0x and 64 hex digits'],
    [{ RELAYER_KEY: `0x${'00'.repeat(32)}` }, 'RELAYER_KEY must be a private key: 0x and 64 hex digits'],
    [{ RELAYER_KEY: `0x${'ff'.repeat(32)}` }, 'RELAYER_KEY must be a private key: 0x and 64 hex digits'],
    [{ FACILITATOR_URL: 'ws://f.example' }, 'FACILITATOR_URL must be the https URL of an x402 facilitator'],
    [
      { FACILITATOR_AUTH: 'Bearer abc' },
      'FACILITATOR_AUTH must be a table of headers for the endpoints verify, settle and supported',
    ],
    [{ FACILITATOR_AUTH: { settle: 'Bearer abc' } }, 'FACILITATOR_AUTH.settle must be a table of headers'],
    [
      { FACILITATOR_AUTH: '{"settle":{"authorization":"a\\nb"}}' },
      'FACILITATOR_AUTH.settle.authorization must be printable ASCII characters',
    ],
    [{ ORIGIN_SECRET: 'short' }, 'ORIGIN_SECRET must be 16 to 256 printable ASCII characters without spaces'],
    [
      { OPERATOR_TOKEN_SHA256: 'my-token' },
      "OPERATOR_TOKEN_SHA256 must be the SHA-256 of the operator's token: 64 hex digits",
    ],
    [{ WITHDRAW_DELAY: 86_399 }, DELAY],
    [{ WITHDRAW_DELAY: 3_599, SHORT_WITHDRAW_DELAY: 'accepted' }, DELAY],
    [
      { WITHDRAW_DELAY: 3_600, SHORT_WITHDRAW_DELAY: 'yes' },
      'SHORT_WITHDRAW_DELAY must be "accepted", or not set',
    ],
    [{ WITHDRAW_DELAY: 2_592_001 }, DELAY],
    [{ WITHDRAW_DELAY: '3 days' }, DELAY],
    [{ MAX_TIMEOUT_SECONDS: 60.5 }, 'MAX_TIMEOUT_SECONDS must be 30 to 3600 seconds'],
    [{ MIN_DEPOSIT: '10' }, 'MIN_DEPOSIT must be USD in quotes, at least "0.000001" and at most "5"'],
    [
      { MAX_UNCLAIMED: '0.5', RULES: [{ action: 'charge', price: '1' }] },
      'MAX_UNCLAIMED must be USD in quotes, at least your highest price',
    ],
    [
      { ORIGIN_TIMEOUT_MS: 60_000, MAX_TIMEOUT_SECONDS: 60 },
      'ORIGIN_TIMEOUT_MS must be 100 to 120000, and shorter than MAX_TIMEOUT_SECONDS',
    ],
    [{ ORIGIN: 'binding:SITE' }, 'ORIGIN must name a service binding of this Worker'],
  ])('rejects %j [G5]', (vars, message) => {
    expect(problemsOf(vars)).toEqual([message])
  })

  it('reports wrong terms, wrong settings and missing settings at once [G5]', () => {
    expect(
      problemsOf({
        RECEIVER: `0x${'0'.repeat(40)}`,
        RELAYER_KEY: undefined,
        MIN_DEPOSIT: 'a',
        ORIGIN_SECRET: 'b',
      }),
    ).toEqual([
      'RECEIVER must be your own address, not the zero address',
      'ORIGIN_SECRET must be 16 to 256 printable ASCII characters without spaces',
      'MIN_DEPOSIT must be USD in quotes, at least "0.000001" and at most "5"',
      'RELAYER_KEY must be set for scheme "channel"',
    ])
  })

  it('never repeats a secret [G4]', () => {
    const secret = 'canary-7f3a'
    const names = [
      'RPC_URL',
      'RELAYER_KEY',
      'FACILITATOR_URL',
      'FACILITATOR_AUTH',
      'ORIGIN_SECRET',
      'RECEIVER',
    ]
    for (const name of names) {
      const result = readConfig({ ...ENV, [name]: secret })
      expect(result.ok).toBe(false)
      expect(JSON.stringify(result)).not.toContain(secret)
    }
  })

  it('rejects the zero address that wrangler.toml sets [G5]', () => {
    expect(problemsOf({ RECEIVER: '0x0000000000000000000000000000000000000000' })).toEqual([
      'RECEIVER must be your own address, not the zero address',
    ])
  })
})

describe('readConfig with credit', () => {
  const CREDIT = {
    SCHEMES: ['channel', 'exact', 'credit'],
    REGISTRATION_URL: 'mailto:billing@operator.example',
    LINES: {},
    AGENTS: {},
    DIRECTORIES: {},
  }

  it('defaults to the operator’s network, no tiers and an initial limit of a dollar', () => {
    expect(read(CREDIT).credit).toEqual({
      network: { id: 'tab402:402', unit: 1n, words: { version: '1.0.0', unit: 'micro-dollar', decimals: 6 } },
      tiers: new Map(),
      registrationUrl: 'mailto:billing@operator.example',
      probation: 1_000_000n,
    })
  })

  it('reads the operator’s name, another network, and tiers', () => {
    const { credit, operator } = read({ ...CREDIT, OPERATOR: 'acme-1', CREDIT_TIERS: '{"partner":"12.5%"}' })
    expect([operator, credit?.network.id, credit?.tiers.get('partner')]).toEqual([
      'acme-1',
      'acme-1:402',
      1250n,
    ])
    const cloudflare = read({ ...CREDIT, CREDIT_NETWORK: 'cloudflare:402', CLOUDFLARE_CHARGES: 'true' })
    expect([cloudflare.credit?.network.unit, cloudflare.cloudflareCharges]).toEqual([10_000n, true])
  })

  it('rejects credit without the settings that it needs [G5]', () => {
    expect(problemsOf({ SCHEMES: ['channel', 'credit'] })).toEqual([
      'REGISTRATION_URL must be set for scheme "credit"',
      'LINES must be bound for scheme "credit"',
      'AGENTS must be bound for scheme "credit"',
      'DIRECTORIES must be bound for scheme "credit"',
    ])
  })

  it.each([
    [
      { OPERATOR: 'ab' },
      'OPERATOR must be 3 to 8 of a-z, 0-9 and "-", and not the namespace of a chain such as eip155',
    ],
    [
      { OPERATOR: 'much-too-long' },
      'OPERATOR must be 3 to 8 of a-z, 0-9 and "-", and not the namespace of a chain such as eip155',
    ],
    [
      { OPERATOR: 'eip155' },
      'OPERATOR must be 3 to 8 of a-z, 0-9 and "-", and not the namespace of a chain such as eip155',
    ],
    [{ CREDIT_NETWORK: 'visa:402' }, 'CREDIT_NETWORK must be "cloudflare:402" or left out'],
    [
      { REGISTRATION_URL: 'http://operator.example' },
      'REGISTRATION_URL must be an https: or mailto: URL of at most 200 characters',
    ],
    [
      { REGISTRATION_URL: `https://${'a'.repeat(200)}.example` },
      'REGISTRATION_URL must be an https: or mailto: URL of at most 200 characters',
    ],
    [
      { CREDIT_TIERS: { partner: '0%' } },
      'CREDIT_TIERS.partner must be a percentage above "0%" and up to "100%"',
    ],
    [
      { CREDIT_TIERS: { partner: '101%' } },
      'CREDIT_TIERS.partner must be a percentage above "0%" and up to "100%"',
    ],
    [
      { CREDIT_TIERS: { partner: '0.8' } },
      'CREDIT_TIERS.partner must be a percentage above "0%" and up to "100%"',
    ],
    [{ PROBATION: '0' }, 'PROBATION must be USD in quotes, at least "0.000001"'],
    [
      { CLOUDFLARE_CHARGES: 'perhaps' },
      "CLOUDFLARE_CHARGES must be true where Cloudflare's own Pay Per Crawl or Monetization Gateway charges, otherwise false",
    ],
    [{ SCHEMES: ['credit', 'channel'] }, 'SCHEMES must list "channel" before "credit"'],
    [{ PRICE: '0' }, 'PRICE must be USD in quotes, at least "0.000001"'],
  ])('rejects credit with %j [G5]', (vars, message) => {
    expect(problemsOf({ ...CREDIT, ...vars })).toEqual([message])
  })
})
