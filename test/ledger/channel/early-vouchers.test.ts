/** Many requests at once on one account: each is answered in bounded time and corrected at most once. */
import { abortAllDurableObjects } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { QUEUE_LIMIT } from '../../../src/ledger/channel/queue.ts'
import type { Answer } from '../../../src/ledger/channel/types.ts'
import { type OpenChannel, openChannel, PRICE, reasonOf, toCharge } from './harness.ts'

/** Acts as an unmodified client: signs over the total it knows, then once more over the corrected total. */
async function buy(channel: OpenChannel, request: string, known: bigint, thinks = 0): Promise<Answer> {
  const answer = await channel.place(toCharge(known + PRICE, { request }))
  if (answer.outcome !== 'refused' || answer.reason !== 'voucher_stale' || !answer.standing) return answer
  await scheduler.wait(thinks)
  return channel.place(toCharge(answer.standing.charged + PRICE, { request }))
}

describe('Account.place with concurrent clients', () => {
  it.each([2, 16, 64])('charges all %s clients after one correction each', async (count) => {
    const channel = await openChannel()
    const answers = await Promise.all(
      Array.from({ length: count }, (_, i) => buy(channel, `GET /${i}`, 0n, i % 3)),
    )
    expect(answers.map(({ outcome }) => outcome)).toEqual(Array(count).fill('charged'))
    expect(await channel.standing()).toMatchObject({ charged: BigInt(count) * PRICE })
  })

  it('charges vouchers in order when they arrive out of order', async () => {
    const channel = await openChannel()
    const answers = await Promise.all(
      [3n, 2n, 4n, 1n].map((nth) => channel.place(toCharge(nth * PRICE, { request: `GET /${nth}` }))),
    )
    expect(answers.map(({ outcome }) => outcome)).toEqual(Array(4).fill('charged'))
  })

  it('charges the next client when a corrected one does not return', async () => {
    const channel = await openChannel()
    await channel.charge('GET /first')
    expect(reasonOf(await channel.place(toCharge(1n, { request: 'GET /gone' })))).toBe('voucher_stale')
    expect(await buy(channel, 'GET /b', 0n)).toMatchObject({ outcome: 'charged' })
  })

  it('serves waiting clients in order of arrival', async () => {
    const channel = await openChannel()
    await channel.charge('GET /first')
    expect(reasonOf(await channel.place(toCharge(1n, { request: 'GET /gone' })))).toBe('voucher_stale')
    const served: string[] = []
    const requests = ['GET /a', 'GET /b', 'GET /c', 'GET /d']
    await Promise.all(
      requests.map(async (request) => {
        await buy(channel, request, 0n)
        served.push(request)
      }),
    )
    expect(served).toEqual(requests)
  })

  it('returns channel_busy at once to all but the queue of 300 early vouchers, and charges another channel [E14]', async () => {
    const [crowded, other] = [await openChannel({ balance: 10_000_000n }), await openChannel()]
    await crowded.charge('GET /first')
    let waiting = 300
    const answers = Array.from({ length: waiting }, async (_, i) => {
      const answer = await crowded.place(toCharge(5_000n * PRICE, { request: `GET /${i}` }))
      waiting--
      return answer
    })
    const busy = Promise.all(answers)
    await expect.poll(() => waiting, { timeout: 20_000 }).toBeLessThanOrEqual(QUEUE_LIMIT)
    // The others are corrected one at a time.
    expect((await other.charge()).outcome).toBe('charged')
    expect(waiting).toBeGreaterThan(0)
    await abortAllDurableObjects()
    await busy.catch(() => undefined)
  })

  it('returns channel_busy when the queue is full', async () => {
    const channel = await openChannel()
    await channel.charge('GET /first')
    expect(reasonOf(await channel.place(toCharge(1n, { request: 'GET /gone' })))).toBe('voucher_stale')
    const given: Answer[] = []
    for (let i = 0; i < QUEUE_LIMIT; i++) {
      channel.place(toCharge(1n, { request: `GET /${i}` })).then(
        (answer) => given.push(answer),
        () => undefined,
      )
    }
    const late = await Promise.all(
      [1, 2, 3].map((i) => channel.place(toCharge(1n, { request: `GET /late/${i}` }))),
    )
    expect(late.map(reasonOf)).toEqual(Array(3).fill('channel_busy'))
    expect(given.map(reasonOf).filter((reason) => reason !== 'voucher_stale')).toEqual([])
    await abortAllDurableObjects()
  })
})
