import { env, introspectWorkflow } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { openApi } from '../../src/operator/openapi.ts'
import { needOf } from '../../src/operator/rights.ts'
import { payerPortal } from '../../src/portal/invoices.ts'
import { NOW, newCrawler, signed } from '../identity/harness.ts'
import { newReceiver, openChannel } from '../settlement/harness.ts'
import { document, PUBLISHER } from '../sites/harness.ts'
import { agentForm, covered, newId, newOperator, type Operator } from './harness.ts'
import { newSites } from './registry.ts'

type Described = { requestBody?: unknown; responses: object; 'x-right'?: string; 'x-fresh-proof'?: boolean }
const paths = openApi.paths as Record<string, Record<string, Described>>

const operationsOf = (all: typeof paths) =>
  Object.entries(all).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([key]) => key !== 'parameters')
      .map(([method, operation]) => ({ path, method, operation })),
  )

/** The operations of the document, such as `get /_tab402/api/agents/{id}`. */
const operations = operationsOf(paths).map(({ method, path }) => `${method} ${path}`)

/** The operations of the routes, in the same form. */
function routesOf({ api, billing }: Operator): string[] {
  const documented = [
    ...api.routes,
    ...payerPortal(billing).routes.filter(({ path }) => path.endsWith('/keys')),
  ]
  return documented
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method.toLowerCase()} ${path.replace(/:(\w+)/g, '{$1}')}`)
}

describe('OpenAPI document', () => {
  it('has every route and no other', async () => {
    expect([...new Set(routesOf(await newOperator({ sites: newSites() })))].sort()).toEqual(
      [...operations].sort(),
    )
  })

  it('states the right that each route names, and each route of the API names one', async () => {
    const { api } = await newOperator({ sites: newSites() })
    const rights = operationsOf(paths).filter(({ path }) => path.startsWith('/_tab402/api/'))
    for (const { path, method, operation } of rights) {
      if (path.endsWith('/openapi.json')) continue
      const pattern = path.replace(/\{(\w+)\}/g, ':$1')
      const routes = api.routes.filter(
        (route) => route.path === pattern && route.method === method.toUpperCase(),
      )
      const need = routes.map(({ handler }) => needOf(handler)).find((one) => one !== undefined)
      const stated = operation['x-right'] && {
        right: operation['x-right'],
        isFresh: operation['x-fresh-proof'],
      }
      expect([method, path, need]).toEqual([method, path, stated])
    }
  })

  it('is served without a token', async () => {
    const operator = await newOperator()
    const { status, body } = await operator.call('GET', '/api/openapi.json', undefined, { authorization: '' })
    expect(status).toBe(200)
    expect(body).toEqual(JSON.parse(JSON.stringify(openApi)))
  })

  it('refers to every schema it has and to no other', () => {
    const text = JSON.stringify(openApi)
    const named = new Set([...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name))
    expect([...named].sort()).toEqual(Object.keys(openApi.components.schemas).sort())
  })

  it('matches the response of every operation', async () => {
    const operator = await newOperator({ now: () => NOW * 1000, sites: newSites() })
    const { get, post } = operator
    const id = newId()
    const crawler = await newCrawler()
    await post('/api/agents', agentForm(crawler, { id }))
    await get('/api/agents')
    await get(`/api/agents/${id}`)
    await get('/api/figures?by=site')
    await get('/api/metrics')
    await get('/api/doctor')
    await get('/healthz')
    await get('/api/explain?url=/a&as=GPTBot')
    await operator.call('PATCH', `/api/agents/${id}`, { tier: 'partner' })
    await post(`/api/agents/${id}/suspend`, { reason: 'x' })
    await post(`/api/agents/${id}/resume`)
    const charged = await operator.chargeOf(id)(1_000_000n)
    await operator.runBilling((Date.now() - NOW * 1000) / 86_400_000 + 40)
    const own = async (path: string) => {
      const url = `https://site.example/_tab402/me${path}`
      const covers = [
        ['"@authority"', 'site.example'],
        ['"@method"', 'GET'],
        ['"@target-uri"', url],
        ['"signature-agent";key="sig1"', '"https://crawler.example"'],
      ] as const
      const { headers } = await signed(crawler, { url, lines: covers })
      return (await operator.fetch(new Request(url, { headers }))).body
    }
    const { statements } = (await own('/statements')) as { statements: { period: { id: string } }[] }
    const { invoices } = (await own('/invoices')) as { invoices: { id: string }[] }
    const period = statements[0]?.period.id
    const invoice = invoices[0]?.id
    for (const path of ['', '/entries', `/statements/${period}`, `/invoices/${invoice}`]) await own(path)
    await own(`/statements/${period}/proofs/${charged}`)
    await get(`/api/statements/${id}/${period}/proofs/${charged}`)
    for (const path of ['', `/${id}/${period}`]) await get(`/api/statements${path}`)
    for (const path of ['', `/${invoice}`]) await get(`/api/invoices${path}`)
    await post(`/api/invoices/${invoice}/payments`, { reference: 'bank', amount: '1' })
    await post(`/api/invoices/${invoice}/returns`, { reference: 'bank', reason: 'x' })
    await post(`/api/invoices/${invoice}/credit-notes`, { amount: '1', reason: 'x' })
    for (const path of ['', `/${id}?evidence=true`]) await get(`/api/accounts${path}`)
    await using runs = await introspectWorkflow(env.SETTLEMENT)
    await runs.modifyAll((modifier) => modifier.disableSleeps())
    const { body } = await post('/api/runs')
    const [instance] = await runs.get()
    await instance?.waitForStatus('complete')
    await get('/api/relayer')
    await post('/api/relayer/repair')
    await post('/api/sign-in-codes')
    const setup = await newReceiver()
    const { id: channel } = await openChannel(setup)
    await post(`/api/accounts/${channel}/reread`)
    await env.ACCOUNT.getByName(channel).screened(listing)
    await get(`/api/accounts/${channel}`)
    await env.ACCOUNT.getByName(channel).quarantine('reverted')
    await post(`/api/accounts/${channel}/lift`)
    await get(`/api/accounts/${channel}/screening`)
    await post(`/api/accounts/${channel}/release`, { reason: 'a namesake' })
    await get('/api/screening')
    await get('/api/runs')
    await get(`/api/runs/${body.id}`)
    const objects = [env.ACCOUNT.idFromName('nothing').toString()]
    await post('/api/book', { kind: 'channel', objects })
    await get('/api/shadow')
    await post(`/api/alerts/${await operator.openAlert()}/mute`, { hours: 1 })
    await get('/api/alerts')
    await post('/api/alerts/test')
    await get('/api/audit')
    await get('/api/totals')
    await post('/api/export', { list: '/accounts', query: '?kind=channel' })
    const key = { 'idempotency-key': '0123456789abcdef' }
    await operator.call('POST', `/api/agents/${id}/resume`, undefined, key)
    await get('/api/acts/0123456789abcdef')
    await memberOf(operator)
    await post('/api/publishers', PUBLISHER)
    await get('/api/publishers')
    await get('/api/publishers/press')
    await operator.call('PUT', '/api/publishers/press', PUBLISHER)
    await operator.call('PATCH', '/api/publishers/press', { country: 'FR' })
    const site = document({ hosts: ['a.localhost'] })
    const at = `/api/sites/${site.id}`
    await post('/api/sites', site)
    await post('/api/sites/check', site)
    await get('/api/sites')
    await get(at)
    await post(`${at}/publish`, { note: 'x' })
    await operator.call('PUT', at, { ...site, mode: 'shadow' })
    await operator.call('PATCH', at, { terms: { PRICE: '0.003' } })
    await operator.call('DELETE', `${at}/draft`)
    await post(`${at}/proofs`, { host: 'a.localhost' })
    await post(`${at}/check`, {})
    await get(`${at}/check?path=/a`)
    await get(`${at}/try?url=/a&as=GPTBot`)
    await get(`${at}/replay`)
    await post(`${at}/revert`, { version: 1 })
    await post(`${at}/suspend`, {})
    await post(`${at}/resume`, {})
    await get(`${at}/versions`)
    await operator.call('DELETE', at)
    await get('/api/openapi.json')
    for (const name of ['accounts', 'entries', 'statements', 'invoices', 'credit-notes']) {
      for (const extension of ['csv', 'ndjson']) await get(`/api/export/${name}.${extension}`)
    }
    expect(operations.filter((name) => !covered.has(name))).toEqual(['get /_tab402/keys'])
  })
})

/** Asks everything about members and API tokens. */
async function memberOf({ call, get, post }: Operator): Promise<void> {
  const { body } = await post('/api/people', { name: 'Ann', role: 'accountant', email: 'Ann@Example.com' })
  const { id } = body.member as { id: string }
  await get('/api/people')
  await call('PATCH', `/api/people/${id}`, { role: 'finance' })
  await post(`/api/people/${id}/invitation`)
  await call('DELETE', `/api/people/${id}`)
  const { body: token } = await post('/api/tokens', { name: 'export', scopes: ['export'] })
  await get('/api/tokens')
  await call('DELETE', `/api/tokens/${token.id}`)
}

/** A decision that holds an account. */
const listing = {
  act: 'claim',
  address: `0x${'12'.repeat(20)}`,
  status: 'listed',
  isAllowed: false,
  list: 'operator',
  dated: null,
  reason: 'on the deny list',
} as const

describe('Audit log', () => {
  it('has one event for every mutation of the API [G1]', async () => {
    await using runs = await introspectWorkflow(env.SETTLEMENT)
    await runs.modifyAll((modifier) => modifier.disableSleeps())
    const operator = await newOperator()
    const crawler = await newCrawler()
    const id = newId()
    const last = async () => {
      const { body } = await operator.get('/api/audit?limit=500')
      const acts = (body.acts as { what: string }[]).map(({ what }) => what)
      return acts.filter((what) => !what.endsWith('.asked'))
    }
    const mutations: Record<string, () => Promise<unknown>> = {
      'post /_tab402/api/agents': () => operator.post('/api/agents', agentForm(crawler, { id })),
      'patch /_tab402/api/agents/{id}': () => operator.call('PATCH', `/api/agents/${id}`, { name: 'X' }),
      'post /_tab402/api/agents/{id}/suspend': () =>
        operator.post(`/api/agents/${id}/suspend`, { reason: 'x' }),
      'post /_tab402/api/agents/{id}/resume': () => operator.post(`/api/agents/${id}/resume`),
      'post /_tab402/api/invoices/{id}/payments': async () =>
        operator.post(`/api/invoices/${await invoice()}/payments`, { reference: 'bank', amount: '1' }),
      'post /_tab402/api/invoices/{id}/returns': async () =>
        operator.post(`/api/invoices/${await invoice()}/returns`, { reference: 'bank', reason: 'x' }),
      'post /_tab402/api/invoices/{id}/credit-notes': async () =>
        operator.post(`/api/invoices/${await invoice()}/credit-notes`, { amount: '1', reason: 'x' }),
      'post /_tab402/api/book': () =>
        operator.post('/api/book', { kind: 'channel', objects: [env.ACCOUNT.idFromName('x').toString()] }),
      'post /_tab402/api/runs': () => operator.post('/api/runs'),
      'post /_tab402/api/alerts/{id}/mute': async () =>
        operator.post(`/api/alerts/${await operator.openAlert()}/mute`, { hours: 1 }),
      'post /_tab402/api/alerts/test': () => operator.post('/api/alerts/test'),
      'post /_tab402/api/relayer/repair': () => operator.post('/api/relayer/repair'),
      'post /_tab402/api/accounts/{id}/reread': async () => {
        const channel = await openChannel(await newReceiver())
        return operator.post(`/api/accounts/${channel.id}/reread`)
      },
      'post /_tab402/api/accounts/{id}/lift': async () => {
        const channel = await openChannel(await newReceiver())
        await channel.account.quarantine('reverted')
        return operator.post(`/api/accounts/${channel.id}/lift`)
      },
      'post /_tab402/api/export': () => operator.post('/api/export', { list: '/accounts' }),
      'post /_tab402/api/accounts/{id}/release': async () => {
        const channel = await openChannel(await newReceiver())
        await channel.account.screened(listing)
        return operator.post(`/api/accounts/${channel.id}/release`, { reason: 'a namesake' })
      },
    }
    const invoice = async () => {
      const { body } = await operator.get(`/api/invoices?agent=${id}`)
      return (body.invoices as { id: string }[])[0]?.id
    }
    // Two objects log their own changes, in their transactions: see test/sites/ and test/people/.
    const ofSites = /\/(?:sites|publishers|people|tokens|sign-in-codes)(?:\/|$)/
    const expected = operations.filter((name) => !name.startsWith('get') && !ofSites.test(name))
    expect(Object.keys(mutations).sort()).toEqual(expected.sort())
    for (const [name, mutate] of Object.entries(mutations)) {
      if (name.includes('payments')) {
        await operator.chargeOf(id)(1_000_000n)
        await operator.runBilling()
      }
      const before = await last()
      await mutate()
      expect([name, (await last()).length]).toEqual([name, before.length + 1])
    }
    expect((await last()).slice(-16)).toEqual([
      'agent.create',
      'agent.change',
      'agent.suspend',
      'agent.resume',
      'invoice.pay',
      'invoice.return',
      'invoice.credit',
      'book.rebuild',
      'run.start',
      'alert.mute',
      'alert.test',
      'relayer.repair',
      'account.reread',
      'account.lift',
      'export',
      'account.release',
    ])
    const [instance] = await runs.get()
    await instance?.waitForStatus('complete')
  })
})
