/** An account whose storage was put back to an earlier state, as from a backup. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { expect, it } from 'vitest'
import { newReceiver, openChannel, place, received, runOf, standingOf } from './harness.ts'

it('records book_ahead for an account that was put back to an earlier state, and counts all claims again [E11]', async () => {
  const setup = await newReceiver()
  const channel = await openChannel(setup)
  await channel.charge(20n)
  await channel.charge(30n)
  expect((await runOf(setup)).status).toBe('settled')
  await runInDurableObject(channel.account, (_, { storage }) => {
    storage.sql.exec('DELETE FROM entry WHERE seq > 2')
  })
  await evictDurableObject(channel.account)
  expect((await standingOf(channel.id)).charged).toBe(20n)
  const ended = await runOf(setup)
  expect(ended.status).toBe('in_doubt')
  expect(ended.record.findings.list).toContainEqual(
    expect.objectContaining({ account: channel.id, what: 'book_ahead' }),
  )
  expect(await standingOf(channel.id)).toMatchObject({ charged: 50n, redeemed: 50n })
  // A voucher from before the restore buys nothing.
  const { signature } = await channel.payer.owes(channel.config, 50n)
  await expect(place(channel.id, 50n, signature, 30n)).rejects.toThrow('refused')
  expect((await runOf(setup)).status).toBe('settled')
  expect(await received(setup)).toBe(50n)
})

it('records book_ahead for an account that was put back before charges which no run has claimed [E11]', async () => {
  const setup = await newReceiver()
  const channel = await openChannel(setup)
  await channel.charge(20n)
  expect((await runOf(setup)).status).toBe('settled')
  await channel.charge(30n)
  // The alarm reports charges within minutes.
  await channel.account.report()
  await runInDurableObject(channel.account, (_, { storage }) => {
    storage.sql.exec('DELETE FROM entry WHERE amount = ?', '30'.padStart(39, '0'))
  })
  await evictDurableObject(channel.account)
  expect(await standingOf(channel.id)).toMatchObject({ charged: 20n, redeemed: 20n })
  const ended = await runOf(setup)
  expect(ended.status).toBe('in_doubt')
  expect(ended.record.findings.list).toMatchObject([{ account: channel.id, what: 'book_ahead' }])
})
