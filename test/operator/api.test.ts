import { env, introspectWorkflow } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { accountApi } from '../../src/app/api.ts'
import { chartMoney } from '../../src/ledger/book/chart.ts'
import { saveRun } from '../../src/ledger/book/runs.ts'
import { NO_TOTALS } from '../../src/ledger/exact/sales.ts'
import { toHex } from '../../src/protocol/evm/hex.ts'
import { randomHex } from '../chain/harness.ts'
import { newReceiver, openChannel } from '../settlement/harness.ts'

const TOKEN = 'a-token-of-the-operator'
const NOW = Date.UTC(2026, 10, 21, 12, 30, 5)

async function api(configured = true) {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(TOKEN))
  const { BOOK: book, ACCOUNT: accounts, AUTHORIZATIONS: authorizations, SETTLEMENT: settlement } = env
  const tokenSha256 = configured ? toHex(new Uint8Array(digest)).slice(2) : undefined
  const runKinds = ['settlement'] as const
  const charts = { book: chartMoney(book), traffic: null }
  const settings = { tokenSha256, book, charts, accounts, authorizations, settlement, runKinds, networks: [] }
  return accountApi(settings, () => NOW)
}

async function call(path: string, authorization: string | null = `Bearer ${TOKEN}`, method = 'GET') {
  const headers = authorization === null ? undefined : { authorization }
  const response = await (await api()).request(path, { method, ...(headers && { headers }) })
  return { status: response.status, headers: response.headers, body: await response.json() }
}

describe('Operator token', () => {
  it('is required: other authorization headers return 401 [G1]', async () => {
    for (const authorization of [
      null,
      'Bearer',
      'Bearer ',
      `Basic ${TOKEN}`,
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(0, -1)}`,
      `Bearer ${TOKEN.toUpperCase()}`,
      TOKEN,
      `Bearer ${TOKEN} ${TOKEN}`,
    ]) {
      for (const [path, method] of [
        ['/_tab402/api/runs', 'GET'],
        ['/_tab402/api/runs', 'POST'],
        ['/_tab402/api/accounts', 'GET'],
        ['/_tab402/api/nothing', 'GET'],
      ] as const) {
        const { status, headers, body } = await call(path, authorization, method)
        expect([status, body]).toMatchObject([401, { code: 'unauthorized' }])
        expect(headers.get('www-authenticate')).toBe('Bearer')
        expect(headers.get('cache-control')).toBe('no-store')
      }
    }
  })

  it('must be configured, or the API returns 404 [G1]', async () => {
    const response = await (await api(false)).request('/_tab402/api/runs', {
      headers: { authorization: `Bearer ${TOKEN}` },
    })
    expect(response.status).toBe(404)
  })

  it('cannot be replaced by its digest [G1]', async () => {
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(TOKEN))
    expect((await call('/_tab402/api/runs', `Bearer ${toHex(new Uint8Array(digest)).slice(2)}`)).status).toBe(
      401,
    )
  })
})

describe('Operator API', () => {
  it('starts at most one run per second', async () => {
    await newReceiver()
    await using runs = await introspectWorkflow(env.SETTLEMENT)
    await runs.modifyAll((modifier) => modifier.disableSleeps())
    const first = await call('/_tab402/api/runs', undefined, 'POST')
    const run = { id: 'settle-20261121T123005', started: true }
    expect([first.status, first.body]).toEqual([202, { ...run, runs: [run] }])
    const second = await call('/_tab402/api/runs', undefined, 'POST')
    expect(second.body).toEqual({ ...run, started: false, runs: [{ ...run, started: false }] })
    const [instance] = await runs.get()
    await instance?.waitForStatus('complete')
    const { body } = await call('/_tab402/api/runs/settle-20261121T123005')
    expect(body).toMatchObject({
      run: { status: 'settled', record: { startedBy: 'operator', claimed: '0' } },
      workflow: { status: 'complete' },
    })
  })

  it('returns runs, newest first', async () => {
    const run = { kind: 'settlement', status: 'settled', endedAt: null, record: {} } as const
    await saveRun(env.BOOK, { ...run, id: 'settle-20300101T000000', startedAt: 9e12 })
    await saveRun(env.BOOK, { ...run, id: 'settle-20300102T000000', startedAt: 9e12 + 1 })
    const { body } = await call('/_tab402/api/runs?limit=2')
    expect(body).toMatchObject({ runs: [{ id: 'settle-20300102T000000' }, { id: 'settle-20300101T000000' }] })
  })

  it('returns an account with its journal, amounts as decimal strings', async () => {
    const channel = await openChannel(await newReceiver())
    await channel.charge(12n)
    const list = await call('/_tab402/api/accounts?limit=1')
    expect(list.body).toMatchObject({ accounts: [{ id: channel.id, kind: 'channel' }], next: channel.id })
    const { body } = await call(`/_tab402/api/accounts/${channel.id}?after=1&limit=10`)
    expect(body).toMatchObject({
      id: channel.id,
      kind: 'channel',
      standing: { authorized: '12', charged: '12', redeemed: '0', state: { balance: '1000' } },
      entries: [{ seq: 2, kind: 'charge', amount: '12' }],
      next: 2,
    })
  })

  it('returns the entries of an account that a query asks for, and where to go on', async () => {
    const channel = await openChannel(await newReceiver())
    await channel.charge(12n)
    const path = `/_tab402/api/accounts/${channel.id}?limit=10`
    expect((await call(`${path}&site=gazette`)).body).toMatchObject({ entries: [], next: 2 })
    expect((await call(`${path}&site=&who=`)).body).toMatchObject({ entries: [{ seq: 1 }, { seq: 2 }] })
  })

  it('returns the exact totals of a payer', async () => {
    const id = `eip155:84532:${randomHex(20)}`
    const { body } = await call(`/_tab402/api/accounts/${id}`)
    expect(body).toEqual({
      id,
      kind: 'exact',
      totals: { ...NO_TOTALS, received: '0' },
      payments: [],
      next: null,
    })
  })

  it('returns each exact payment of a payer once, in pages', async () => {
    const payer = randomHex(20)
    const id = `eip155:84532:${payer}`
    const account = env.AUTHORIZATIONS.getByName(id)
    const parties = {
      name: id,
      payer,
      receiver: randomHex(20),
      signature: randomHex(65),
      request: 'GET /',
      validBefore: 10n ** 10n,
    }
    const [one, two] = [randomHex(20), randomHex(20)]
    for (const token of [one, one, two]) {
      await account.take({ ...parties, id: randomHex(8), token, nonce: randomHex(32), amount: 5n })
    }
    const found: string[] = []
    for (let after: string | null = ''; after !== null; ) {
      const { body } = await call(`/_tab402/api/accounts/${id}?limit=1&after=${after}`)
      const { payments, next } = body as { payments: { id: string; amount: string }[]; next: string | null }
      expect(payments.every((payment) => payment.amount === '5' && !('signature' in payment))).toBe(true)
      found.push(...payments.map((payment) => payment.id))
      after = next
    }
    expect(new Set(found).size).toBe(3)
    expect(found).toEqual(found.toSorted())
  })

  it('returns 404 for unknown paths and ids', async () => {
    for (const path of [
      '/_tab402',
      '/_tab402/',
      '/_tab402/api',
      '/_tab402/dashboard',
      '/_tab402/api/nothing',
      '/_tab402/api/runs/settle-20000101T000000',
      "/_tab402/api/runs/'%20OR%201=1",
      `/_tab402/api/accounts/${randomHex(32)}`,
      '/_tab402/api/accounts/0x12',
    ]) {
      const { status, body } = await call(path)
      expect([path, status, body]).toMatchObject([path, 404, { code: 'not_found' }])
    }
  })
})
