/** Every route × every role × what is one's own and what is another publisher's. The routes themselves state what to expect. */
import { env } from 'cloudflare:test'
import { beforeAll, describe, expect, it } from 'vitest'
import { routesFor } from '../../src/operator/api.ts'
import { needOf } from '../../src/operator/rights.ts'
import type { OperatorSettings, SitesPort } from '../../src/operator/settings.ts'
import {
  isOfPublisher,
  may,
  type Principal,
  RIGHTS,
  RIGHTS_OF,
  ROLES,
  STEP_UP_MS,
} from '../../src/people/principal.ts'
import { document, PUBLISHER, publish } from '../sites/harness.ts'
import { newOperator } from './harness.ts'
import { newSites } from './registry.ts'

const NOW = Date.now()
const HOUR = Math.floor(NOW / 3_600_000)

/** Stands in everything that belongs to the other publisher. */
const CANARY = 'canary'
const OWN = 'own-site'
const THEIRS = `${CANARY}-site`
/** A site that the walk through all routes may change and remove. */
const WALKED = 'walked-site'

const principal = (role: Principal['role'], change: Partial<Principal> = {}): Principal => ({
  id: role,
  name: role,
  role,
  publisher: isOfPublisher(role) ? PUBLISHER.id : null,
  provenAt: NOW,
  ...change,
})

let settings: OperatorSettings
/** Counts the calls of the registry by name. */
const calls: string[] = []

beforeAll(async () => {
  const port = newSites()
  const registry = port.registry()
  await registry.putPublisher('op', { ...PUBLISHER, id: CANARY, name: CANARY })
  await publish(registry, document({ id: OWN, hosts: ['own.example.com'] }))
  await publish(registry, document({ id: WALKED, hosts: ['walked.example.com'] }))
  await publish(registry, document({ id: THEIRS, publisher: CANARY, hosts: [`${CANARY}.example.com`] }))
  for (const [site, who] of [
    [OWN, 'Bot'],
    [THEIRS, CANARY],
  ])
    await env.BOOK.batch([
      env.BOOK.prepare(`INSERT INTO figure VALUES (?, ?, ?, ?, ?, 1, 0, 5)`).bind(HOUR, site, who, who, who),
      env.BOOK.prepare(`INSERT INTO traffic VALUES (?, ?, ?, ?, 'unpaid', '4xx', 1, 5, 0)`).bind(
        HOUR,
        site,
        who,
        who,
      ),
      env.BOOK.prepare(
        `INSERT INTO shadow (day, site, crawler, class, rule, action, path, requests, pages, asked)
           VALUES (date('now'), ?1, ?2, ?2, ?2, 'charge', ?2, 1, 1, 5)`,
      ).bind(site, who),
    ])
  const operator = await newOperator({ sites: counted(port) })
  settings = { ...operator.settings, runKinds: [], networks: [] }
})

function counted(port: SitesPort): SitesPort {
  const registry = () =>
    new Proxy(port.registry(), {
      get(target, name) {
        calls.push(String(name))
        return Reflect.get(target, name)
      },
    })
  return { ...port, registry }
}

const apiOf = (who: Principal) => routesFor(settings, who, () => NOW)

async function ask(who: Principal, method: string, path: string, body?: object) {
  calls.length = 0
  const init = { method, ...(body && { body: JSON.stringify(body) }) }
  const answer = await apiOf(who).request(new Request(`https://api.example${path}`, init))
  return {
    status: answer.status,
    text: new TextDecoder().decode(await answer.arrayBuffer()),
    calls: [...calls],
  }
}

/** Each route once: its method, its path, and what it needs. */
function routes() {
  return apiOf(principal('owner'))
    .routes.flatMap(({ method, path, handler }) => ({ method, path, need: needOf(handler) }))
    .filter(({ need }) => need !== undefined)
}

/** The path with this id in the place of its own. */
const pathOf = (path: string, id: string) => path.replace(/:\w+/g, id)

describe('a route of the API', () => {
  it('is open to the roles that have the right which it states, and to no other', async () => {
    for (const role of ROLES)
      for (const { method, path, need } of routes()) {
        const who = principal(role)
        const body = method === 'GET' ? undefined : {}
        const { status, text } = await ask(who, method, pathOf(path, WALKED), body)
        const isAllowed = need !== undefined && may(who, need.right)
        expect([role, method, path, status === 403]).toEqual([role, method, path, !isAllowed])
        if (!isAllowed) expect(JSON.parse(text)).toMatchObject({ code: 'forbidden', right: need?.right })
      }
  })

  it('is open to an API token only with the scope for it', async () => {
    const scopes = ['sites.read'] as const
    for (const { method, path, need } of routes().filter(({ method }) => method === 'GET')) {
      const { status } = await ask(principal('owner', { scopes }), method, pathOf(path, OWN))
      expect([path, status === 403]).toEqual([path, need?.right !== 'sites.read'])
    }
  })

  it('is closed to a role of publishers that names no publisher: null would see all', async () => {
    for (const role of ROLES.filter(isOfPublisher))
      for (const { method, path } of routes()) {
        const { status } = await ask(principal(role, { publisher: null }), method, pathOf(path, OWN))
        expect([method, path, status]).toEqual([method, path, 403])
      }
  })

  it('asks for a proof of the last five minutes where it states so', async () => {
    const old = principal('owner', { provenAt: NOW - STEP_UP_MS - 1 })
    for (const { method, path, need } of routes().filter(({ need }) => need?.isFresh)) {
      const { text } = await ask(old, method, pathOf(path, OWN), {})
      expect([method, path, need, JSON.parse(text).code]).toEqual([method, path, need, 'proof_required'])
    }
  })
})

describe('a publisher', () => {
  const roles = ROLES.filter(isOfPublisher)

  it('gets the same answer, from the same work, for another publisher’s id as for an unknown one', async () => {
    for (const role of roles)
      for (const { method, path, need } of routes()) {
        if (!path.includes(':') || !need || !may(principal(role), need.right)) continue
        const body = method === 'GET' ? undefined : { publisher: CANARY }
        const id = path.startsWith('/publishers') ? CANARY : THEIRS
        const foreign = await ask(principal(role), method, pathOf(path, id), body)
        const unknown = await ask(principal(role), method, pathOf(path, 'nothing'), body)
        expect([role, method, path, foreign]).toEqual([role, method, path, { ...unknown, status: 404 }])
      }
  })

  it('finds nothing of another publisher in any list or sum, whatever the query asks for', async () => {
    const queries = [
      '',
      `?site=${THEIRS}`,
      `?publisher=${CANARY}`,
      '?by=site',
      '?by=who',
      '?by=path',
      '?by=rule',
    ]
    const more = [`?by=site&top=5&source=book`, `?site=${THEIRS}&url=/x&as=GPTBot`, '?format=csv&by=who']
    for (const role of roles)
      for (const { method, path, need } of routes()) {
        if (method !== 'GET' || path.includes(':') || !need || !may(principal(role), need.right)) continue
        for (const query of [...queries, ...more]) {
          const { text } = await ask(principal(role), method, `${path}${query}`)
          expect([path, query, text.includes(CANARY)]).toEqual([path, query, false])
        }
      }
    const { text } = await ask(principal('publisher-viewer'), 'GET', '/figures?by=who')
    expect(text).toContain('"Bot"')
  })

  it('changes the terms of its own site, and neither its hosts, its origin nor where its money goes', async () => {
    const admin = principal('publisher-admin')
    const change = async (patch: object) => (await ask(admin, 'PATCH', `/sites/${OWN}`, patch)).status
    expect(await change({ terms: { PRICE: '0.004' } })).toBe(200)
    for (const patch of [
      { hosts: [`${CANARY}.example.com`] },
      { publisher: CANARY },
      { via: 'route' },
      { mode: 'suspended' },
      { terms: { ORIGIN: 'https://other.example' } },
      { terms: { RECEIVER: `0x${'12'.repeat(20)}` } },
      { terms: { ORIGIN: null } },
    ])
      expect([patch, await change(patch)]).toEqual([patch, 400])
  })

  it('cannot learn from a check which hosts others have', async () => {
    const admin = principal('publisher-admin')
    const site = document({ id: OWN, hosts: [`${CANARY}.example.com`] })
    const other = document({ id: OWN, hosts: ['free.example.com'] })
    const [taken, free] = [
      await ask(admin, 'POST', '/sites/check', site),
      await ask(admin, 'POST', '/sites/check', other),
    ]
    expect(taken).toEqual(free)
  })

  it('cannot publish its way out of a suspension', async () => {
    const [owner, admin] = [principal('owner'), principal('publisher-admin')]
    await ask(owner, 'POST', `/sites/${OWN}/suspend`, {})
    expect((await ask(admin, 'POST', `/sites/${OWN}/publish`, {})).status).toBe(409)
    expect((await ask(admin, 'POST', `/sites/${OWN}/revert`, { version: 1 })).status).toBe(409)
    expect((await ask(owner, 'POST', `/sites/${OWN}/resume`, {})).status).toBe(200)
  })
})

describe('an address that money goes to', () => {
  const RECEIVER = `0x${'34'.repeat(20)}`
  const old = { provenAt: NOW - STEP_UP_MS - 1 }

  it('changes after a fresh proof alone, of a publisher and of a site', async () => {
    for (const [path, patch] of [
      [`/publishers/${PUBLISHER.id}`, { receiver: RECEIVER }],
      [`/sites/${OWN}`, { terms: { RECEIVER } }],
    ] as const) {
      const stale = await ask(principal('operator', old), 'PATCH', path, patch)
      expect([path, stale.status, JSON.parse(stale.text).code]).toEqual([path, 403, 'proof_required'])
      expect((await ask(principal('operator'), 'PATCH', path, patch)).status).toBe(200)
    }
  })
})

describe('the rights of roles', () => {
  it('are all of the owner’s, and no role has one that the owner lacks', () => {
    for (const role of ROLES) expect(RIGHTS).toEqual(expect.arrayContaining([...RIGHTS_OF[role]]))
    expect(RIGHTS_OF.owner).toEqual(RIGHTS)
  })
})

describe('an export', () => {
  it('is in the audit log with who made it', async () => {
    await ask(principal('accountant'), 'GET', '/export/accounts.csv?after=x')
    const { text } = await ask(principal('owner'), 'GET', '/audit?limit=500')
    const { acts } = JSON.parse(text) as { acts: object[] }
    expect(acts.at(-1)).toMatchObject({
      who: 'accountant',
      what: 'export',
      subject: '/export/accounts.csv',
      after: { query: '?after=x' },
    })
  })
})
