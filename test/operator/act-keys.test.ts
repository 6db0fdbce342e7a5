/** Changes under a key: done once, however often they are sent. */
import { env, introspectWorkflow, runInDurableObject } from 'cloudflare:test'
import { beforeAll, describe, expect, it } from 'vitest'
import { AUDIT } from '../../src/ledger/act.ts'
import { openChannel } from '../ledger/channel/harness.ts'
import { newOperator, type Operator } from './harness.ts'

let operator: Operator

beforeAll(async () => {
  operator = await newOperator()
})

let keys = 0
const newKey = () => `key-of-a-test-${String(keys++).padStart(6, '0')}`

const send = (path: string, body: object | undefined, key: string) =>
  operator.call('POST', path, body, { 'idempotency-key': key })

async function actsOn(subject: string) {
  const { body } = await operator.get(`/api/audit?subject=${subject}&limit=500`)
  return body.acts as { seq: number; what: string; who: string }[]
}

describe('a change under an Idempotency-Key', () => {
  it('is answered a second time as it was the first time, and is done once', async () => {
    const { id } = await operator.enrol()
    const key = newKey()
    const first = await send(`/api/agents/${id}/suspend`, { reason: 'a dispute' }, key)
    const second = await send(`/api/agents/${id}/suspend`, { reason: 'a dispute' }, key)
    expect([first.status, second.status, second.text]).toEqual([200, 200, first.text])
    expect((await actsOn(id)).map(({ what }) => what)).toEqual(['agent.suspend', 'agent.create'])
  })

  it('leads to its entry in the audit log', async () => {
    const { id } = await operator.enrol()
    const key = newKey()
    await send(`/api/agents/${id}/suspend`, { reason: 'x' }, key)
    const { body } = await operator.get(`/api/acts/${key}`)
    const [act] = await actsOn(id)
    expect(body).toMatchObject({ status: 200, act: act?.seq })
  })

  it('is refused again with the same problem', async () => {
    const key = newKey()
    const path = '/api/agents/unknown-bot/resume'
    expect((await send(path, undefined, key)).status).toBe(404)
    expect((await send(path, undefined, key)).body.code).toBe('not_found')
  })

  it('is refused where the key belongs to another request', async () => {
    const { id } = await operator.enrol()
    const key = newKey()
    await send(`/api/agents/${id}/suspend`, { reason: 'x' }, key)
    const other = await send(`/api/agents/${id}/suspend`, { reason: 'y' }, key)
    expect([other.status, other.body.code]).toEqual([409, 'key_used'])
  })

  it('is refused while the same one is under way, and done with its first time a minute later', async () => {
    await using runs = await introspectWorkflow(env.SETTLEMENT)
    await runs.modifyAll((run) => run.disableSleeps())
    const key = newKey()
    const first = await send('/api/runs', undefined, key)
    const begun = (change: string) =>
      runInDurableObject(env.AUDIT.getByName(AUDIT), (_, { storage }) => {
        storage.sql.exec(`UPDATE keyed SET status = NULL${change} WHERE key = ?`, key)
      })
    await begun('')
    expect((await send('/api/runs', undefined, key)).body.code).toBe('key_running')
    expect((await operator.get(`/api/acts/${key}`)).body).toMatchObject({ status: null })
    await begun(', at = at - 60001')
    const again = await send('/api/runs', undefined, key)
    expect(again.status).toBe(202)
    // A minute earlier is another run: the key's own time names it, not the time of the second request.
    const at = (body: Record<string, unknown>) => String(body.id).slice(-6)
    expect(minutes(at(first.body)) - minutes(at(again.body))).toBe(1)
  })

  it('must be 16 to 100 characters', async () => {
    const answer = await send('/api/runs', undefined, 'short')
    expect([answer.status, answer.body.code]).toEqual([400, 'key_invalid'])
  })

  it('is not shown by a key that was never sent', async () => {
    expect((await operator.get(`/api/acts/${newKey()}`)).status).toBe(404)
  })
})

/** Minutes since midnight of `hhmmss`. */
function minutes(clock: string): number {
  return Number(clock.slice(0, 2)) * 60 + Number(clock.slice(2, 4))
}

describe('POST /api/accounts/:id/lift', () => {
  it('takes a channel out of quarantine, once, and says so in the audit log', async () => {
    const channel = await openChannel()
    await channel.account().quarantine('reverted')
    const path = `/api/accounts/${channel.id}/lift`
    expect((await operator.post(path)).body).toEqual({ id: channel.id, quarantine: null })
    expect((await channel.account().standing())?.quarantine).toBeNull()
    expect((await operator.post(path)).body.code).toBe('not_quarantined')
    expect((await actsOn(channel.id)).map(({ what }) => what)).toEqual(['account.lift', 'account.lift.asked'])
  })
})

describe('lists of the API', () => {
  it.each(['accounts', 'runs', 'invoices'])('of %s refuse an order that they do not have', async (list) => {
    const { status, body } = await operator.get(`/api/${list}?sort=evil`)
    expect([status, body.code]).toEqual([400, 'invalid'])
  })

  it('show a journal from its end', async () => {
    const channel = await openChannel()
    for (const page of ['/a', '/b', '/c']) await channel.charge(page)
    const read = async (query: string) => {
      const { body } = await operator.get(`/api/accounts/${channel.id}?${query}`)
      return (body.entries as { seq: number }[]).map(({ seq }) => seq)
    }
    const newest = await read('sort=-entry&limit=2')
    expect(newest).toHaveLength(2)
    expect(newest[0]).toBe((newest[1] ?? 0) + 1)
    expect(await read(`sort=-entry&limit=1&after=${newest[1]}`)).toEqual([(newest[1] ?? 0) - 1])
  })

  it('find acts by kind and actor, the newest first', async () => {
    const { id } = await operator.enrol()
    await operator.post(`/api/agents/${id}/suspend`, { reason: 'x' })
    const { body } = await operator.get('/api/audit?what=agent&limit=2')
    const [first, second] = body.acts as { seq: number; what: string; who: string }[]
    expect([first?.what, second?.what]).toEqual(['agent.suspend', 'agent.create'])
    const byOther = await operator.get('/api/audit?who=another')
    expect(byOther.body.acts).toEqual([])
  })
})
