/** Payment info in OpenAPI documents (`x-payment-info`), for paid APIs. */
import type { Decision, Policy } from '../paywall/policy.ts'
import { showUsd } from '../protocol/amount.ts'
import { type Asked, isMissing, json, originFile } from './asked.ts'
import { decisionFor, ofClass } from './statement.ts'
import { type Accepts, x402Site } from './x402.ts'

type Json = Record<string, unknown>

/** A longer document of the origin is passed on as it is. */
const MAX_OPENAPI_BYTES = 1 << 20

const METHODS = ['get', 'post', 'put', 'patch', 'delete']
const GUIDANCE =
  'Operations with x-payment-info answer 402 with offers. Pay one by x402 and repeat the request.'

/** Answers openapi.json: the origin's own with payment info, or one of the addresses that rules name. */
export async function openApi(site: Asked, accepts: Accepts): Promise<Response> {
  const answer = await originFile(site)
  const { policy, origin, request } = site
  if (isMissing(answer)) return json(site, ownDocument(site, accepts))
  if (answer.status !== 200 || request.method === 'HEAD') return answer
  const text = await answer.clone().text()
  const document = text.length <= MAX_OPENAPI_BYTES ? parsed(text) : undefined
  return document ? json(site, withPayments(document, policy, origin, accepts)) : answer
}

/**
 * An OpenAPI document with the price of each operation that has one. An operation whose price depends on more than its path
 * gets none. `origin` has scheme and host.
 */
export function withPayments(document: Json, policy: Policy, origin: string, accepts: Accepts): Json {
  const { info, paths, servers, security } = document
  const [server] = Array.isArray(servers) ? servers : []
  const base =
    URL.parse(String(isTable(server) ? server.url : '/'), origin)?.pathname.replace(/\/$/, '') ?? ''
  return {
    ...document,
    info: { 'x-guidance': GUIDANCE, ...(isTable(info) && info) },
    paths: mapped(isTable(paths) ? paths : {}, (path, item) =>
      mapped(item, (method, operation) => {
        if (!METHODS.includes(method)) return operation
        const pattern = `${base}${path}`.replace(/\{[^}]*\}/g, '*')
        const decision = decisionFor(policy, method.toUpperCase(), pattern, ofClass('other'))
        return operationWith(operation, decision, accepts, security === undefined)
      }),
    ),
  }
}

function operationWith(
  operation: Json,
  decision: Decision | undefined,
  accepts: Accepts,
  isOpen: boolean,
): Json {
  const { 'x-payment-info': _, ...rest } = operation
  if (decision?.action === 'allow') return isOpen ? { security: [], ...rest } : rest
  if (decision?.action !== 'charge') return rest
  const responses = isTable(operation.responses) ? operation.responses : {}
  return {
    ...rest,
    responses: { ...responses, '402': responses['402'] ?? { description: 'Payment Required' } },
    'x-payment-info': {
      price: { mode: 'fixed', currency: 'USD', amount: showUsd(decision.price).slice(1) },
      protocols: [{ x402: {} }],
      offers: offersIn(accepts(decision)),
    },
  }
}

/** Offers in the token of a chain: credit is a contract, and its amounts are in no currency of these documents. */
function offersIn(accepts: ReturnType<Accepts>) {
  const tokens = accepts.filter(({ asset }) => asset.startsWith('0x'))
  const [first] = tokens
  return first ? [{ intent: 'charge', method: 'x402', amount: first.amount, currency: first.asset }] : []
}

/** A document of the addresses that are sold, for an API that publishes none. */
function ownDocument({ policy, origin }: Asked, accepts: Accepts): Json {
  const { name, resources } = x402Site(policy, origin, accepts, undefined)
  const paths: Record<string, Json> = {}
  for (const { url, method } of resources.filter(({ url }) => !url.includes('*'))) {
    const { pathname } = new URL(url)
    paths[pathname] = { ...paths[pathname], [method.toLowerCase()]: { responses: {} } }
  }
  const document = { openapi: '3.1.0', info: { title: name, version: '1' }, paths }
  return withPayments(document, policy, origin, accepts)
}

function mapped(table: Json, of: (key: string, value: Json) => unknown): Json {
  return Object.fromEntries(
    Object.entries(table).map(([key, value]) => [key, isTable(value) ? of(key, value) : value]),
  )
}

function isTable(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parsed(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isTable(value) ? value : undefined
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined
    throw cause
  }
}
