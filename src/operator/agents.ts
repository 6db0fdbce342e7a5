/** Agents over HTTP: who has credit, and on which terms. */
import { Hono } from 'hono'
import type * as v from 'valibot'
import { type Agent, type Change, type Draft, REGISTRY, type Registered } from '../ledger/credit/agents.ts'
import { agentChange, formOf, newAgent, suspension } from './requests.ts'
import { type Fault, faulty, limitOf, nextOf, no, notFound, write } from './response.ts'
import type { CreditSettings, OperatorSettings } from './settings.ts'

type Form = Partial<v.InferOutput<typeof newAgent>>

export function agentRoutes(settings: OperatorSettings, credit: CreditSettings, who: string): Hono {
  const app = new Hono()
  const registry = () => credit.agents.getByName(REGISTRY)
  app.get('/', async (c) => {
    const limit = limitOf(c)
    const agents = await registry().list(c.req.query('after') ?? '', limit)
    return write({ agents: agents.map(agentView), next: nextOf(agents, limit, ({ id }) => id) })
  })
  app.post('/', async (c) => {
    const form = await formOf(c, newAgent)
    if (form instanceof Response) return form
    const faults = await strange(settings, credit, form)
    if (faults.length > 0) return faulty(faults)
    return answer(await registry().create(draftOf(form, credit.probation), who), 201)
  })
  app.get('/:id', async (c) => {
    const agent = await registry().get(c.req.param('id'))
    return agent ? write(agentView(agent)) : notFound()
  })
  app.patch('/:id', async (c) => {
    const form = await formOf(c, agentChange)
    if (form instanceof Response) return form
    const faults = await strange(settings, credit, form)
    if (faults.length > 0) return faulty(faults)
    return answer(await registry().change(c.req.param('id'), changeOf(form), who))
  })
  app.post('/:id/suspend', async (c) => {
    const form = await formOf(c, suspension)
    if (form instanceof Response) return form
    return answer(await registry().suspend(c.req.param('id'), form.reason, who))
  })
  app.post('/:id/resume', async (c) => answer(await registry().suspend(c.req.param('id'), null, who)))
  return app
}

/** An agent as it is written in bodies: the same members as when it was registered. */
export function agentView({ id, name, url, keys, terms, suspended, createdAt, version }: Agent) {
  const { limit: creditLimit, ...rest } = terms
  const published = keys && { keys: keys.map(({ keyId: kid, jwk }) => ({ ...jwk, kid })) }
  return { id, name, url, keys: published, creditLimit, ...rest, suspended, createdAt, version }
}

/** What no schema knows: the rails and tiers that there are here. */
async function strange(
  { billing }: OperatorSettings,
  { tiers }: CreditSettings,
  form: Form,
): Promise<Fault[]> {
  const faults: Fault[] = []
  const { rail, tier } = form
  if (rail !== undefined && billing) {
    const { rails } = (await billing()).bill
    if (!rails[rail])
      faults.push({ place: 'rail', fault: 'is not set up here', want: Object.keys(rails).join(', ') })
  }
  if (typeof tier === 'string' && !tiers.has(tier)) {
    const want = [...tiers, 'null'].join(', ')
    faults.push({ place: 'tier', fault: 'is no tier of CREDIT_TIERS', want })
  }
  return faults
}

function draftOf(form: v.InferOutput<typeof newAgent>, least: bigint): Draft {
  const { id = `agent-${crypto.randomUUID().slice(0, 18)}`, name, url, keys } = form
  const { creditLimit: limit, probation = least, period, rail, tier, buyer } = form
  return { id, name, url, keys, terms: { limit, probation, period, rail, tier, buyer } }
}

function changeOf(form: v.InferOutput<typeof agentChange>): Change {
  const { name, url, keys, creditLimit, ...rest } = form
  const terms = { ...rest, ...(creditLimit !== undefined && { limit: creditLimit }) }
  return {
    ...(name !== undefined && { name }),
    ...(url !== undefined && { url }),
    ...(keys !== undefined && { keys }),
    terms,
  }
}

function answer(registered: Registered, status = 200): Response {
  if (registered.outcome === 'registered') return write(agentView(registered.agent), status)
  switch (registered.reason) {
    case 'unknown':
      return notFound()
    case 'unidentified':
      return faulty([{ place: 'url', fault: 'is missing, and so are keys', want: 'a URL or keys' }])
    default:
      return no(409, registered.reason)
  }
}
