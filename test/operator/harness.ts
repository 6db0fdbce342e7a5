/** An operator with a token and agents on credit. Validates every response against the OpenAPI document. */
import { env } from 'cloudflare:test'
import { expect } from 'vitest'
import type { AlertState } from '../../src/alerts/alert.ts'
import { foldAlerts } from '../../src/alerts/fold.ts'
import { changeAlerts } from '../../src/alerts/store.ts'
import { accountApi } from '../../src/app/api.ts'
import { operatorOf } from '../../src/app/operator.ts'
import type { BillingContext } from '../../src/billing/context.ts'
import { billPage } from '../../src/billing/nightly.ts'
import { openSeal } from '../../src/billing/operator-key.ts'
import { AUDIT, type AuditLog } from '../../src/ledger/act.ts'
import { chartMoney, chartTraffic } from '../../src/ledger/book/chart.ts'
import type { Schema } from '../../src/operator/json-schema.ts'
import { openApi } from '../../src/operator/openapi.ts'
import type { CreditSettings, OperatorSettings, SitesPort } from '../../src/operator/settings.ts'
import { toHex } from '../../src/protocol/evm/hex.ts'
import { networks } from '../../src/protocol/evm/network.ts'
import type { Rails } from '../../src/rails/rail.ts'
import { transferRail } from '../../src/rails/transfer.ts'
import { DEFAULT_FAILING } from '../../src/screening/screen.ts'
import { chainAt, randomHex } from '../chain/harness.ts'
import { chainHere } from '../chain/here.ts'
import { type Crawler, newCrawler } from '../identity/harness.ts'
import { orderOf } from '../ledger/credit/harness.ts'
import { faultsOf } from './schema.ts'

export const TOKEN = 'a-token-of-the-operator'
const DAY = 86_400_000

type Answer = { status: number; headers: Headers; text: string; body: Record<string, unknown> }

/** The operations that returned a status below 300. */
export const covered = new Set<string>()

const documented = openApi.paths as Record<string, Record<string, Schema>>
const defs = openApi.components.schemas as Record<string, Schema>

type Options = Partial<CreditSettings> & {
  rails?: Rails
  now?: () => number
  /** `false` for a site without credit. */
  credit?: false
  /** Replaces the audit log, which is one of its own without it. */
  audit?: AuditLog
  /** A registry of sites. */
  sites?: SitesPort
  /** Replaces the function that opens billing. */
  broken?: () => Promise<never>
}

export async function newOperator({
  rails = { transfer: transferRail('IBAN NL00 BANK 0123 4567 89') },
  now = () => Date.now(),
  mayAsk = async () => true,
  broken,
  credit,
  sites,
  audit = env.AUDIT.getByName(AUDIT),
  ...rest
}: Options = {}) {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair
  const { x = '', d = '' } = (await crypto.subtle.exportKey('jwk', pair.privateKey)) as JsonWebKey
  const seal = await openSeal({ kty: 'OKP', crv: 'Ed25519', x, d })
  const seller = { name: 'Tally BV', country: 'NL', taxId: 'NL123456789B01', vatRate: 2100 }
  const dunning = { net: 14, pastDue: 3, suspended: 10, writtenOff: 90 }
  const { BOOK: book, LINES: lines, NUMBERS: numbers, AGENTS: agents, DIRECTORIES } = env
  const network = networks.get('eip155:84532')
  if (!network) throw new Error('network must be known')
  const billing: BillingContext = {
    bill: { book, lines, numbers, rails, seller, dunning, webhook: null },
    seal,
    paying: null,
    site: { receiver: '0x1111111111111111111111111111111111111111', networks: [network] },
    stripe: null,
    now,
    newId: () => crypto.randomUUID(),
  }
  const settings: OperatorSettings = {
    tokenSha256: await digestOf(TOKEN),
    site: operatorOf(env).site,
    book,
    charts: { book: chartMoney(book), traffic: chartTraffic(book) },
    accounts: env.ACCOUNT,
    authorizations: env.AUTHORIZATIONS,
    settlement: env.SETTLEMENT,
    runKinds: ['settlement', 'billing'],
    networks: [
      { id: network.id, chain: chainAt(chainHere().rpcUrl), relayer: env.RELAYER.getByName('operator') },
    ],
    alerts: operatorOf(env).alerts,
    audit,
    keys: env.AUDIT.getByName(AUDIT),
    sites,
    screening: async () => ({ oracles: {}, allow: 0, deny: 1, failing: DEFAULT_FAILING, lists: [] }),
    people: env.PEOPLE?.getByName(newId()),
    credit:
      credit === false
        ? undefined
        : {
            agents,
            lines,
            directories: (url) => DIRECTORIES.getByName(url),
            mayAsk,
            operator: 'tab402',
            probation: 1_000_000n,
            tiers: new Set(['partner']),
            ...rest,
          },
    billing: broken ?? (async () => billing),
  }
  const api = accountApi(settings, now)

  /** Makes one call, with the token unless `headers` replaces it. */
  async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const sent = typeof body === 'string' ? body : JSON.stringify(body)
    const authorization = `Bearer ${TOKEN}`
    const request = new Request(`https://site.example/_tab402${path}`, {
      method,
      headers: { authorization, ...headers },
      ...(body !== undefined && { body: sent }),
    })
    const response = await api.fetch(request)
    return conforming(request, response)
  }

  return {
    api,
    billing,
    settings,
    call,
    fetch: async (request: Request) => conforming(request, await api.fetch(request)),
    get: (path: string) => call('GET', path),
    post: (path: string, body?: unknown) => call('POST', path, body),
    chargeOf,
    /** Registers an agent with a new key. */
    async enrol(form: Record<string, unknown> = {}) {
      const crawler: Crawler = await newCrawler()
      const { status, text, body } = await call('POST', '/api/agents', agentForm(crawler, form))
      if (status !== 201) throw new Error(text)
      const id = String(body.id)
      return {
        id,
        crawler,
        line: () => env.LINES.getByName(id),
        charge: chargeOf(id),
      }
    },
    /** Opens an alert. Returns its id. */
    async openAlert() {
      const found = [{ kind: 'test', subject: newId(), severity: 'info', figure: '1', link: '/' }] as const
      const pass = { found, unread: new Set<string>(), now: now() }
      const change = (state: AlertState) => {
        const { alerts } = foldAlerts(state, pass)
        return { state: { ...state, alerts }, value: alerts[0]?.id }
      }
      return changeAlerts(book, change)
    },
    /** Makes the billing run `days` from now. */
    runBilling: (days = 40) => billPage(billing.bill, '', now() + days * DAY),
  }
}

export type Operator = Awaited<ReturnType<typeof newOperator>>

export function agentForm({ jwk }: Pick<Crawler, 'jwk'>, rest: Record<string, unknown> = {}) {
  return {
    name: 'Example Bot',
    keys: { keys: [jwk] },
    creditLimit: '$100',
    probation: '$100',
    period: 'daily',
    rail: 'transfer',
    buyer: { name: 'Example BV', country: 'NL' },
    ...rest,
  }
}

/** Buys pages on credit. The line does not verify the signatures. */
function chargeOf(agent: string) {
  return async (price: bigint, sold: Parameters<typeof orderOf>[1] = {}): Promise<number> => {
    const line = env.LINES.getByName(agent)
    const standing = await line.standing()
    if (!standing) throw new Error('line must be open')
    const answer = await line.place(orderOf(standing.enrolment, { price, promised: price, ...sold }))
    if (answer.outcome === 'refused') throw new Error(answer.reason)
    return answer.entry
  }
}

export async function digestOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return toHex(new Uint8Array(digest)).slice(2)
}

export function newId(): string {
  return `bot-${randomHex(8).slice(2)}`
}

/** Reads a response and fails if it differs from the document. */
async function conforming({ method, url }: Request, response: Response): Promise<Answer> {
  const { status, headers } = response
  const text = await response.text()
  const type = (headers.get('content-type') ?? '').split(';')[0] ?? ''
  const isJson = /^application\/(?:problem\+)?json$/.test(type)
  const body = isJson ? JSON.parse(text) : {}
  expect(status, text).not.toBe(500)
  expect(headers.get('cache-control')).toBe('no-store')
  const found = find(method, new URL(url).pathname)
  if (found) {
    const { name, operation } = found
    const responses = operation.responses as Record<string, { content: Record<string, { schema: Schema }> }>
    const described = responses[status]?.content[type]
    expect(described, `${name} answers ${status} ${type}, which is not in the document`).toBeDefined()
    if (described && isJson) expect(faultsOf(body, described.schema, defs), text).toEqual([])
    if (status < 300) covered.add(name)
  }
  return { status, headers, text, body }
}

function find(method: string, pathname: string): { name: string; operation: Schema } | null {
  for (const [path, item] of Object.entries(documented)) {
    const shape = new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`)
    const operation = item[method.toLowerCase()]
    if (operation && shape.test(pathname))
      return { name: `${method.toLowerCase()} ${path}`, operation: operation as Schema }
  }
  return null
}
