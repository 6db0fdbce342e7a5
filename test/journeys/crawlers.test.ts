/** Every crawler of the lab that misbehaves: it costs nothing here, and it sees a paywall that lacks the guard it is for. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CRAWLERS, type CrawlerName, type PaysBy } from '../../src/lab/crawlers/crawler.ts'
import { type Lab, openLab, type Score } from '../../src/lab/index.ts'
import { makeLab } from '../../src/lab/make.ts'
import { buildPlan } from '../../src/lab/plan.ts'
import type { WorkerPlan } from '../../src/testing/stack/plan.ts'
import { mutatedPlan } from '../lab/mutant-plan.ts'

const PRICE = 50_000n
/** A month of dunning in a week. */
const POLICY = { PRICE: '0.05', DUNNING: { net: 1, pastDue: 1, suspended: 2, writtenOff: 4 } }
const LIMIT = 600_000n
const TIMEOUT_MS = 180_000

/** Tests of their own: below, and in `lab.test.ts`. */
const ELSEWHERE = ['defaulter', 'honest', 'replayer', 'withdrawal-racer']

const KINDS = Object.entries(CRAWLERS).flatMap(([is, ways]) =>
  ELSEWHERE.includes(is) ? [] : ways.map((pays) => [is, pays] as [CrawlerName, PaysBy]),
)

/** A budget holds for a day, and the run must not pass midnight. */
const NOON = '2026-12-01T12:00:00Z'
/** Some three deposits. */
const GAS = { GAS_NEW_PAYERS: '0.0006' }
const GAS_BUDGET = 600n
/** As many as the burner makes. */
const [STRANGE_CHANNELS, STRANGE_AGENTS] = [320, 80]
/** So that other budgets are reached. */
const AMPLE = 1_000

/** `perMinute`: look-ups that the limits permit. The burner passes 20 on a slow machine, too. */
type Burnt = { guard: RegExp; without: string; perMinute: number; isOver(score: Score): boolean }

/** The budgets for strangers, and the figure of the score that shows each. */
const BUDGETS: [PaysBy, string, Burnt][] = [
  [
    'channel',
    'look-ups on the chain',
    {
      guard: /all\d*\?\.limit\(\{ key: strangers\d* \}\)/,
      without: '({ success: true })',
      perMinute: 20,
      isOver: ({ cost }) => Number(cost?.lookUps) >= STRANGE_CHANNELS,
    },
  ],
  [
    'channel',
    'gas of new payers',
    {
      guard: /exceeds\(this\.#spent\(NEW, day\d*\), wei, newPayers\)/,
      without: 'false',
      perMinute: AMPLE,
      isOver: ({ cost }) => (cost?.gas ?? 0n) > GAS_BUDGET,
    },
  ],
  [
    'channel',
    'the origin’s work for a signature alone',
    {
      guard: /payers\.isKnown\(account\d*, now\d*\(\)\)/,
      without: 'true',
      perMinute: AMPLE,
      isOver: ({ cost }) => Number(cost?.origin) >= STRANGE_CHANNELS / 2,
    },
  ],
  [
    'credit',
    'look-ups of agents',
    {
      guard: /env\d*\.AGENT_READS\?\.limit\(\{ key: "unknown-agents" \}\)/,
      without: '({ success: true })',
      perMinute: 20,
      isOver: ({ byReason }) => Number(byReason.signature_agent_unknown) >= STRANGE_AGENTS,
    },
  ],
]

function limitOf(namespace: string, limit: number) {
  return { namespace_id: namespace, simple: { limit, period: 60 as const } }
}

let lab: Lab

beforeAll(async () => {
  lab = await openLab({ policy: POLICY })
}, TIMEOUT_MS)
afterAll(() => lab?.close())

/** Runs a crawler, and an honest one beside it. */
async function run(is: CrawlerName, pays: PaysBy): Promise<{ score: Score; beside: Score }> {
  const [crawler, honest] = [await lab.crawler({ is, pays }), await lab.crawler({ pays })]
  // It moves the clock of everybody: a request under way would lapse.
  if (is === 'clock-liar') return { score: await crawler.run(), beside: await honest.run() }
  const [score, beside] = await Promise.all([crawler.run(), honest.run()])
  return { score, beside }
}

describe('a crawler that misbehaves', { timeout: TIMEOUT_MS }, () => {
  it.each(KINDS)('gets no page that it does not pay, and stops no other: %s by %s', async (is, pays) => {
    const { score, beside } = await run(is, pays)
    expect(score).toMatchObject({ stolen: 0n, overpaid: 0n })
    expect(score.charged).toBe(BigInt(score.pages) * PRICE)
    expect(beside).toMatchObject({ pages: 10, charged: 10n * PRICE, stolen: 0n, overpaid: 0n })
    await lab.audit()
    // A budget burner leaves nothing of this minute’s budgets for the payers after it.
    await lab.advance('1m')
  })

  it.each(['channel', 'exact', 'credit'] as const)(
    'gets a refusal with a reason for each forged header, by %s [B1] [B2] [D1] [D13]',
    async (pays) => {
      // An earlier crawler may have used up the budget for look-ups of strange agents.
      await lab.advance('1h')
      const forger = await lab.crawler({ is: 'header-forger', pays })
      const { byStatus, pages } = await forger.run()
      // 503: the budget for look-ups of strange agents was used up by an earlier crawler.
      expect(Object.keys(byStatus).filter((status) => /^(?:0|50[0-24-9])$/.test(status))).toEqual([])
      // One before the forgeries, and the payment itself after them.
      expect(pages).toBe(2)
    },
  )

  it.each(['stripe', 'transfer'] as const)(
    'is cut off when it does not pay its invoice, and costs its limit at most, by %s',
    async (rail) => {
      // In weeks without payment, all others on credit would be written off as well.
      await using lab = await openLab({ policy: POLICY })
      const defaulter = await lab.crawler({ is: 'defaulter', creditLimit: LIMIT, rail })
      const score = await defaulter.run()
      expect(score).toMatchObject({ pages: 12, charged: LIMIT, due: 0n, overpaid: 0n })
      expect(score.stolen).toBe(defaulter.exposure)
      await lab.audit()
    },
  )

  it('makes no account for strangers, whatever they sign [H1] [H2]', async () => {
    const before = Object.keys((await lab.books()).accounts)
    const burner = await lab.crawler({ is: 'budget-burner' })
    await burner.run()
    await lab.advance('1h')
    // Its own channels of the least deposit are accounts with money.
    const made = Object.entries((await lab.books()).accounts).filter(([id]) => !before.includes(id))
    expect(made.filter(([, { charged }]) => charged === 0n)).toEqual([])
    expect(made.map(([id]) => id)).toContain(await burner.account())
    // Its page before the dust, and the dust that was served.
    expect(made.length).toBeGreaterThan(2)
  })

  it('leaves books that the nightly run settles', async () => {
    const { runs } = await lab.night()
    expect(runs.map(({ status }) => status)).toEqual(['settled', 'settled'])
    await lab.audit()
  })
})

describe('a paywall without one guard', { timeout: TIMEOUT_MS }, () => {
  let plan: WorkerPlan
  beforeAll(async () => {
    plan = await buildPlan()
  }, TIMEOUT_MS)

  const GUARDS: [CrawlerName, PaysBy, string, RegExp, string][] = [
    [
      'replayer',
      'channel',
      'binds a voucher to its page',
      /return `\$\{max\d*\}:\$\{request\}`/,
      'return String(arguments[0].max)',
    ],
    [
      'double-spender',
      'exact',
      'binds an authorization to its page',
      /if \(!same\d*\) return \{ outcome: "refused", reason: "exact_bound" \};/,
      '',
    ],
    [
      'header-forger',
      'exact',
      'checks who is paid',
      /if \(authorization\d*\.to !== receiver\d*\) return refuse\("exact_recipient"\);/,
      '',
    ],
    [
      'clock-liar',
      'channel',
      'ends the replay window',
      /\|\| entry\.at <= now\d* - REPLAY_WINDOW_MS\) return/,
      ') return',
    ],
  ]

  it.each(GUARDS)('is robbed by a %s, by %s: it no longer %s', async (is, pays, _, from, to) => {
    await using robbed = await makeLab({ policy: POLICY }, Promise.resolve(mutatedPlan(plan, from, to)))
    const crawler = await robbed.crawler({ is, pays })
    expect((await crawler.run()).stolen).toBeGreaterThan(0n)
    await expect(robbed.audit()).rejects.toThrow('must not get what it does not pay')
  })

  it('is robbed by a withdrawal-racer, if it does not watch withdrawals and misses its nightly run', async () => {
    const blind = mutatedPlan(
      plan,
      /state\.withdrawRequestedAt > 0 \? \[\{ id/,
      'state.withdrawRequestedAt > 9e15 ? [{ id',
    )
    await using robbed = await makeLab({ policy: { PRICE: '0.001' } }, Promise.resolve(blind))
    await robbed.fail.cron('missed')
    const racer = await robbed.crawler({ is: 'withdrawal-racer' })
    expect((await racer.run()).stolen).toBeGreaterThan(0n)
  })

  it('loses nothing to a withdrawal-racer when it misses a nightly run, because it watches [F1] [F2]', async () => {
    await using lab = await makeLab({ policy: { PRICE: '0.001' } }, Promise.resolve(plan))
    await lab.fail.cron('missed')
    const racer = await lab.crawler({ is: 'withdrawal-racer' })
    expect(await racer.run()).toMatchObject({ stolen: 0n, overpaid: 0n })
  })

  it('loses more than the limit to a defaulter, if it does not hold credit against the limit', async () => {
    const robbed = mutatedPlan(
      plan,
      /(totals\d*\.charged - totals\d*\.redeemed) > standing\.limit\)/,
      '$1 > standing.limit * 2n)',
    )
    await using lab = await makeLab({ policy: POLICY }, Promise.resolve(robbed))
    const defaulter = await lab.crawler({ is: 'defaulter', creditLimit: LIMIT })
    expect((await defaulter.run()).stolen).toBeGreaterThan(defaulter.exposure)
  })

  it('takes money from a slow reader for nothing, if a used voucher does not open its page again', async () => {
    const once = mutatedPlan(
      plan,
      /if \(known\d*\) return known\d*;\s+\}\s+if \(order\.kind !== "refund"/,
      '} if (order.kind !== "refund"',
    )
    await using lab = await makeLab({ policy: POLICY }, Promise.resolve(once))
    const reader = await lab.crawler({ is: 'slow-reader' })
    expect((await reader.run()).overpaid).toBeGreaterThan(0n)
  })

  it('makes accounts for a budget burner, if it does not ask what a channel holds', async () => {
    const open = mutatedPlan(plan, /if \(state\.balance < this\.#terms\.minDeposit\) return "unchanged";/, '')
    await using lab = await makeLab({ policy: POLICY }, Promise.resolve(open))
    const burner = await lab.crawler({ is: 'budget-burner' })
    await burner.run()
    await lab.advance('1h')
    const accounts = Object.values((await lab.books()).accounts)
    expect(accounts.filter(({ charged }) => charged === 0n)).not.toEqual([])
  })

  it.each(BUDGETS)(
    'spends more on a budget burner, by %s, if a guard is gone: the budget for %s',
    async (pays, _, burnt) => {
      const tight = (one: WorkerPlan): WorkerPlan => {
        const limits = {
          CHAIN_READS: limitOf('402', burnt.perMinute),
          AGENT_READS: limitOf('403', burnt.perMinute),
        }
        return { ...one, options: { ...one.options, ratelimits: limits } }
      }
      const costs: boolean[] = []
      for (const one of [plan, mutatedPlan(plan, burnt.guard, burnt.without)]) {
        await using lab = await makeLab(
          { policy: { ...POLICY, ...GAS }, start: NOON },
          Promise.resolve(tight(one)),
        )
        const burner = await lab.crawler({ is: 'budget-burner', pays })
        costs.push(burnt.isOver(await burner.run()))
      }
      expect(costs).toEqual([false, true])
    },
  )

  it('serves an honest crawler less, if it refuses what is good', async () => {
    const strict = mutatedPlan(
      plan,
      /if \(order\.max > standing\.state\.balance\) return/,
      'if (order.max > 200000n) return',
    )
    await using lab = await makeLab({ policy: POLICY }, Promise.resolve(strict))
    expect((await (await lab.crawler()).run()).pages).toBeLessThan(10)
  })
})
