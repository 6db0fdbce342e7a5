/** The console beside the Worker: who gets in, what its pages show, and that its forms come from the console alone. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Site, startSite } from './site.ts'

let site: Site
let url: string

beforeAll(async () => {
  site = await startSite()
  url = site.facts.console.url
})
afterAll(() => site.stop())

const ask = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${url}${path}`, { redirect: 'manual', headers })

function send(path: string, fields: Record<string, string>, headers: Record<string, string> = {}) {
  const body = new URLSearchParams(fields)
  return fetch(`${url}${path}`, {
    method: 'POST',
    body,
    redirect: 'manual',
    headers: { origin: url, ...headers },
  })
}

/** Signs in, and returns the header with the session's cookie. */
async function signIn() {
  const answer = await send('/sign-in', { token: site.facts.operator.token })
  const [cookie = ''] = (answer.headers.get('set-cookie') ?? '').split(';')
  return { cookie }
}

/** The token that the forms of a page carry. */
function formOf(page: string): string {
  return /name="form" value="([^"]+)"/.exec(page)?.[1] ?? ''
}

describe('the sign-in of the console', () => {
  it('sends a visitor without a session to the sign-in, and back to the page after it', async () => {
    const answer = await ask('/runs?limit=5')
    expect(answer.status).toBe(303)
    expect(answer.headers.get('location')).toBe('/sign-in?to=%2Fruns%3Flimit%3D5')
    const back = await send('/sign-in', { token: site.facts.operator.token, to: '/runs?limit=5' })
    expect(back.headers.get('location')).toBe('/runs?limit=5')
  })

  it('never goes on to another host after the sign-in', async () => {
    for (const to of ['//evil.example', 'https://evil.example', '/\\evil.example', '\t//evil.example']) {
      const answer = await send('/sign-in', { token: site.facts.operator.token, to })
      expect(new URL(answer.headers.get('location') ?? '', url).origin).toBe(url)
    }
  })

  it('gives a cookie that no script and no other site can use', async () => {
    const answer = await send('/sign-in', { token: site.facts.operator.token })
    const cookie = answer.headers.get('set-cookie')
    expect(cookie).toMatch(/HttpOnly/)
    expect(cookie).toMatch(/SameSite=Strict/)
    expect(cookie).not.toMatch(/Max-Age|Domain/)
  })

  it('refuses a wrong token, and notes it in the audit log', async () => {
    expect((await send('/sign-in', { token: 'another' })).status).toBe(403)
    const page = await (await ask('/audit', await signIn())).text()
    expect(page).toContain('session.denied')
    expect(page).toContain('session.open')
    expect(page).not.toContain('another')
  })

  it('takes no forged session', async () => {
    const answer = await ask('/', { cookie: `tab402=${'A'.repeat(43)}` })
    expect(answer.headers.get('location')).toBe('/sign-in')
  })

  it('takes no session after it was signed out', async () => {
    const session = await signIn()
    expect((await ask('/', session)).status).toBe(200)
    await send('/sign-out', {}, session)
    expect((await ask('/', session)).status).toBe(303)
  })
})

describe('the forms of the console', () => {
  it('are refused from another origin', async () => {
    const session = await signIn()
    const answer = await send('/runs', {}, { ...session, origin: 'https://evil.example' })
    expect(answer.status).toBe(403)
  })

  it('are refused without the token of their session', async () => {
    const session = await signIn()
    expect((await send('/runs', { form: 'x' }, session)).status).toBe(403)
    const page = await (await ask('/runs', session)).text()
    expect((await send('/runs', { form: formOf(page) }, session)).status).toBe(303)
  })

  it('are refused above 2 MB', async () => {
    const answer = await send('/sign-in', { token: 'x'.repeat(2_100_000) })
    expect(answer.status).toBe(413)
  })
})

describe('the pages of the console', () => {
  it('are answered each, one after the other, under a strict policy', async () => {
    const session = await signIn()
    for (const path of [
      '/',
      '/runs',
      '/accounts',
      '/agents',
      '/invoices',
      '/policy?url=/x&as=GPTBot',
      '/audit',
      '/setup',
    ]) {
      const answer = await ask(path, session)
      expect([path, answer.status]).toEqual([path, 200])
      expect(answer.headers.get('content-security-policy')).toMatch(/default-src 'none'/)
      expect(await answer.text()).not.toMatch(/ style=| on[a-z]+="/)
    }
  })

  it('show every check of the edge Worker and of the console, what fails first', async () => {
    const page = await (await ask('/setup', await signIn())).text()
    for (const title of ['The database has every migration', 'The console has a second lock'])
      expect(page).toContain(title)
    expect(page.indexOf('Failing')).toBeLessThan(page.indexOf('The database has every migration'))
    expect(page).toContain('past the Worker')
  })

  it('show what a crawler would be asked', async () => {
    const page = await (await ask('/policy?url=/articles/1&as=GPTBot', await signIn())).text()
    expect(page).toContain('Is asked to pay')
    expect(page).toContain('$0.001')
  })
})

describe('the operator’s API', () => {
  it('answers requests after the first one of an isolate: a stub works in one request alone', async () => {
    const { url, token } = site.facts.operator
    for (const path of ['/runs', '/relayer', '/relayer', '/audit', '/audit']) {
      const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })
      expect([path, answer.status]).toEqual([path, 200])
    }
  })
})
