/** The console while the edge Worker is silent: it says so, and a form keeps what was typed. Pages have a bounded weight. */
import { describe, expect, it } from 'vitest'
import { formTokenOf } from '../../src/console/guard.ts'
import app from '../../src/console/worker.ts'
import type { ConsoleOrder } from '../../src/people/console-call.ts'
import { ownerOf } from '../../src/people/principal.ts'

const URL_OF = 'http://localhost'
const SESSION = 'a-session'
const cookie = `tab402=${SESSION}`

type Answers = (method: string, path: string) => { status: number; body: unknown } | null

const NO_PEOPLE = { status: 200, body: { members: [] } }

/** The edge Worker as the console calls it. A null answer is none. */
function edgeOf(answers: Answers | null) {
  return {
    whoIs: async () => {
      if (!answers) throw new Error('silent')
      return ownerOf('a'.repeat(64))
    },
    askAll: async (_: string, orders: readonly ConsoleOrder[]) => ({
      answers: orders.map(({ method = 'GET', path }) => {
        const answer = path === '/people' ? NO_PEOPLE : answers?.(method, path)
        if (!answer) throw new Error('silent')
        return { status: answer.status, type: 'application/json', text: JSON.stringify(answer.body) }
      }),
    }),
  }
}

const rules = (count: number) =>
  Array.from({ length: count }, (_, at) => ({ action: 'charge', path: `/section-${at}/*`, price: '0.01' }))

function siteOf(count: number) {
  const terms = { PRICE: '0.002', RULES: rules(count) }
  const document = {
    id: 'news',
    publisher: 'press',
    hosts: ['news.example'],
    via: 'route',
    mode: 'live',
    terms,
  }
  const draft = { document, at: 1, who: 'op' }
  return {
    id: 'news',
    publisher: 'press',
    mode: 'live',
    revision: 3,
    draft,
    published: null,
    hosts: [],
    pending: [],
  }
}

async function send(path: string, fields: Record<string, string>, answers: Answers | null) {
  const body = new URLSearchParams({ form: await formTokenOf(SESSION), ...fields })
  const headers = { cookie, origin: URL_OF }
  const answer = await app.request(
    `${URL_OF}${path}`,
    { method: 'POST', headers, body },
    { EDGE: edgeOf(answers) },
  )
  return { status: answer.status, page: await answer.text() }
}

const TYPED = { kind: 'text', text: '{"id": "<typed>"}', revision: '3' }

describe('a form while the edge Worker is silent', () => {
  it('comes back with all that was typed, to be sent again: nothing of it was done', async () => {
    const { status, page } = await send('/policy/news/text', TYPED, null)
    expect(status).toBe(503)
    expect(page).toContain('Send it again')
    expect(page).toContain('{&quot;id&quot;: &quot;&lt;typed&gt;&quot;}')
    expect(page).toContain('action="/policy/news/text"')
    expect(page).toMatch(/name="revision" value="3"/)
  })

  it('comes back as well where only the site cannot be read', async () => {
    const { status, page } = await send('/policy/news/text', TYPED, () => null)
    expect(status).toBe(503)
    expect(page).toContain('&lt;typed&gt;')
  })

  it('keeps its page where the write is not answered, and says that the outcome is unknown', async () => {
    const text = JSON.stringify({ ...siteOf(1).draft.document, via: 'hostname' })
    const { status, page } = await send('/policy/news/text', { ...TYPED, text }, (method) =>
      method === 'GET' ? { status: 200, body: siteOf(1) } : null,
    )
    expect(status).toBe(503)
    expect(page).toContain('The outcome is unknown')
    expect(page).toContain('&quot;via&quot;:&quot;hostname&quot;')
  })

  it('gets 503 for its check while it is typed', async () => {
    expect((await send('/policy/news/check', TYPED, () => null)).status).toBe(503)
  })
})

describe('the page of a policy with 3,000 rules', () => {
  it('has at most 60 kB', async () => {
    const answers: Answers = (_, path) =>
      path === '/sites/check' ? { status: 200, body: { warnings: [] } } : { status: 200, body: siteOf(3_000) }
    for (const path of ['/policy/news', '/policy/news?first=1500&edit=1500', '/policy/news?edit=new']) {
      const answer = await app.request(`${URL_OF}${path}`, { headers: { cookie } }, { EDGE: edgeOf(answers) })
      const page = await answer.text()
      expect([path, answer.status]).toEqual([path, 200])
      expect(page.length).toBeLessThan(60_000)
    }
  })
})
