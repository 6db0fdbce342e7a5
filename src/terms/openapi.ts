/** Payment info in OpenAPI documents (`x-payment-info`), for paid APIs. */
import type { Decision, Policy } from '../paywall/policy.ts'
import { showUsd } from '../protocol/amount.ts'
import { decisionFor, ofClass } from './sections.ts'
import { type Accepts, x402Site } from './x402.ts'

/** An OpenAPI document, or a part of one. */
export type OpenApi = Record<string, unknown>

const METHODS = ['get', 'post', 'put', 'patch', 'delete']
/** Paying software without a purpose of its own. */
const OTHERS = ofClass('other')
const GUIDANCE =
  'Operations with x-payment-info answer 402 with offers. Pay one by x402 and repeat the request.'

/**
 * An OpenAPI document with the price of each operation that has one. An operation whose price depends on more than its path
 * gets none. `origin` has scheme and host.
 */
export function withPayments(document: OpenApi, policy: Policy, origin: string, accepts: Accepts): OpenApi {
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
        const queries = mayHaveQuery(item) || mayHaveQuery(operation)
        const decision = decisionFor(policy, method.toUpperCase(), pattern, { group: OTHERS, queries })
        return operationWith(operation, decision, accepts, security === undefined)
      }),
    ),
  }
}

/** A parameter by reference may be of any kind. */
function mayHaveQuery({ parameters }: OpenApi): boolean {
  return (
    Array.isArray(parameters) &&
    parameters.some((one) => isTable(one) && (one.in === 'query' || '$ref' in one))
  )
}

function operationWith(
  operation: OpenApi,
  decision: Decision | undefined,
  accepts: Accepts,
  isOpen: boolean,
): OpenApi {
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

/** A document of the addresses that rules sell, for an API that has none. `origin` has scheme and host. */
export function listedApi(policy: Policy, origin: string, accepts: Accepts): OpenApi {
  const { name, resources } = x402Site(policy, origin, accepts, undefined)
  const paths: Record<string, OpenApi> = {}
  for (const { url, method } of resources.filter(({ url }) => !url.includes('*'))) {
    const { pathname } = new URL(url)
    paths[pathname] = { ...paths[pathname], [method.toLowerCase()]: { responses: {} } }
  }
  return { openapi: '3.1.0', info: { title: name, version: '1' }, paths }
}

function mapped(table: OpenApi, of: (key: string, value: OpenApi) => unknown): OpenApi {
  return Object.fromEntries(
    Object.entries(table).map(([key, value]) => [key, isTable(value) ? of(key, value) : value]),
  )
}

function isTable(value: unknown): value is OpenApi {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
