/** Every route of the deployment, with every role, on every host: none reads what belongs to another. */
import { env } from 'cloudflare:test'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Bindings } from '../../src/app/bindings.ts'
import { openApi } from '../../src/operator/openapi.ts'
import { ADDRESSES } from '../../src/terms/names.ts'
import worker from '../../src/worker.ts'
import { type Crawler, newCrawler, signed } from '../identity/harness.ts'
import { newRegistry } from '../sites/harness.ts'
import { agentForm, digestOf, newId, TOKEN } from './harness.ts'

const TILL = 'till.example'
const UNKNOWN = 'unknown.example'

/** A publisher with a site, and a crawler with credit. Each `secret` is in all that belongs to it and nowhere else. */
type Party = { id: string; host: string; secret: string; receiver: string; crawler: Crawler }

let bindings: Bindings
let one: Party
let other: Party

const registry = newRegistry()

beforeAll(async () => {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair
  const { kty, crv, x, d } = (await crypto.subtle.exportKey('jwk', pair.privateKey)) as JsonWebKey
  bindings = {
    ...env,
    PRICE: '0.001',
    NETWORK: 'eip155:84532',
    SCHEMES: ['channel', 'exact', 'credit'],
    TERMS: ['robots', 'rsl', 'tdm', 'x402'],
    OPERATOR_TOKEN_SHA256: await digestOf(TOKEN),
    REGISTRATION_URL: 'https://till.example/crawlers',
    SELLER: { name: 'Tally BV', country: 'NL', vat: '21%' },
    OPERATOR_KEY: { kty, crv, x, d },
    PUBLIC_URL: `https://${TILL}`,
    SITES: { getByName: () => registry },
    HOSTS: env.TEST_HOSTS,
  } as unknown as Bindings
  one = await newParty(1)
  other = await newParty(2)
})

async function newParty(n: number): Promise<Party> {
  const id = newId()
  const secret = `canary${crypto.randomUUID().slice(0, 8)}`
  const receiver = `0x${String(n).repeat(40)}`
  const host = `${id}.localhost`
  const crawler = await newCrawler()
  await registry.putPublisher('test', { id, name: secret, contacts: [`${secret}@example.com`], receiver })
  const terms = {
    ORIGIN: 'binding:SITE',
    NAME: secret,
    DESCRIPTION: secret,
    TERMS: ['robots', 'rsl', 'tdm', 'x402'],
  }
  await registry.put('test', { id, publisher: id, hosts: [host], mode: 'live', terms })
  const published = await registry.publish('test', id)
  if (!published.ok) throw new Error(JSON.stringify(published.problems))
  const form = agentForm(crawler, { id, name: secret })
  const made = await ask(TILL, 'POST', '/_tab402/api/agents', token(), JSON.stringify(form))
  if (made.status !== 201) throw new Error(made.text)
  return { id, host, secret, receiver, crawler }
}

const token = () => ({ authorization: `Bearer ${TOKEN}` })

async function signature({ crawler }: Party, method: string, url: string) {
  const created = Math.floor(Date.now() / 1000)
  const lines = [
    ['"@authority"', new URL(url).host],
    ['"@method"', method],
    ['"@target-uri"', url],
    ['"signature-agent";key="sig1"', '"https://crawler.example"'],
  ] as const
  const { headers } = await signed(crawler, { url, lines, parameters: { created, expires: created + 60 } })
  return Object.fromEntries(headers as Iterable<[string, string]>)
}

async function ask(
  host: string,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
) {
  const url = `https://${host}${path}`
  const init = { method, headers: { 'user-agent': 'GPTBot/1.2', ...headers }, ...(body && { body }) }
  const response = await worker.fetch(new Request<unknown, IncomingRequestCfProperties>(url, init), bindings)
  const text = JSON.stringify([...response.headers]) + new TextDecoder().decode(await response.arrayBuffer())
  const required = response.headers.get('payment-required')
  return { status: response.status, text: text + (required ? atob(required) : '') }
}

/** Every operation, with the ids of a party in its path. */
function operations({ id }: Party): [string, string][] {
  const documented = Object.entries(openApi.paths as Record<string, object>).flatMap(([path, item]) =>
    Object.keys(item)
      .filter((key) => key !== 'parameters')
      .map((method): [string, string] => [method.toUpperCase(), path]),
  )
  const portal: [string, string][] = [
    ['GET', '/_tab402/invoices/{agent}/INV-000001'],
    ['POST', '/_tab402/invoices/{agent}/INV-000001/pay'],
    ['POST', '/_tab402/stripe'],
  ]
  return [...documented, ...portal].map(([method, path]) => [method, path.replace(/\{\w+\}/g, id)])
}

const ROLES = {
  stranger: async () => ({}),
  operator: async () => token(),
  agent: (party: Party, method: string, url: string) => signature(party, method, url),
}
type Role = keyof typeof ROLES

/** The answers of every operation on a host, for a role, with the ids of `named`. `as`: the agent that signs. */
async function everything(host: string, role: Role, named: Party, as: Party, only = /./) {
  return Promise.all(
    operations(named)
      .filter(([method]) => only.test(method))
      .map(async ([method, path]) => {
        const headers = await ROLES[role](as, method, `https://${host}${path}`)
        const answer = await ask(host, method, path, headers, method === 'GET' ? undefined : '{}')
        return { ...answer, name: `${method} ${path}` }
      }),
  )
}

describe('A publisher’s host', () => {
  it.each<Role>(['stranger', 'operator', 'agent'])(
    'answers 404 to %s on every route below /_tab402, own and foreign',
    async (role) => {
      for (const host of [one.host, UNKNOWN])
        for (const named of [one, other]) {
          const answers = await everything(host, role, named, one)
          expect(answers.filter(({ status }) => status !== 404)).toEqual([])
          expect(answers.filter(({ text }) => text.includes('canary'))).toEqual([])
        }
    },
  )

  it('publishes its own terms and offers, and nothing of another publisher', async () => {
    for (const [own, foreign] of [
      [one, other],
      [other, one],
    ] as const) {
      for (const address of Object.keys(ADDRESSES)) {
        const answer = await ask(own.host, 'GET', `/${address}`, {})
        expect([address, answer.status]).toEqual([address, 200])
        for (const word of [foreign.secret, foreign.host, foreign.receiver, foreign.id])
          expect(answer.text).not.toContain(word)
      }
      const page = await ask(own.host, 'GET', '/articles/1', {})
      expect(page.status).toBe(402)
      expect(page.text).toContain(own.receiver)
      expect(page.text).not.toContain(foreign.receiver)
    }
  })

  it('that no site has answers 421 on every address', async () => {
    for (const path of ['/', '/articles/1', ...Object.keys(ADDRESSES).map((address) => `/${address}`)])
      expect([path, (await ask(UNKNOWN, 'GET', path, token())).status]).toEqual([path, 421])
  })
})

describe('The operator’s host', () => {
  it('shows nothing of any publisher or crawler to a stranger', async () => {
    const answers = await everything(TILL, 'stranger', one, one)
    const open = answers.filter(({ status }) => status !== 401 && status !== 404).map(({ name }) => name)
    expect(open.toSorted()).toEqual([
      'GET /_tab402/api/openapi.json',
      'GET /_tab402/healthz',
      'GET /_tab402/keys',
    ])
    expect(answers.filter(({ text }) => text.includes('canary'))).toEqual([])
  })

  it('shows an agent its own account alone, whatever ids it names', async () => {
    const own = await everything(TILL, 'agent', one, one)
    const foreign = await everything(TILL, 'agent', other, one)
    for (const { text } of [...own, ...foreign]) expect(text).not.toContain(other.secret)
    const served = own.filter(({ text }) => text.includes(one.secret)).map(({ name }) => name)
    expect(served).toContain('GET /_tab402/me')
    expect(served.filter((name) => !name.startsWith('GET /_tab402/me'))).toEqual([])
  })

  it('shows the operator everything', async () => {
    const answers = await everything(TILL, 'operator', one, one, /^GET$/)
    const served = answers.filter(({ text }) => text.includes(one.secret)).map(({ name }) => name)
    expect(served).toEqual(
      expect.arrayContaining([
        'GET /_tab402/api/agents',
        'GET /_tab402/api/audit',
        `GET /_tab402/api/publishers/${one.id}`,
        `GET /_tab402/api/sites/${one.id}`,
      ]),
    )
  })
})
