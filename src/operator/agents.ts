/** Agents over HTTP: the crawlers that have credit, and their terms. */
import { Hono } from 'hono/tiny'
import type * as v from 'valibot'
import {
  type Agent,
  type AgentChange,
  type AgentDraft,
  REGISTRY,
  type Registered,
} from '../ledger/credit/agent.ts'
import type { RequestError } from './problem.ts'
import { agentChange, formOf, newAgent, suspension, UNIDENTIFIED } from './requests.ts'
import { invalid, jsonResponse, nextOf, notFound, pageLimit, problem } from './response.ts'
import { actorOf, needs, type OperatorEnv } from './rights.ts'
import type { CreditSettings, OperatorSettings } from './settings.ts'

type Form = Partial<v.InferOutput<typeof newAgent>>

/** Routes below `/api/agents`. */
export function agentRoutes(settings: OperatorSettings, credit: CreditSettings): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>()
  const registry = () => credit.agents.getByName(REGISTRY)
  app.get('/', needs('money.read'), async (c) => {
    const limit = pageLimit(c)
    const agents = await registry().list(c.req.query('after') ?? '', limit)
    return jsonResponse({ agents: agents.map(agentView), next: nextOf(agents, limit, ({ id }) => id) })
  })
  app.post('/', needs('money.write'), async (c) => {
    const form = await formOf(c, newAgent)
    if (form instanceof Response) return form
    const errors = await unknownNames(settings, credit, form)
    if (errors.length > 0) return invalid(errors)
    return responseOf(await registry().create(draftOf(form, credit.probation), actorOf(c)), 201)
  })
  app.get('/:id', needs('money.read'), async (c) => {
    const agent = await registry().get(c.req.param('id'))
    return agent ? jsonResponse(agentView(agent)) : notFound()
  })
  app.patch('/:id', needs('money.write'), async (c) => {
    const form = await formOf(c, agentChange)
    if (form instanceof Response) return form
    const errors = await unknownNames(settings, credit, form)
    if (errors.length > 0) return invalid(errors)
    return responseOf(await registry().change(c.req.param('id'), changeOf(form), actorOf(c)))
  })
  app.post('/:id/suspend', needs('money.write'), async (c) => {
    const form = await formOf(c, suspension)
    if (form instanceof Response) return form
    return responseOf(await registry().suspend(c.req.param('id'), form.reason, actorOf(c)))
  })
  app.post('/:id/resume', needs('money.write'), async (c) =>
    responseOf(await registry().suspend(c.req.param('id'), null, actorOf(c))),
  )
  return app
}

/** The JSON of an agent, with the members it was registered with. */
export function agentView({ id, name, url, keys, terms, suspended, createdAt, version }: Agent) {
  const { limit: creditLimit, ...rest } = terms
  const published = keys && { keys: keys.map(({ keyId: kid, jwk }) => ({ ...jwk, kid })) }
  return { id, name, url, keys: published, creditLimit, ...rest, suspended, createdAt, version }
}

/** Errors that no schema finds: rails and tiers that this site does not have. */
async function unknownNames(
  { billing }: OperatorSettings,
  { tiers }: CreditSettings,
  form: Form,
): Promise<RequestError[]> {
  const errors: RequestError[] = []
  const { rail, tier } = form
  if (rail !== undefined && billing) {
    const { rails } = (await billing()).bill
    if (!rails[rail])
      errors.push({
        path: 'rail',
        message: 'must be a rail of this site',
        expected: Object.keys(rails).join(', '),
      })
  }
  if (typeof tier === 'string' && !tiers.has(tier)) {
    const expected = [...tiers, 'null'].join(', ')
    errors.push({ path: 'tier', message: 'must be a tier of CREDIT_TIERS', expected })
  }
  return errors
}

function draftOf(form: v.InferOutput<typeof newAgent>, initialLimit: bigint): AgentDraft {
  const { id = `agent-${crypto.randomUUID().slice(0, 18)}`, name, url, keys } = form
  const { creditLimit: limit, probation = initialLimit, period, rail, tier, buyer } = form
  return { id, name, url, keys, terms: { limit, probation, period, rail, tier, buyer } }
}

function changeOf(form: v.InferOutput<typeof agentChange>): AgentChange {
  const { name, url, keys, creditLimit, ...rest } = form
  const terms = { ...rest, ...(creditLimit !== undefined && { limit: creditLimit }) }
  return {
    ...(name !== undefined && { name }),
    ...(url !== undefined && { url }),
    ...(keys !== undefined && { keys }),
    terms,
  }
}

function responseOf(registered: Registered, status = 200): Response {
  if (registered.outcome === 'registered') return jsonResponse(agentView(registered.agent), status)
  switch (registered.reason) {
    case 'unknown':
      return notFound()
    case 'unidentified':
      return invalid([UNIDENTIFIED])
    default:
      return problem(registered.reason)
  }
}
