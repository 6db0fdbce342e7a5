/** Pages that a charge has opened, when that charge is released or its payment is undone. */
import { env, evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { LEASE_MS } from '../../src/ledger/exact/authorizations.ts'
import { type Meddle, newRegular, startPaywall } from '../schemes/harness.ts'
import { openChannel, PRICE, toCharge } from './channel/harness.ts'
import { newLine } from './credit/harness.ts'
import { aUse, memoryOf } from './exact/harness.ts'

const PAGE = 'GET /a'
const OPEN = { opened: [PAGE], openMs: 86_400_000 }

describe('Charge that opened a page, released after the page left for another request', () => {
  it('stands on a channel, as a replayed one does [I2]', async () => {
    const channel = await openChannel()
    const first = await channel.charge(PAGE, OPEN)
    const second = await channel.place(toCharge(2n * PRICE, { request: PAGE, ...OPEN }))
    expect(second).toMatchObject({ outcome: 'opened', entry: first.entry })
    // The first delivery fails; the second one has left.
    await channel.account().release(first.entry, first.order.id)
    expect((await channel.standing()).charged).toBe(PRICE)
  })

  it('is released once the free delivery has failed, too [I5]', async () => {
    const channel = await openChannel()
    const first = await channel.charge(PAGE, OPEN)
    const free = toCharge(2n * PRICE, { request: PAGE, ...OPEN })
    expect(await channel.place(free)).toMatchObject({ outcome: 'opened' })
    for (const { id } of [first.order, free]) await channel.account().release(first.entry, id)
    expect((await channel.standing()).charged).toBe(0n)
  })

  it('stands on a credit line [I2]', async () => {
    const line = newLine()
    const request = 'GET https://site.test/a'
    const open = { opened: [request], openMs: 86_400_000 }
    const { entry, order } = await line.charge(open)
    expect(await line.place(line.order(open))).toMatchObject({ outcome: 'opened', entry })
    await line.line().release(entry, order.id)
    expect((await line.standing()).charged).toBe(1000n)
  })

  it('stands over HTTP, where a slow 304 is answered after a plain request [I2]', async () => {
    let does: Meddle = (_, call) => call()
    const RULES = [{ action: 'charge', path: '/daily/*', recrawl: '24h' }]
    const shop = startPaywall({ RULES }, (name, call) => does(name, call))
    const crawler = await newRegular(shop)
    let finish: () => void = () => undefined
    const slow = new Promise<void>((resolve) => {
      finish = resolve
    })
    let asked = 0
    does = async (name, call) => {
      if (name !== 'SITE.fetch' || ++asked > 1) return call()
      await slow
      return new Response(null, { status: 304 })
    }
    const conditional = shop.ask('/daily/a', {
      payment: await crawler.owes(2n * PRICE),
      headers: { 'if-none-match': '"x"' },
    })
    while (asked === 0) await scheduler.wait(1)
    const plain = await shop.ask('/daily/a', { payment: await crawler.owes(3n * PRICE) })
    finish()
    expect([plain.status, (await conditional).status]).toEqual([200, 304])
    // '/opening' and '/daily/a' were delivered.
    expect((await crawler.account().standing())?.charged).toBe(2n * PRICE)
  })
})

describe('Open page', () => {
  it('stays open when another charge of it is released [I5]', async () => {
    const channel = await openChannel()
    const first = await channel.charge(PAGE, { ...OPEN, openMs: 20 })
    await scheduler.wait(30)
    const second = await channel.charge(PAGE, OPEN)
    expect(second.outcome).toBe('charged')
    await channel.account().release(first.entry, first.order.id)
    expect(await channel.place(toCharge(3n * PRICE, { request: PAGE, ...OPEN }))).toMatchObject({
      outcome: 'opened',
      entry: second.entry,
    })
  })

  it('stays open while its charge stands: the object stops before the release is stored [I5, E1]', async () => {
    const channel = await openChannel()
    const first = await channel.charge(PAGE, OPEN)
    await runInDurableObject(channel.account(), (_, state) => {
      state.storage.transactionSync = () => state.abort('before the write') as never
    })
    await channel
      .account()
      .release(first.entry, first.order.id)
      .catch(() => undefined)
    await evictDurableObject(channel.account()).catch(() => undefined)
    expect((await channel.standing()).charged).toBe(PRICE)
    expect(await channel.place(toCharge(2n * PRICE, { request: PAGE, ...OPEN }))).toMatchObject({
      outcome: 'opened',
    })
  })

  it('of exact is closed when its payment is lost after a second reorganization [F8]', async () => {
    const use = aUse({ site: 'site.test', rule: 'PRICE', opened: [PAGE] })
    const memory = memoryOf(use)
    const object = () => env.AUTHORIZATIONS.getByName(use.name)
    await memory.take(use)
    await object().settled(use.token, use.nonce, `0x${'01'.repeat(32)}`, null, 86_400_000)
    await memory.confirm(use, [use])
    // The payer's own transaction has it next, and is undone too.
    await memory.found(use)
    await memory.close(use)
    expect(await memory.status()).toEqual(['lost'])
    const again = aUse({ ...use, id: 'again', nonce: aUse().nonce })
    expect(await memory.take(again)).toEqual({ outcome: 'taken' })
  })

  it('of exact is not open while the chain lacks its payment [F8]', async () => {
    const use = aUse({ site: 'site.test', rule: 'PRICE', opened: ['GET /a'] })
    const memory = memoryOf(use)
    await memory.take(use)
    await env.AUTHORIZATIONS.getByName(use.name).settled(use.token, use.nonce, use.nonce, null, 86_400_000)
    await memory.confirm(use, [use])
    // The payment itself opens its page only after the chain was asked.
    await memory.age(LEASE_MS)
    expect(await memory.takeAnew(use)).toMatchObject({ outcome: 'doubtful' })
    expect(await memory.take({ ...use, id: 'again', nonce: aUse().nonce })).toEqual({ outcome: 'taken' })
  })
})
