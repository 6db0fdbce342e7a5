import { describe, expect, it } from 'vitest'
import type { Principal } from '../../src/people/principal.ts'
import { bodyOf } from './bodies.ts'
import { browse, OWNER } from './edge.ts'

const ADMIN: Principal = { id: 'member-9', name: 'Bo', role: 'publisher-admin', publisher: 'press' }

/** The text of a page whose every actor is `by`. */
async function textOf(path: string, by: string, who = OWNER): Promise<string> {
  const { get } = browse((order) => {
    const body = bodyOf(order)
    return body && JSON.parse(JSON.stringify(body).replaceAll('"who":"op"', `"who":"${by}"`))
  }, who)
  const [, main = ''] = (await (await get(path)).text()).split('<main')
  return main
    .replace(/ title="[^"]*"/g, '')
    .replace(/<[^>]*>/g, '')
    .replace(/&#39;/g, '’')
}

const PAGES = [
  '/policy/news',
  '/policy/news/history?version=2',
  '/sites/news',
  '/audit',
  '/audit/2',
  '/acts/0123456789abcdef?to=/agents/acme&at=1&is=done',
]

describe('a page that says who acted', () => {
  it.each(PAGES)('names a member, and the bearer of the operator’s token: %s', async (path) => {
    expect(await textOf(path, 'member-1')).toContain('Ann')
    expect(await textOf(path, 'token 0a1b2c3d')).toContain('Operator')
    expect(await textOf(path, 'member-1 by tok-1')).toContain('Ann, by an API token')
    expect(await textOf(path, 'member-2')).toContain('A removed member')
  })

  it('names only itself and the operator to a principal that may not see people', async () => {
    const text = (by: string) => textOf('/policy/news', by, ADMIN)
    expect(await text('member-9')).toContain('saved by Bo,')
    expect(await text('token 0a1b2c3d')).toContain('saved by Operator,')
    expect(await text('member-1')).toContain('saved by Another member,')
  })

  it('states the id of the actor on the page of an entry in the audit log', async () => {
    expect(await textOf('/audit/2', 'member-1 by tok-1')).toContain('member-1 by tok-1')
  })
})
