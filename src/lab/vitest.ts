/** The exports of `tab402/lab/vitest`: a lab for each file, a fresh payer for each test, and matchers about money. */
import { expect, type TestAPI, test } from 'vitest'
import { AuditError } from './audit.ts'
import type { Crawler, CrawlerOptions } from './crawlers/crawler.ts'
import type { Lab, LabOptions } from './lab.ts'
import { openLab } from './open.ts'
import type { Score } from './score.ts'

/** The fixtures: `lab` is the file’s own, and `crawler` opens one that no other test has. */
export type LabFixtures = { lab: Lab; crawler: (options?: CrawlerOptions) => Promise<Crawler> }

/**
 * A `test` whose fixtures are a lab and its crawlers. The lab opens with the first test of a file and closes after the last.
 * @example
 * const it = labTest({ start: '2026-12-01' })
 * it('pays for what it reads', async ({ lab, crawler }) => {
 *   const honest = await crawler({ pays: 'channel' })
 *   await honest.read('/page', 10)
 *   await expect(honest).toOwe(10_000n)
 *   await lab.nights(1)
 *   await expect(lab).toHaveReceived(10_000n)
 *   await expect(lab).toBeAudited()
 * })
 */
export function labTest(options: LabOptions = {}): TestAPI<LabFixtures> {
  return test.extend<LabFixtures>({
    lab: [
      // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names of the fixtures from the pattern.
      async ({}, use) => {
        await using lab = await openLab(options)
        await use(lab)
      },
      { scope: 'file' },
    ],
    crawler: async ({ lab }, use) => {
      await use((wanted) => lab.crawler(wanted))
    },
  })
}

/** Trap: a number is never equal to a bigint, and both print alike. @throws TypeError for anything but a bigint */
function mustBeAmount(amount: unknown): void {
  if (typeof amount !== 'bigint') throw new TypeError('the amount must be a bigint, such as 10_000n')
}

/** @throws TypeError for a subject that lacks the call which the matcher makes */
function mustBe(subject: unknown, what: string, call: string): void {
  const isOne = typeof (subject as Record<string, unknown> | null | undefined)?.[call] === 'function'
  if (!isOne) throw new TypeError(`the matcher must be given ${what}`)
}

type Verdict = { pass: boolean; message: () => string; actual?: unknown; expected?: unknown }

/** The matchers of this module. Amounts are micro-dollars. */
export type LabMatchers = {
  /** A crawler has been charged this much and has not paid it yet. */
  toOwe(amount: bigint): Promise<void>
  /** The receiver of a lab holds this much USDC: what was paid at once, and what nights have swept. */
  toHaveReceived(amount: bigint): Promise<void>
  /** The books of a lab break no invariant. The message names each one that is broken. */
  toBeAudited(): Promise<void>
}

declare module 'vitest' {
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown>
    extends LabMatchers {}
}

/** A verdict that has passed is printed where `.not` wanted the opposite. */
const mustOrNot = (hasPassed: boolean) => (hasPassed ? 'must not' : 'must')

expect.extend({
  async toOwe(crawler: Pick<Crawler, 'score' | 'is'>, amount: bigint): Promise<Verdict> {
    mustBe(crawler, 'a crawler of the lab', 'score')
    mustBeAmount(amount)
    const score: Score = await crawler.score()
    const owed = score.charged - score.paid
    return {
      pass: owed === amount,
      message: () =>
        `the crawler ${mustOrNot(owed === amount)} owe ${amount} micro-dollars, and owes ${owed}`,
      actual: owed,
      expected: amount,
    }
  },
  async toHaveReceived(lab: Pick<Lab, 'books' | 'receiver'>, amount: bigint): Promise<Verdict> {
    mustBe(lab, 'a lab', 'books')
    mustBeAmount(amount)
    const { chain } = await lab.books()
    const received = chain.wallets[lab.receiver] ?? 0n
    return {
      pass: received === amount,
      message: () =>
        `the receiver ${mustOrNot(received === amount)} have ${amount} micro-dollars, and has ${received}`,
      actual: received,
      expected: amount,
    }
  },
  async toBeAudited(lab: Pick<Lab, 'audit'>): Promise<Verdict> {
    mustBe(lab, 'a lab', 'audit')
    const fault = await lab.audit().then(
      () => null,
      (thrown: unknown) => {
        // Trap: books that cannot be read break no invariant, and `.not` must not pass.
        if (thrown instanceof AuditError) return thrown
        throw thrown
      },
    )
    return {
      pass: fault === null,
      message: () => (fault === null ? 'the books must break an invariant' : String(fault)),
    }
  },
})
