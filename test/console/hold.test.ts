import { describe, expect, it } from 'vitest'
import type { Principal } from '../../src/people/principal.ts'
import { address, bodyOf, channel } from './bodies.ts'
import { browse, OWNER } from './edge.ts'

const KEY = '0123456789abcdef-key'
const ACCOUNTANT: Principal = { ...OWNER, role: 'accountant' }

async function pageOf(id: string, who = OWNER): Promise<string> {
  return (await browse(bodyOf, who).get(`/accounts/${encodeURIComponent(id)}`)).text()
}

describe('the page of a held account', () => {
  it('states the list, its reason and the time', async () => {
    for (const { id } of [channel, address]) {
      const text = await pageOf(id)
      expect(text).toContain('Held</span>')
      for (const fact of [`0x${'12'.repeat(20)}`, 'operator', 'on the deny list', '1 Jan 1970, 00:00'])
        expect(text).toContain(fact)
    }
  })

  it('repeats the unclaimed amount and the name on the button that releases it', async () => {
    expect(await pageOf(channel.id)).toContain('Release the hold of $0.000002 on 0xabababab…abab')
    expect(await pageOf(address.id)).toContain('Release the hold on 0x12121212…1212')
  })

  it('shows the form to those alone who may move money', async () => {
    for (const { id } of [channel, address]) {
      const text = await pageOf(id, ACCOUNTANT)
      expect(text).toContain('on the deny list')
      expect(text).not.toContain('/release')
    }
  })
})

describe('the release of a hold', () => {
  it('is sent with its reason and the key of its form, and ends on the page of its outcome', async () => {
    const { send, orders } = browse(bodyOf)
    const own = `/accounts/${encodeURIComponent(address.id)}`
    const answer = await send(`${own}/release`, { key: KEY, reason: ' a namesake ' })
    expect(answer.status).toBe(303)
    expect(answer.headers.get('location')).toMatch(new RegExp(`^/acts/${KEY}\\?to=.*&is=done$`))
    const body = JSON.stringify({ reason: 'a namesake' })
    expect(orders).toMatchObject([{ method: 'POST', path: `${own}/release`, key: KEY, body }])
  })

  it('shows the form again with its reason where the API refuses it', async () => {
    const { send } = browse((order) => (order.method === 'POST' ? undefined : bodyOf(order)))
    const answer = await send(`/accounts/${channel.id}/release`, { key: KEY, reason: 'a namesake' })
    expect(answer.status).toBe(404)
    expect(await answer.text()).toContain('value="a namesake"')
  })

  it('shows the operator’s reason on the page of its outcome', async () => {
    const act = {
      ...{ seq: 42, at: 1, who: 'op', what: 'account.release', subject: channel.id, before: null },
      after: { hold: null, reason: 'a namesake' },
    }
    const { get } = browse((order) =>
      order.path.startsWith('/audit') ? { acts: [act], next: null } : bodyOf(order),
    )
    const text = await (await get(`/acts/${KEY}?to=/accounts/${channel.id}&at=1&is=done`)).text()
    expect(text).toContain('<h1>Hold released</h1>')
    expect(text).toMatch(/<dt>Reason<\/dt><dd>a namesake<\/dd>/)
  })
})
