/** The account against a model of a few integers: any story of a channel, with its object dying between the lines. */
import { abortAllDurableObjects, evictDurableObject } from 'cloudflare:test'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Charged } from '../../../src/ledger/channel/types.ts'
import { newTab, PRICE, reasonOf, stateOf, type Tab, toCharge, toDeposit, toRefund } from './harness.ts'

/** One charge and the ids of its deliveries that have not failed. */
type Bought = { max: bigint; request: string; entry: number; due: bigint; open: string[] }

const FUNDS = 20n * PRICE

/** What was delivered, received and escrowed; the rest follows. */
class Model {
  delivered = 0n
  redeemed = 0n
  balance = FUNDS
  promised = 0n
  block = 1n
  withdrawing = false
  begun: { kind: 'deposit' | 'refund'; id: string; max: bigint } | null = null
  readonly bought: Bought[] = []

  get charged(): bigint {
    return this.delivered > this.redeemed ? this.delivered : this.redeemed
  }

  /** The chain as it is now, a block later. */
  next() {
    const [at, amount] = this.withdrawing ? [1_700_000_000, 1n] : [0, 0n]
    const moved = { balance: this.balance, totalClaimed: this.redeemed, block: ++this.block }
    return stateOf({ ...moved, withdrawRequestedAt: at, withdrawAmount: amount })
  }

  expect() {
    const { charged, redeemed, delivered, promised, begun } = this
    const authorized = promised > charged ? promised : charged
    return {
      charged,
      redeemed,
      authorized,
      credit: charged - delivered,
      unresolved: begun && { id: begun.id },
    }
  }
}

type Command = fc.AsyncCommand<Model, Tab>

let names = 0
const name = (what: string) => `${what} ${names++}`

class Buy implements Command {
  readonly price: bigint
  constructor(price: bigint) {
    this.price = price
  }
  check = ({ begun }: Readonly<Model>) => begun === null
  async run(model: Model, tab: Tab) {
    const { price } = this
    const order = toCharge(model.charged + price, { request: name('GET /'), price, id: name('buy') })
    const answer = await tab.place(order)
    if (model.withdrawing) return expect(reasonOf(answer)).toBe('withdrawal_pending')
    if (order.max > model.balance) return expect(reasonOf(answer)).toBe('over_ceiling')
    const before = model.charged
    model.delivered += price
    if (order.max > model.promised) model.promised = order.max
    expect(answer).toMatchObject({ outcome: 'charged', due: model.charged - before })
    const { entry, due } = answer as Charged
    model.bought.push({ max: order.max, request: order.request, entry, due, open: [order.id] })
  }
  toString = () => `buy for ${this.price}`
}

/** Some charge of the story, if there is one. */
abstract class OnBought implements Command {
  readonly which: number
  constructor(which: number) {
    this.which = which
  }
  check(model: Readonly<Model>) {
    return this.pick(model) !== undefined
  }
  pick({ bought }: Readonly<Model>) {
    return bought
      .filter(({ open }) => open.length > 0)
      .at(this.which < 0 ? -1 : this.which % Math.max(bought.length, 1))
  }
  async run(model: Model, tab: Tab) {
    const bought = this.pick(model)
    if (bought) await this.act(bought, model, tab)
  }
  abstract act(bought: Bought, model: Model, tab: Tab): Promise<void>
}

class Again extends OnBought {
  override async act({ max, request, entry, due, open }: Bought, _: Model, tab: Tab) {
    const id = name('again')
    expect(await tab.place(toCharge(max, { request, id }))).toMatchObject({ outcome: 'replayed', entry, due })
    open.push(id)
  }
  override toString = () => `again ${this.which}`
}

class Repeat extends OnBought {
  override async act({ max, request, entry, due, open }: Bought, _: Model, tab: Tab) {
    expect(await tab.place(toCharge(max, { request, id: open[0] ?? '' }))).toMatchObject({ entry, due })
  }
  override toString = () => `repeat ${this.which}`
}

class Fail extends OnBought {
  override async act(bought: Bought, model: Model, tab: Tab) {
    const failed = bought.open.shift() ?? ''
    const price = await priceOf(tab, bought.entry)
    for (let times = 0; times < 2; times++) await tab.account().release(bought.entry, failed)
    if (bought.open.length === 0) model.delivered -= price
  }
  override toString = () => `fail ${this.which}`
}

/** What was to be paid for an entry, in money or credit: its voucher is over it and all before. */
async function priceOf(tab: Tab, entry: number): Promise<bigint> {
  const [before, charge] = await tab.account().entries(entry - 2, 2)
  return (charge?.max ?? 0n) - (before?.charged ?? 0n)
}

/** A command without particulars. */
function plain(name: string, check: (model: Readonly<Model>) => boolean, run: Command['run']): Command {
  return { check, run, toString: () => name }
}

const free = ({ begun }: Readonly<Model>) => begun === null

const commands = [
  fc.bigInt(1n, 3n * PRICE).map((price) => new Buy(price)),
  fc.bigInt(1n, 3n * PRICE).map((price) => new Buy(price)),
  fc.nat(9).map((which) => new Again(which)),
  fc.nat(9).map((which) => new Repeat(which)),
  fc.nat(9).map((which) => new Fail(which)),
  fc.constant(new Fail(-1)),
  fc.constant(new Fail(-1)),
  fc.constant(
    plain('claim all', free, async (model, tab) => {
      if (model.charged <= model.balance) model.redeemed = model.charged
      await tab.account().observe(model.next())
    }),
  ),
  fc.constant(
    plain('withdrawal asked or cancelled', free, async (model, tab) => {
      model.withdrawing = !model.withdrawing
      await tab.account().observe(model.next())
    }),
  ),
  fc.constant(
    plain(
      'begin deposit',
      (model) => free(model) && !model.withdrawing,
      async (model, tab) => {
        const order = toDeposit(model.charged + PRICE, { id: name('deposit') })
        expect(await tab.place(order)).toMatchObject({ outcome: 'begun' })
        model.begun = order
      },
    ),
  ),
  fc.constant(
    plain('begin refund', free, async (model, tab) => {
      const order = toRefund(model.charged, { id: name('refund') })
      const answer = await tab.place(order)
      const left = model.balance - model.charged
      if (left <= 0n) return expect(reasonOf(answer)).toBe('refund_empty')
      expect(answer).toMatchObject({ outcome: 'begun', amount: left })
      model.begun = order
    }),
  ),
  fc.boolean().map((mined) =>
    plain(
      `resolve ${mined ? 'mined' : 'given up'}`,
      ({ begun }) => begun !== null,
      async (model, tab) => {
        const { begun } = model
        if (!begun) return
        model.begun = null
        if (!mined) return void (await tab.account().resolve(begun.id, null))
        if (begun.kind === 'deposit') model.balance += 5n * PRICE
        // The refund claims what its voucher is over, whatever was released since.
        else [model.redeemed, model.balance] = [begun.max, begun.max]
        await tab.account().resolve(begun.id, model.next())
      },
    ),
  ),
  fc.constant(
    plain(
      'evict',
      () => true,
      async (_, tab) => {
        const before = await tab.standing()
        await evictDurableObject(tab.account())
        expect(await tab.standing()).toEqual(before)
      },
    ),
  ),
  fc.constant(
    plain(
      'abort',
      () => true,
      () => abortAllDurableObjects(),
    ),
  ),
]

/** After each command the account stands where the model stands, and its journal ends there. */
function checked(command: Command): Command {
  return {
    check: (model) => command.check(model),
    async run(model, tab) {
      await command.run(model, tab)
      const standing = await tab.standing()
      expect(standing).toMatchObject(model.expect())
      const { authorized, charged, redeemed, credit } = standing
      expect((await tab.entries()).at(-1)).toMatchObject({ authorized, charged, redeemed, credit })
    },
    toString: () => command.toString(),
  }
}

describe('the account of any story [E1]', () => {
  it('stands where a model of a few integers stands', { timeout: 120_000 }, async () => {
    const story = fc.commands(
      commands.map((command) => command.map(checked)),
      { maxCommands: 60, size: 'max' },
    )
    await fc.assert(
      fc.asyncProperty(story, async (told) => {
        const tab = await newTab({ balance: FUNDS })
        await fc.asyncModelRun(() => ({ model: new Model(), real: tab }), told)
      }),
      { numRuns: 150 },
    )
  })
})
