import { env, runInDurableObject } from 'cloudflare:test'
import { beforeEach, describe, expect, it } from 'vitest'
import { REPLAY_WINDOW_MS } from '../../src/ledger/replay-window.ts'
import {
  DELIVERY_LEASE_MS,
  MAX_ANSWERS,
  type StoredAnswer,
  StoredAnswers,
} from '../../src/ledger/stored-answers.ts'

const ANSWER: StoredAnswer = {
  status: 201,
  headers: [
    { name: 'set-cookie', value: 'a=1' },
    { name: 'set-cookie', value: 'b=2' },
  ],
  body: new Uint8Array([0, 255, 10]).buffer,
}

let within: <Value>(work: (answers: StoredAnswers, sql: SqlStorage) => Value) => Promise<Value>
beforeEach(() => {
  const stub = env.ACCOUNT.getByName(crypto.randomUUID())
  within = (work) =>
    runInDurableObject(stub, (_, { storage }) => work(new StoredAnswers(storage.sql), storage.sql))
})

describe('StoredAnswers', () => {
  it('returns an answer as it was stored, and keeps the first of a charge', async () => {
    const found = await within((answers) => {
      answers.put('1', ANSWER, 1)
      answers.put('1', null, 2)
      return answers.find('1')
    })
    expect(found).toEqual(ANSWER)
  })

  it('creates no table before the first answer [H1]', async () => {
    const tables = await within((answers, sql) => {
      answers.prune(1)
      expect(answers.find('1')).toBeUndefined()
      return sql.exec(`SELECT name FROM sqlite_master WHERE name = 'answer'`).toArray()
    })
    expect(tables).toEqual([])
  })

  it('returns the reason for a replay without an answer', async () => {
    const reasons = await within((answers) => {
      answers.put('marked', null, 0)
      const at = (charge: string, now: number) => answers.replay(charge, 0, now)
      return [at('marked', 1), at('open', DELIVERY_LEASE_MS - 1), at('open', DELIVERY_LEASE_MS)]
    })
    expect(reasons).toEqual(['effect_delivered', 'effect_running', 'effect_unknown'])
  })

  it('drops what is older than the replay window, at the next write or when the object wakes', async () => {
    const left = await within((answers, sql) => {
      const rows = () => Number(sql.exec('SELECT count(*) AS n FROM answer').one().n)
      for (let n = 0; n < 50; n++) answers.put(`${n}`, ANSWER, 0)
      answers.put('late', ANSWER, REPLAY_WINDOW_MS)
      const afterWrite = rows()
      answers.prune(REPLAY_WINDOW_MS)
      return [afterWrite, rows()]
    })
    expect(left).toEqual([31, 1])
  })

  it(`holds ${MAX_ANSWERS} answers, and only marks the delivery of older ones`, async () => {
    const [first, second, last] = await within((answers) => {
      for (let n = 0; n <= MAX_ANSWERS; n++) answers.put(`${n}`, ANSWER, 1)
      return ['0', '1', `${MAX_ANSWERS}`].map((charge) => answers.find(charge))
    })
    expect([first, second, last]).toEqual([null, ANSWER, ANSWER])
  })
})
