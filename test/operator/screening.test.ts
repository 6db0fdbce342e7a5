/** The operator's word about a held account, and its view of the sources. */
import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { accountApi } from '../../src/app/api.ts'
import type { Bindings } from '../../src/app/bindings.ts'
import { operatorOf } from '../../src/app/operator.ts'
import { refreshAddresses } from '../../src/screening/lists.ts'
import { newReceiver, openChannel } from '../settlement/harness.ts'
import { newOperator, TOKEN } from './harness.ts'

const LISTED = {
  act: 'voucher',
  address: `0x${'12'.repeat(20)}`,
  status: 'listed',
  isAllowed: false,
  list: 'operator',
  dated: null,
  reason: 'on the deny list',
} as const

describe('POST /api/accounts/{id}/release', () => {
  it('ends the hold of a channel, and journals and audits the operator with its reason', async () => {
    const channel = await openChannel(await newReceiver())
    await channel.account.screened(LISTED)
    const { get, post } = await newOperator()
    expect((await get(`/api/accounts/${channel.id}`)).body.standing).toMatchObject({
      hold: { list: 'operator' },
    })
    const { status, body } = await post(`/api/accounts/${channel.id}/release`, { reason: 'a namesake' })
    expect([status, body]).toMatchObject([
      200,
      { id: channel.id, hold: null, released: { list: 'operator' } },
    ])
    expect((await channel.account.standing())?.hold).toBeUndefined()
    const { body: journal } = await get(`/api/accounts/${channel.id}/screening`)
    expect(journal.screenings).toMatchObject([
      {
        act: 'voucher',
        status: 'listed',
        isAllowed: false,
        list: 'operator',
        dated: null,
        reason: 'on the deny list',
      },
      {
        act: 'operator',
        status: 'released',
        reason: expect.stringMatching(/^token [0-9a-f]{8}: a namesake$/),
      },
    ])
    const { body: audit } = await get('/api/audit?limit=500')
    expect((audit.acts as object[]).slice(-2)).toMatchObject([
      { what: 'account.release.asked', subject: channel.id, after: { reason: 'a namesake' } },
      {
        what: 'account.release',
        before: { hold: { list: 'operator' } },
        after: { hold: null, reason: 'a namesake' },
      },
    ])
  })

  it('ends the hold of an address', async () => {
    const id = `eip155:84532:0x${'34'.repeat(20)}`
    await env.AUTHORIZATIONS.getByName(id).screened(LISTED)
    const { get, post } = await newOperator()
    expect((await get(`/api/accounts/${id}`)).body.hold).toMatchObject({ list: 'operator' })
    expect((await post(`/api/accounts/${id}/release`, { reason: 'x' })).status).toBe(200)
    expect((await get(`/api/accounts/${id}`)).body).not.toHaveProperty('hold')
    expect(await env.AUTHORIZATIONS.getByName(id).hold()).toBeNull()
  })

  it('answers 404 without a hold, and 400 without a reason', async () => {
    const channel = await openChannel(await newReceiver())
    const { post } = await newOperator()
    for (const id of [channel.id, `0x${'00'.repeat(32)}`, 'agent-x'])
      expect((await post(`/api/accounts/${id}/release`, { reason: 'x' })).status).toBe(404)
    await channel.account.screened(LISTED)
    expect((await post(`/api/accounts/${channel.id}/release`, {})).status).toBe(400)
    expect(await channel.account.hold()).not.toBeNull()
  })
})

describe('GET /api/screening', () => {
  it('shows the sources, how each act fails, and size, date and hash of each list', async () => {
    const url = 'https://lists.example/addresses.txt'
    const text = `${LISTED.address}\n`
    const [now, later] = [Date.now(), Date.now()]
    await refreshAddresses(env.LISTS, [url], { now: () => now, fetch: async () => new Response(text) })
    const vars = { SCREENING: { lists: url, exact: 'open' }, SCREEN_DENY: LISTED.address }
    const tokenSha256 = (await newOperator()).settings.tokenSha256
    const settings = operatorOf({
      ...env,
      ...vars,
      OPERATOR_TOKEN_SHA256: tokenSha256,
    } as unknown as Bindings)
    const answer = await accountApi(settings, () => later).fetch(
      new Request('https://site.example/_tab402/api/screening', {
        headers: { authorization: `Bearer ${TOKEN}` },
      }),
    )
    expect(await answer.json()).toMatchObject({
      oracles: {},
      allow: 0,
      deny: 1,
      failing: { exact: 'open', deposit: 'closed', voucher: 'open' },
      lists: [
        {
          url,
          addresses: 1,
          bytes: 43,
          sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
          fetchedAt: now,
          triedAt: now,
          isOld: false,
        },
      ],
    })
  })

  it('answers 404 on a site without screening', async () => {
    const { settings } = await newOperator()
    const api = accountApi({ ...settings, screening: undefined }, Date.now)
    const headers = { authorization: `Bearer ${TOKEN}` }
    const answer = await api.fetch(new Request('https://site.example/_tab402/api/screening', { headers }))
    expect(answer.status).toBe(404)
  })
})
