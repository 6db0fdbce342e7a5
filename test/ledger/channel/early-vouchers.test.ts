/** Many requests at once on one account: nobody is lost, nobody is told twice, nobody waits for ever. */
import { abortAllDurableObjects } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { QUEUE_LIMIT } from '../../../src/ledger/channel/queue.ts'
import type { Answer } from '../../../src/ledger/channel/types.ts'
import { newTab, PRICE, reasonOf, type Tab, toCharge } from './harness.ts'

/** What an unmodified client does: signs over what it knows, and when it is corrected, once more over what it is told. */
async function buy(tab: Tab, request: string, known: bigint, thinks = 0): Promise<Answer> {
  const answer = await tab.place(toCharge(known + PRICE, { request }))
  if (answer.outcome !== 'refused' || answer.reason !== 'voucher_stale' || !answer.standing) return answer
  await scheduler.wait(thinks)
  return tab.place(toCharge(answer.standing.charged + PRICE, { request }))
}

describe('clients at once on one channel', () => {
  it.each([2, 16, 64])('are all served after one correction each (%s of them)', async (count) => {
    const tab = await newTab()
    const answers = await Promise.all(
      Array.from({ length: count }, (_, i) => buy(tab, `GET /${i}`, 0n, i % 3)),
    )
    expect(answers.map(({ outcome }) => outcome)).toEqual(Array(count).fill('charged'))
    expect(await tab.standing()).toMatchObject({ charged: BigInt(count) * PRICE })
  })

  it('that come out of order are put in order', async () => {
    const tab = await newTab()
    const answers = await Promise.all(
      [3n, 2n, 4n, 1n].map((nth) => tab.place(toCharge(nth * PRICE, { request: `GET /${nth}` }))),
    )
    expect(answers.map(({ outcome }) => outcome)).toEqual(Array(4).fill('charged'))
  })

  it('go on without one that was corrected and went away', async () => {
    const tab = await newTab()
    await tab.charge('GET /first')
    expect(reasonOf(await tab.place(toCharge(1n, { request: 'GET /gone' })))).toBe('voucher_stale')
    expect(await buy(tab, 'GET /b', 0n)).toMatchObject({ outcome: 'charged' })
  })

  it('wait in the order of their coming', async () => {
    const tab = await newTab()
    await tab.charge('GET /first')
    expect(reasonOf(await tab.place(toCharge(1n, { request: 'GET /gone' })))).toBe('voucher_stale')
    const served: string[] = []
    const requests = ['GET /a', 'GET /b', 'GET /c', 'GET /d']
    await Promise.all(
      requests.map(async (request) => {
        await buy(tab, request, 0n)
        served.push(request)
      }),
    )
    expect(served).toEqual(requests)
  })

  it('find the channel busy when too many wait already', async () => {
    const tab = await newTab()
    await tab.charge('GET /first')
    expect(reasonOf(await tab.place(toCharge(1n, { request: 'GET /gone' })))).toBe('voucher_stale')
    const given: Answer[] = []
    for (let i = 0; i < QUEUE_LIMIT; i++) {
      tab.place(toCharge(1n, { request: `GET /${i}` })).then(
        (answer) => given.push(answer),
        () => undefined,
      )
    }
    const late = await Promise.all(
      [1, 2, 3].map((i) => tab.place(toCharge(1n, { request: `GET /late/${i}` }))),
    )
    expect(late.map(reasonOf)).toEqual(Array(3).fill('channel_busy'))
    expect(given.map(reasonOf).filter((reason) => reason !== 'voucher_stale')).toEqual([])
    await abortAllDurableObjects()
  })
})
