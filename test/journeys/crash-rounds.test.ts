/** A few rounds of `npm run crash`: the runtime is killed under load of every kind, and in nightly runs. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCrash } from '../crash/rounds.ts'

const ROUNDS = 4
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
let crash: Awaited<ReturnType<typeof startCrash>>

beforeAll(async () => {
  crash = await startCrash(seed)
})
afterAll(() => crash.stop())

describe('site killed under mixed load', { timeout: 180_000 }, () => {
  it('loses no receipt and charges nothing twice on channels, at once, on credit and in nightly runs [E2, I3]', async () => {
    for (let at = 0; at < ROUNDS; at++) {
      const { faults } = await crash.round()
      expect(faults, `SEED=${seed}`).toEqual([])
    }
    expect(await crash.nightFaults(), `SEED=${seed}`).toEqual([])
  })
})
