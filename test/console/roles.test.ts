/** Every page × every role: the API takes each form of a page from every role that sees it. */
import { describe, expect, it } from 'vitest'
import { PAGES } from '../../src/console/pages/index.ts'
import { routesFor } from '../../src/operator/api.ts'
import { needOf } from '../../src/operator/rights.ts'
import type { OperatorSettings } from '../../src/operator/settings.ts'
import type { ConsoleOrder } from '../../src/people/console-call.ts'
import { isOfPublisher, may, ownerOf, type Principal, ROLES } from '../../src/people/principal.ts'
import { bodyOf, firstBodyOf } from './bodies.ts'
import { browse } from './edge.ts'

/** Ports of an API whose routes are read, and never asked. */
const PORTS = new Proxy({}, { get: () => ({}) }) as OperatorSettings

/** The needs of each route of the API, by its method and path. */
const ROUTES = routesFor(PORTS, ownerOf(), () => 0).routes.flatMap(({ method, path, handler }) => {
  const need = needOf(handler)
  const shape = new RegExp(`^${path.replace(/\/$/, '').replace(/:\w+/g, '[^/]+')}$`)
  // A stated segment is a better match than a parameter.
  return need ? { method, shape, right: need.right, isExact: !path.includes(':') } : []
})

function rightOf({ method = 'GET', path }: ConsoleOrder) {
  const [own = ''] = path.split('?')
  const found = ROUTES.filter((route) => route.method === method && route.shape.test(own))
  const route = found.find(({ isExact }) => isExact) ?? found[0]
  if (!route) throw new Error(`the API must have a route for ${method} ${own}`)
  return route.right
}

const principal = (role: Principal['role']): Principal => {
  return { id: role, name: role, role, publisher: isOfPublisher(role) ? 'press' : null, provenAt: Date.now() }
}

/** A browser of a role, and all that the API refused it. */
function browserOf(role: Principal['role'], bodies: typeof bodyOf = bodyOf) {
  const who = principal(role)
  const refused: string[] = []
  const browser = browse((order) => {
    const right = rightOf(order)
    if (may(who, right))
      return order.method === undefined || order.method === 'GET' ? bodies(order) : (bodies(order) ?? {})
    refused.push(`${order.method ?? 'GET'} ${order.path} needs ${right}`)
    return 'forbidden'
  }, who)
  return { ...browser, refused }
}

/** Examples for the parameters of pages, by the first segment of the path. */
const IDS: Readonly<Record<string, string>> = {
  runs: 'settle-1',
  agents: 'acme',
  invoices: 'INV-000001',
  accounts: `0x${'ab'.repeat(32)}`,
  sites: 'news',
  policy: 'news',
  publishers: 'press',
  crawlers: '~GPTBot',
  audit: '1',
  acts: '0123456789abcdef',
  people: 'member-1',
  tokens: 'token-1',
}
const MORE: Readonly<Record<string, readonly string[]>> = {
  '/policy/:site': ['?edit=0', '?edit=new', '?edit=default'],
  '/policy/:site/history': ['?version=1'],
  '/agents/:id': ['/agents/stopped'],
  '/accounts/:id': [`/accounts/eip155:8453:0x${'12'.repeat(20)}`],
}

/** A parameter of a path, with its shape where it states one. */
const PARAMETER = /:(\w+)(?:\{[^/]*\})?/g

/** The addresses of a page with every view that has forms of its own. */
function addressesOf(path: string): string[] {
  const [, first = ''] = path.split('/')
  const own = path.replace(PARAMETER, (_, name: string) => (name === 'seq' ? '2' : (IDS[first] ?? '')))
  return ['', ...(MORE[path] ?? [])].map((more) => (more.startsWith('/') ? more : `${own}${more}`))
}

/** The pages of the console that a page's own content leads to. */
function linksIn(html: string): string[] {
  const [, main = ''] = html.split('<main')
  return [...main.matchAll(/ href="(\/[^"#]*)/g)].map(([, href = '']) => unescaped(href))
}

type Form = { action: string; fields: Record<string, string> }

/** The forms of a page's own content that are sent by POST, once for each of their buttons. */
function formsIn(html: string): Form[] {
  const [, main = ''] = html.split('<main')
  return [...main.matchAll(/<form([^>]*)>([\s\S]*?)<\/form>/g)].flatMap(([, head = '', body = '']) => {
    if (!head.includes('method="post"')) return []
    const attribute = (tag: string, name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1]
    const named = [...body.matchAll(/<(?:input|textarea|select)\b[^>]*>([^<]*)/g)].flatMap(([tag, text]) => {
      const name = attribute(tag, 'name')
      return name ? [[name, unescaped(attribute(tag, 'value') || text?.trim() || 'x')] as const] : []
    })
    const fields = Object.fromEntries(named)
    const buttons = [...body.matchAll(/<button\b[^>]*>/g)].map(([tag]): Form => {
      const [name, action] = [attribute(tag, 'name'), attribute(tag, 'formaction')]
      const own = name ? { [name]: attribute(tag, 'value') ?? '' } : {}
      return { action: action ?? attribute(head, 'action') ?? '', fields: { ...fields, ...own } }
    })
    const check = attribute(head, 'data-check')
    return check ? [...buttons, { action: check, fields }] : buttons
  })
}

const unescaped = (text: string) =>
  text
    .replace(/&quot;/g, '"')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&')

const paths = PAGES.filter(({ get }) => get).map(({ path }) => path)

describe('a page of the console', () => {
  it.each(ROLES)('has only forms that the API takes from the role %s', async (role) => {
    const wrong: string[] = []
    for (const address of paths.flatMap(addressesOf)) {
      const { get, send, refused } = browserOf(role)
      const answer = await get(address)
      if (answer.status === 403) continue
      if (answer.status !== 200) wrong.push(`${address} is answered ${answer.status}`)
      for (const { action, fields } of formsIn(await answer.text())) {
        refused.length = 0
        await send(action, fields)
        wrong.push(...refused.map((what) => `${address}: the form ${action}: ${what}`))
      }
    }
    expect(wrong).toEqual([])
  })

  it.each(ROLES)('leads the role %s only to pages that it may open', async (role) => {
    const found = new Map<string, string>()
    for (const bodies of [bodyOf, firstBodyOf]) {
      const { get } = browserOf(role, bodies)
      for (const address of paths.flatMap(addressesOf)) {
        const answer = await get(address)
        for (const link of linksIn(await answer.text())) found.set(link, address)
      }
    }
    const { get } = browserOf(role)
    const wrong: string[] = []
    for (const [link, address] of found)
      if ((await get(link)).status === 403) wrong.push(`${address} leads to ${link}`)
    expect(wrong).toEqual([])
  })

  it('shows the moves of rules to those alone who may change the policy', async () => {
    const pageOf = async (role: Principal['role']) => (await browserOf(role).get('/policy/news')).text()
    const [viewer, admin] = [await pageOf('publisher-viewer'), await pageOf('publisher-admin')]
    const partsIn = (html: string) => ['value="move"', '>Order<'].map((part) => html.includes(part))
    expect([viewer, admin].map(partsIn)).toEqual([
      [false, false],
      [true, true],
    ])
  })

  it('names the right that it needs to those without it', async () => {
    const answer = await browserOf('accountant').get('/agents/new')
    expect(answer.status).toBe(403)
    expect(await answer.text()).toContain('This page needs the right to give credit and book money.')
  })

  it('has a form for each act of the owner', async () => {
    const acts = new Set<string>()
    for (const address of paths.flatMap(addressesOf))
      for (const { action } of formsIn(await (await browserOf('owner').get(address)).text())) acts.add(action)
    // Its form comes once the member has shown who it is.
    const later = '/settings/passkeys'
    const posted = PAGES.flatMap(({ path, post }) => (post && path !== later ? [path] : []))
    const missing = posted.filter((path) => {
      const shape = new RegExp(`^${path.replace(PARAMETER, '[^/]+')}$`)
      return ![...acts].some((action) => shape.test(action))
    })
    expect(missing).toEqual([])
  })
})
