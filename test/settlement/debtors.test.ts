/** E12, I11: every table of the read model loses its rows, and everything owed is found by the next night. */
import { env, runDurableObjectAlarm } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { Account } from '../../src/ledger/channel/account.ts'
import type { CreditLine } from '../../src/ledger/credit/credit-line.ts'
import { addressOf, sign } from '../../src/protocol/evm/secp256k1.ts'
import { watch } from '../../src/settlement/channels/withdrawal-watch.ts'
import { newCustomer, newOperator, runBilling } from '../billing/harness.ts'
import { randomHex } from '../chain/harness.ts'
import { withdraw } from './channels/harness.ts'
import { newReceiver, openChannel, received, runOf, runWork, standingOf, steps } from './harness.ts'

const PAID = 10_000n

/** Deletes the rows of every table of the read model. */
async function emptyBook(): Promise<void> {
  const { results } = await env.BOOK.prepare(
    `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'
       AND name NOT LIKE 'sqlite%' AND name <> 'd1_migrations'`,
  ).all<{ name: string }>()
  await env.BOOK.batch(results.map(({ name }) => env.BOOK.prepare(`DELETE FROM ${name}`)))
}

/** Rings the alarm of an account for its report, which comes first, and for the list of debtors. */
async function ringForList(account: DurableObjectStub<Account | CreditLine>): Promise<void> {
  await runDurableObjectAlarm(account)
  await runDurableObjectAlarm(account)
}

describe('Read model that lost every row', () => {
  it('gets the channels that owe again, and the next run claims all of them [E12, I11]', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(100n)
    await emptyBook()
    await channel.charge(50n)
    expect((await runOf(setup)).record).toMatchObject({ claimed: '0' })
    await ringForList(channel.account)
    const ended = await runOf(setup)
    expect(ended).toMatchObject({ status: 'settled', record: { claimed: '150' } })
    expect(ended.record.findings.list).toMatchObject([{ account: channel.id, what: 'relisted' }])
    expect(await received(setup)).toBe(150n)
    expect((await runOf(setup)).record.findings.count).toBe(0)
  })

  it('gets a channel again during a run, and the next run names it [E12]', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(100n)
    const late = steps(async (name, work) => {
      await work()
      if (name === 'collect 1') await env.BOOK.prepare('UPDATE account SET relisted_at = 1').run()
    })
    expect((await runOf(setup, late)).record.findings.count).toBe(0)
    const named = (await runOf(setup)).record.findings
    expect(named.list).toMatchObject([{ account: channel.id, what: 'relisted' }])
    expect((await runOf(setup)).record.findings.count).toBe(0)
  })

  it('gets a withdrawing channel that owes again, and the watch claims from it [F1, E12]', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(100n)
    await withdraw(channel, setup.chain.escrow, 1_000n)
    await emptyBook()
    await ringForList(channel.account)
    expect(await watch(setup.settings, Date.now())).toBe(1)
    expect(await standingOf(channel.id)).toMatchObject({ charged: 100n, redeemed: 100n })
  })

  it('gets the credit lines that owe again, and the next run invoices all of them [E12, I11]', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([PAID])
    await emptyBook()
    expect((await runBilling(operator)).sums).toMatchObject({ lines: 0 })
    await ringForList(customer.line())
    const { sums, findings } = await runBilling(operator)
    expect(sums).toMatchObject({ lines: 1, invoiced: PAID.toString() })
    expect(findings).toMatchObject([{ account: customer.agent, what: 'relisted' }])
    expect((await runBilling(operator)).findings).toEqual([])
  })

  it('gets the payers with an unresolved payment again, and the next run follows it [E12, I11]', async () => {
    const setup = await newReceiver()
    const [payer, nonce] = [randomHex(20), randomHex(32)]
    const { chain, receiver } = setup
    const name = `${chain.network}:${payer}`
    const payments = env.AUTHORIZATIONS.getByName(name)
    const use = { id: 'request', name, payer, receiver, token: chain.token, nonce, amount: 1n }
    await payments.take({ ...use, validBefore: 2n ** 40n, signature: randomHex(65), request: 'GET /a' })
    await payments.doubt(chain.token, nonce, use.id)
    await emptyBook()
    await runDurableObjectAlarm(payments)
    const work = { book: env.BOOK, channels: [setup.settings], exact: [], bill: null }
    const { record } = await runWork(work)
    expect(record.exact).toMatchObject({ payers: 1, inDoubt: 1 })
    expect(record.findings.list).toContainEqual(expect.objectContaining({ account: name, what: 'relisted' }))
  })
})

describe('Status of a run', () => {
  it('is in_doubt and names a channel whose key may not claim it [F19]', async () => {
    const setup = await newReceiver()
    const { address, ...relayer } = setup.relayer
    const channel = await openChannel({ ...setup, relayer: { ...relayer, address: randomHex(20) } })
    await channel.charge(100n)
    const ended = await runOf(setup)
    expect(ended.status).toBe('in_doubt')
    expect(ended.record.findings.list).toEqual([
      {
        account: channel.id,
        what: 'unclaimed',
        detail: '100 of 100 can be claimed; its claim alone fails: NotAuthorizedToClaim',
      },
    ])
    expect(address).not.toBe(channel.config.receiverAuthorizer)
  })

  it('is settled once the former key signs the claims of its channels [F19]', async () => {
    const setup = await newReceiver()
    const key = randomHex(32)
    const [kept, moved] = [
      await openChannel(setup),
      await openChannel({ ...setup, relayer: { ...setup.relayer, address: addressOf(key) } }),
    ]
    for (const channel of [kept, moved]) await channel.charge(100n)
    setup.settings.signAs = (authorizer, digest) => (authorizer === addressOf(key) ? sign(digest, key) : null)
    const ended = await runOf(setup)
    expect(ended).toMatchObject({ status: 'settled', record: { claimed: '200', swept: '200' } })
    expect(await standingOf(moved.id)).toMatchObject({ charged: 100n, redeemed: 100n })
    expect(ended.record.transactions.list.map(({ kind, rows }) => [kind, rows])).toEqual([
      ['claim', 1],
      ['claim', 1],
      ['sweep', 0],
    ])
  })

  it('is settled when a page was charged after the run began', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(100n)
    const late = steps(async (name, work) => {
      await work()
      if (name === 'collect 1') await channel.charge(5n)
    })
    const ended = await runOf(setup, late)
    expect(await standingOf(channel.id)).toMatchObject({ charged: 105n, redeemed: 100n })
    expect(ended).toMatchObject({ status: 'settled', record: { findings: { count: 0 } } })
  })
})
