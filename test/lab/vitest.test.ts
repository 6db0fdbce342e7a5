import { describe, expect, it } from 'vitest'
import { AuditError, type Crawler, type Lab } from '../../src/lab/index.ts'
import '../../src/lab/vitest.ts'

const crawler = { score: async () => ({ charged: 500n, paid: 200n }) } as unknown as Crawler
const lab = { receiver: '0x1', books: async () => ({ chain: { wallets: { '0x1': 7n } } }) } as unknown as Lab

describe('the matchers of tab402/lab/vitest', () => {
  it('compare an amount with what a crawler owes and a lab has received', async () => {
    await expect(crawler).toOwe(300n)
    await expect(lab).toHaveReceived(7n)
    await expect(expect(crawler).toOwe(1n)).rejects.toThrow('must owe 1 micro-dollars, and owes 300')
  })

  it('say the opposite after not', async () => {
    await expect(expect(crawler).not.toOwe(300n)).rejects.toThrow('must not owe 300 micro-dollars')
    await expect(expect(lab).not.toHaveReceived(7n)).rejects.toThrow('must not have 7 micro-dollars')
  })

  it('reject a subject that they do not fit', async () => {
    const wrong = (subject: unknown) => expect(subject as Crawler)
    await expect(wrong(lab).toOwe(1n)).rejects.toThrow('the matcher must be given a crawler of the lab')
    await expect(wrong(crawler).toHaveReceived(1n)).rejects.toThrow('the matcher must be given a lab')
    await expect(wrong(crawler).toBeAudited()).rejects.toThrow('the matcher must be given a lab')
  })

  it('pass for no books that could not be read, also after not', async () => {
    const closed = { audit: () => Promise.reject(new Error('the lab must be open')) } as unknown as Lab
    await expect(expect(closed).not.toBeAudited()).rejects.toThrow('the lab must be open')
    const broken = { audit: () => Promise.reject(new AuditError([], 1)) } as unknown as Lab
    await expect(broken).not.toBeAudited()
  })

  it('reject a number, which would never be equal and print alike', async () => {
    await expect(expect(crawler).toOwe(300 as unknown as bigint)).rejects.toThrow('must be a bigint')
    await expect(expect(lab).toHaveReceived(7 as unknown as bigint)).rejects.toThrow('must be a bigint')
  })
})
