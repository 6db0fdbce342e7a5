/** Compares the account with a model of a few integers over random commands, with evictions and aborts between them. */
import { abortAllDurableObjects, evictDurableObject } from 'cloudflare:test'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_REFUNDS_PER_DAY } from '../../../src/ledger/channel/journal.ts'
import type { Charged } from '../../../src/ledger/channel/types.ts'
import {
  type OpenChannel,
  openChannel,
  PRICE,
  reasonOf,
  stateOf,
  toCharge,
  toDeposit,
  toRefund,
} from './harness.ts'

/** One charge and the ids of its deliveries that have not failed. */
type Bought = { max: bigint; request: string; entry: number; due: bigint; open: string[] }

const FUNDS = 20n * PRICE

/** Stores what was delivered, received and escrowed; derives the other figures. */
class Model {
  delivered = 0n
  redeemed = 0n
  balance = FUNDS
  promised = 0n
  block = 1n
  withdrawing = false
  refundNonce = 0n
  refunds = 0
  begun: { kind: 'deposit' | 'refund'; id: string; max: bigint } | null = null
  readonly bought: Bought[] = []

  get charged(): bigint {
    return this.delivered > this.redeemed ? this.delivered : this.redeemed
  }

  /** Returns the current on-chain state, one block later. */
  next() {
    const [at, amount] = this.withdrawing ? [1_700_000_000, 1n] : [0, 0n]
    const moved = {
      balance: this.balance,
      totalClaimed: this.redeemed,
      refundNonce: this.refundNonce,
      block: ++this.block,
    }
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

type Command = fc.AsyncCommand<Model, OpenChannel>

let names = 0
const name = (what: string) => `${what} ${names++}`

class Buy implements Command {
  readonly price: bigint
  constructor(price: bigint) {
    this.price = price
  }
  check = ({ begun }: Readonly<Model>) => begun === null
  async run(model: Model, channel: OpenChannel) {
    const { price } = this
    const order = toCharge(model.charged + price, { request: name('GET /'), price, id: name('buy') })
    const answer = await channel.place(order)
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

/** A command on an earlier charge with an open delivery. */
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
  async run(model: Model, channel: OpenChannel) {
    const bought = this.pick(model)
    if (bought) await this.act(bought, model, channel)
  }
  abstract act(bought: Bought, model: Model, channel: OpenChannel): Promise<void>
}

class Again extends OnBought {
  override async act({ max, request, entry, due, open }: Bought, _: Model, channel: OpenChannel) {
    const id = name('again')
    expect(await channel.place(toCharge(max, { request, id }))).toMatchObject({
      outcome: 'replayed',
      entry,
      due,
    })
    open.push(id)
  }
  override toString = () => `again ${this.which}`
}

class Repeat extends OnBought {
  override async act({ max, request, entry, due, open }: Bought, _: Model, channel: OpenChannel) {
    expect(await channel.place(toCharge(max, { request, id: open[0] ?? '' }))).toMatchObject({ entry, due })
  }
  override toString = () => `repeat ${this.which}`
}

class Fail extends OnBought {
  override async act(bought: Bought, model: Model, channel: OpenChannel) {
    const failed = bought.open.shift() ?? ''
    const price = await priceOf(channel, bought.entry)
    for (let times = 0; times < 2; times++) await channel.account().release(bought.entry, failed)
    if (bought.open.length === 0) model.delivered -= price
  }
  override toString = () => `fail ${this.which}`
}

/** Returns the price of an entry, paid in money or account balance. Its voucher covers it and all before. */
async function priceOf(channel: OpenChannel, entry: number): Promise<bigint> {
  const [before, charge] = await channel.account().entries(entry - 2, 2)
  return (charge?.max ?? 0n) - (before?.charged ?? 0n)
}

/** A command without parameters. */
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
    plain('claim all', free, async (model, channel) => {
      if (model.charged <= model.balance) model.redeemed = model.charged
      await channel.account().observe(model.next())
    }),
  ),
  fc.constant(
    plain('withdrawal asked or cancelled', free, async (model, channel) => {
      model.withdrawing = !model.withdrawing
      await channel.account().observe(model.next())
    }),
  ),
  fc.constant(
    plain(
      'begin deposit',
      (model) => free(model) && !model.withdrawing,
      async (model, channel) => {
        const order = toDeposit(model.charged + PRICE, { id: name('deposit') })
        expect(await channel.place(order)).toMatchObject({ outcome: 'begun' })
        model.begun = order
      },
    ),
  ),
  fc.constant(
    plain('begin refund', free, async (model, channel) => {
      const order = toRefund(model.charged, { id: name('refund') })
      const answer = await channel.place(order)
      const left = model.balance - model.charged
      if (left <= 0n) return expect(reasonOf(answer)).toBe('refund_empty')
      if (model.refunds === MAX_REFUNDS_PER_DAY) return expect(reasonOf(answer)).toBe('refund_limit')
      model.refunds++
      expect(answer).toMatchObject({ outcome: 'begun', amount: left })
      model.begun = order
    }),
  ),
  fc.boolean().map((mined) =>
    plain(
      `resolve ${mined ? 'mined' : 'given up'}`,
      ({ begun }) => begun !== null,
      async (model, channel) => {
        const { begun } = model
        if (!begun) return
        model.begun = null
        if (!mined) return void (await channel.account().resolve(begun.id, null))
        if (begun.kind === 'deposit') model.balance += 5n * PRICE
        // The refund claims its voucher's amount, even if charges were released since.
        else
          [model.redeemed, model.balance, model.refundNonce] = [begun.max, begun.max, model.refundNonce + 1n]
        await channel.account().resolve(begun.id, model.next())
      },
    ),
  ),
  fc.constant(
    plain(
      'evict',
      () => true,
      async (_, channel) => {
        const before = await channel.standing()
        await evictDurableObject(channel.account())
        expect(await channel.standing()).toEqual(before)
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

/** Checks after each command that the account and the end of its journal equal the model. */
function checked(command: Command): Command {
  return {
    check: (model) => command.check(model),
    async run(model, channel) {
      await command.run(model, channel)
      const standing = await channel.standing()
      expect(standing).toMatchObject(model.expect())
      const { authorized, charged, redeemed, credit } = standing
      expect((await channel.entries()).at(-1)).toMatchObject({ authorized, charged, redeemed, credit })
    },
    toString: () => command.toString(),
  }
}

describe('Account', () => {
  it('equals a model of a few integers after any commands and restarts [E1]', {
    timeout: 120_000,
  }, async () => {
    const commandLists = fc.commands(
      commands.map((command) => command.map(checked)),
      { maxCommands: 60, size: 'max' },
    )
    await fc.assert(
      fc.asyncProperty(commandLists, async (list) => {
        const channel = await openChannel({ balance: FUNDS })
        await fc.asyncModelRun(() => ({ model: new Model(), real: channel }), list)
      }),
      { numRuns: 150 },
    )
  })
})
