/** Compares the credit line with a model of a few integers over random commands, with evictions and aborts between them. */
import { abortAllDurableObjects } from 'cloudflare:test'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CommitmentOrder } from '../../../src/ledger/credit/types.ts'
import { EVER, invoiceOf, LIMIT, type Line, newLine, PRICE, reasonOf } from './harness.ts'

type Bought = { order: CommitmentOrder; entry: number; price: bigint; open: string[] }
/** `drafted`: a credit note that is not stored yet; `covered` is the part of it that released charges make up. */
type Billed = {
  id: string
  net: bigint
  paid: bigint
  credited: bigint
  drafted?: { net: bigint; covered: bigint } | undefined
}

/** Stores what was delivered and received; derives the other figures. */
class Model {
  delivered = 0n
  /** The part of `delivered` that credit notes took back. */
  forgiven = 0n
  promised = 0n
  stated = 0n
  limit = LIMIT
  suspended = false
  version = 1
  unstated = false
  readonly bought: Bought[] = []
  readonly invoices: Billed[] = []

  get redeemed(): bigint {
    return this.invoices.reduce((sum, { net, paid, credited }) => sum + least(paid, net - credited), 0n)
  }

  /** The over-invoiced amount. Credit notes cover it first, without lowering the charges. */
  get excess(): bigint {
    const asked = this.invoices.reduce(
      (sum, { net, credited, drafted }) => sum + net - credited - (drafted?.covered ?? 0n),
      0n,
    )
    return asked > this.delivered ? asked - this.delivered : 0n
  }

  get charged(): bigint {
    return this.delivered > this.redeemed ? this.delivered : this.redeemed
  }

  expect() {
    const { redeemed, charged, delivered, promised } = this
    return { charged, redeemed, credit: charged - delivered, authorized: promised }
  }
}

type Command = fc.AsyncCommand<Model, Line>

let names = 0
const name = (what: string) => `${what} ${names++}`
const least = (a: bigint, b: bigint) => (a < b ? a : b)
const pick = <Item>(items: readonly Item[], at: number): Item | undefined => items[at % items.length]

class Buy implements Command {
  readonly price: bigint
  constructor(price: bigint) {
    this.price = price
  }
  check = () => true
  async run(model: Model, line: Line) {
    const { price } = this
    const order = line.order({ id: name('buy'), price, promised: price + 3n })
    const answer = await line.place(order)
    const after = model.delivered + price
    const owed = (after > model.redeemed ? after : model.redeemed) - model.redeemed
    const expected = model.suspended
      ? 'credit_suspended'
      : owed > model.limit
        ? 'credit_exhausted'
        : 'charged'
    expect(reasonOf(answer)).toBe(expected)
    if (answer.outcome === 'refused') return
    model.delivered = after
    model.promised += price + 3n
    model.unstated = true
    model.bought.push({ order, entry: answer.entry, price, open: [order.id] })
  }
  toString = () => `buy(${this.price})`
}

class OnBought implements Command {
  readonly at: number
  readonly what: 'replay' | 'misuse' | 'release' | 'repeat'
  constructor(at: number, what: OnBought['what']) {
    this.at = at
    this.what = what
  }
  check = ({ bought }: Readonly<Model>) => bought.length > 0
  async run(model: Model, line: Line) {
    const bought = pick(model.bought, this.at)
    if (!bought) return
    const { order, entry, price, open } = bought
    switch (this.what) {
      case 'replay': {
        const id = name('replay')
        expect(await line.place({ ...order, id })).toMatchObject({ outcome: 'replayed', entry, due: price })
        open.push(id)
        return
      }
      case 'misuse':
        expect(reasonOf(await line.place({ ...order, id: name('misuse'), request: 'GET /other' }))).toBe(
          'commitment_replayed',
        )
        return
      case 'repeat':
        if (open.includes(order.id))
          expect(await line.place(order)).toMatchObject({ outcome: 'charged', entry })
        return
      case 'release': {
        const id = open.pop()
        if (id === undefined) return
        await line.line().release(entry, id)
        if (open.length > 0) return
        const taken = least(price, model.delivered)
        model.delivered -= taken
        // Credit notes may have taken the whole charge back before: then the release moves nothing.
        model.unstated ||= taken > 0n
        model.bought.splice(model.bought.indexOf(bought), 1)
      }
    }
  }
  toString = () => `${this.what}(${this.at})`
}

class Configure implements Command {
  readonly limit: bigint
  readonly suspended: boolean
  constructor(limit: bigint, suspended: boolean) {
    this.limit = limit
    this.suspended = suspended
  }
  check = () => true
  async run(model: Model, line: Line) {
    const { limit, suspended } = this
    const { enrolment } = line
    const terms = { ...enrolment.terms, limit, probation: limit }
    const changed = { ...enrolment, terms, version: ++model.version, suspended: suspended ? 'so' : null }
    await line.line().configure(changed)
    Object.assign(model, { limit, suspended })
  }
  toString = () => `configure(${this.limit}, ${this.suspended})`
}

class Bill implements Command {
  check = () => true
  async run(model: Model, line: Line) {
    const period = { ...EVER, id: name('period') }
    const statement = await line.line().close(period)
    expect(statement === null).toBe(!model.unstated)
    if (!statement) return
    model.unstated = false
    expect(statement.total).toBe(model.delivered + model.forgiven - model.stated)
    expect(statement.lines.reduce((sum, { amount }) => sum + amount, 0n)).toBe(statement.total)
    model.stated += statement.total
    if (statement.total <= 0n) return
    const number = model.invoices.length + 1
    const invoice = invoiceOf(line, { number, periods: [period.id], charged: statement.total })
    await line.line().invoiced(invoice)
    model.invoices.push({ id: invoice.id, net: invoice.net, paid: 0n, credited: 0n })
  }
  toString = () => 'bill'
}

class Settle implements Command {
  readonly at: number
  readonly share: bigint
  readonly what: 'paid' | 'drafted' | 'credited' | 'reversed'
  constructor(at: number, share: bigint, what: Settle['what']) {
    this.at = at
    this.share = share
    this.what = what
  }
  check = ({ invoices }: Readonly<Model>) => invoices.length > 0
  async run(model: Model, line: Line) {
    const invoice = pick(model.invoices, this.at)
    if (!invoice) return
    const { id, net } = invoice
    const amount = (net * this.share) / 4n
    const common = { id: name(this.what), invoice: id, amount, at: 1, reason: 'so' }
    if (this.what === 'paid') {
      await line.line().paid({ ...common, rail: 'transfer', reference: 'bank' })
      invoice.paid += amount
    } else if (this.what === 'reversed' && invoice.paid >= amount) {
      await line.line().reversed({ ...common, payment: 'some' })
      invoice.paid -= amount
    } else if (this.what === 'drafted') {
      const note = { invoice: id, credited: invoice.credited, net: amount, vat: 0n, total: amount }
      const stored = await line.line().draftNote({ ...note, issuedAt: 1, reason: 'so' })
      if (!invoice.drafted && invoice.credited + amount <= net)
        invoice.drafted = { net: amount, covered: least(amount, model.excess) }
      const { drafted } = invoice
      expect([stored?.net, stored?.released ?? 0n]).toEqual([drafted?.net, drafted?.covered ?? 0n])
    } else if (this.what === 'credited') {
      await line.line().credited({ id: name('CN'), number: 1, invoice: id })
      const { drafted } = invoice
      if (!drafted) return
      const forgiven = drafted.net - least(drafted.net, drafted.covered + model.excess)
      invoice.drafted = undefined
      invoice.credited += drafted.net
      model.delivered -= forgiven
      model.forgiven += forgiven
    }
  }
  toString = () => `${this.what}(${this.at}, ${this.share}/4)`
}

class Restart implements Command {
  readonly how: 'evict' | 'abort'
  constructor(how: Restart['how']) {
    this.how = how
  }
  check = () => true
  async run(_: Model, line: Line) {
    if (this.how === 'evict') await line.restart()
    else await abortAllDurableObjects()
  }
  toString = () => this.how
}

/** Checks after each command that all figures agree. */
class Checked implements Command {
  readonly command: Command
  constructor(command: Command) {
    this.command = command
  }
  check = (model: Readonly<Model>) => this.command.check(model)
  async run(model: Model, line: Line) {
    await this.command.run(model, line)
    const { suspended, limit } = model
    expect(await line.standing()).toMatchObject({ ...model.expect(), limit })
    if (suspended) expect(await line.standing()).toMatchObject({ closed: 'credit_suspended' })
  }
  toString = () => String(this.command)
}

const at = fc.nat(20)
const share = fc.bigInt(1n, 4n)
const commands = [
  fc.bigInt(1n, 3n * PRICE).map((price) => new Buy(price)),
  fc.bigInt(1n, 3n * PRICE).map((price) => new Buy(price)),
  fc
    .tuple(at, fc.constantFrom('replay', 'misuse', 'release', 'repeat'))
    .map(([where, what]) => new OnBought(where, what)),
  fc.tuple(fc.bigInt(PRICE, 3n * LIMIT), fc.boolean()).map((rest) => new Configure(...rest)),
  fc.constant(new Bill()),
  fc
    .tuple(at, share, fc.constantFrom('paid', 'paid', 'drafted', 'credited', 'reversed'))
    .map((rest) => new Settle(...rest)),
  fc.constantFrom('evict', 'abort').map((how) => new Restart(how)),
].map((arbitrary) => arbitrary.map((command: Command) => new Checked(command)))

describe('CreditLine', () => {
  it(
    'equals its model after any commands and restarts [E1]',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.commands(commands, { maxCommands: 40 }), async (story) => {
          const line = newLine()
          await line.line().configure(line.enrolment)
          await fc.asyncModelRun(() => ({ model: new Model(), real: line }), story)
          await consistent(line)
        }),
        { numRuns: 150 },
      )
    },
    2 * 60_000,
  )
})

/** Checks that each journal entry follows from the one before. */
async function consistent(line: Line): Promise<void> {
  let before = { authorized: 0n, charged: 0n, redeemed: 0n, credit: 0n, seq: 0, at: 0 }
  for (const entry of await line.entries()) {
    expect(entry.seq).toBe(before.seq + 1)
    expect(entry.at, entry.kind).toBeGreaterThanOrEqual(before.at)
    expect(entry.authorized, entry.kind).toBeGreaterThanOrEqual(entry.charged)
    expect(entry.charged, entry.kind).toBeGreaterThanOrEqual(entry.redeemed)
    const moved = entry.charged - entry.credit - (before.charged - before.credit)
    if (entry.kind === 'charge') expect(moved).toBe(entry.amount)
    if (entry.kind === 'release') expect(moved).toBe(-entry.amount)
    before = entry
  }
  expect(await line.standing()).toMatchObject({ charged: before.charged, redeemed: before.redeemed })
}
