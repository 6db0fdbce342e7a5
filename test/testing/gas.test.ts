/** Gas of whole transactions, compared with the deployed contract, so that costs measured here are realistic. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { USDC } from '../../src/testing/chain/chain.ts'
import { type Rig, send, startRig } from './harness.ts'
import { deposit, makeConfig, makeRow, open, type Row, signBatch, signRefund } from './paper.ts'

let rig: Rig
beforeAll(async () => {
  rig = await startRig()
})
afterAll(() => rig.chain.stop())

/** Rows of fresh channels of one receiver, each with 10 to claim. */
async function makeRows(count: number): Promise<Row[]> {
  const rows: Row[] = []
  for (let i = 0; i < count; i++) {
    const { config } = await open(rig, 1_000n)
    rows.push(await makeRow(config, 10n, 10n, rig.payer))
  }
  return rows
}

async function claim(rows: Row[]): Promise<bigint> {
  const args = [rows, await signBatch(rows, rig.authorizer)]
  return (await send(rig, rig.stranger.address, 'claimWithSignature', args)).gasUsed
}

/** Expects the gas within a fifth of the figure measured on the deployed code. */
function expectNear(gas: bigint, reference: number): void {
  expect(Number(gas)).toBeGreaterThan(reference * 0.8)
  expect(Number(gas)).toBeLessThan(reference * 1.2)
}

it('the first deposit costs about as much gas as on the deployed contract', async () => {
  await open(rig, 1_000n)
  const { gasUsed } = await deposit(rig, makeConfig(rig), 1_000n)
  expectNear(gasUsed, 120_265)
})

it('a top-up costs about as much gas as on the deployed contract', async () => {
  const { config } = await open(rig, 1_000n)
  expectNear((await deposit(rig, config, 1_000n)).gasUsed, 99_285)
})

it.each([
  [1, 60_336],
  [10, 272_944],
  [100, 2_414_530],
])('a claim of %i channels costs about as much gas as on the deployed contract', async (count, reference) => {
  // Write the receiver's total once before, since its first write costs more.
  await claim(await makeRows(1))
  expectNear(await claim(await makeRows(count)), reference)
})

it('a claim that does nothing costs about as much gas as on the deployed contract', async () => {
  const rows = await makeRows(1)
  await claim(rows)
  expectNear(await claim(rows), 42_836)
})

it('a sweep costs about as much gas as on the deployed contract', async () => {
  await claim(await makeRows(1))
  const args = [rig.receiver.address, USDC]
  await send(rig, rig.stranger.address, 'settle', args)
  await claim(await makeRows(1))
  expectNear((await send(rig, rig.stranger.address, 'settle', args)).gasUsed, 46_332)
})

it('an empty sweep costs about as much gas as on the deployed contract', async () => {
  const { gasUsed } = await send(rig, rig.stranger.address, 'settle', [rig.stranger.address, USDC])
  expectNear(gasUsed, 25_216)
})

it('a signed refund costs about as much gas as on the deployed contract', async () => {
  const { config, id } = await open(rig, 1_000n)
  const args = [config, 10n, 0n, await signRefund(id, 0n, 10n, rig.authorizer)]
  expectNear((await send(rig, rig.stranger.address, 'refundWithSignature', args)).gasUsed, 84_778)
})
