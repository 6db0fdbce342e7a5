/** The relayer pays for payers within limits: least amounts, budgets by day, and the reserve that only claims may use. */
import { describe, expect, it } from 'vitest'
import { type GasTerms, type Sponsored, worthItsGas } from '../../../src/chain/relayer/gas-money.ts'
import type { Address } from '../../../src/protocol/evm/hex.ts'
import { anOrder, countOf, newRelayer, type RelayerRig, randomHex, rpc } from '../harness.ts'

const ETHER = 10n ** 18n
const TODAY = Math.floor(Date.now() / 86_400_000)

/** An order that a payer causes. Its call moves nothing and takes 21,000 gas. */
function caused(by: Address = randomHex(20), rest: Partial<Sponsored> = {}) {
  return anOrder({ sponsored: { kind: 'deposit', payer: by, amount: 1_000n, ...rest } })
}

/** A relayer whose orders cost the same: no fee changes between them. */
function relayerWith(gas: Partial<GasTerms>): Promise<RelayerRig> {
  return newRelayer({ gas: { reserve: 0n, perPayer: ETHER, newPayers: ETHER, ...gas } })
}

async function hold(relayer: RelayerRig, wei: bigint): Promise<void> {
  await rpc('anvil_setBalance', relayer.address, `0x${wei.toString(16)}`)
}

describe('An order of a payer', () => {
  it('is declined below the amount that is worth its gas, and sent at it [H2]', async () => {
    const nativePrice = 10n ** 12n
    const relayer = await relayerWith({ nativePrice })
    const dust = await relayer.send(caused())
    if (dust.status !== 'declined') throw new Error(`must be declined: ${dust.status}`)
    expect(dust.reason).toBe('below_gas')
    // The fee is the chain's, and each block changes it a little.
    const [low, high] = [10n ** 8n, 10n ** 11n].map((fee) => worthItsGas('deposit', fee, nativePrice))
    expect(dust.least > (low ?? 0n) && dust.least < (high ?? 0n)).toBe(true)
    expect(await countOf(relayer.address)).toBe(0)
    expect(await relayer.send(caused(undefined, { amount: 2n * dust.least }))).toMatchObject({
      status: 'mined',
    })
  })

  it('is declined once its payer has used up its day, without a call to the node [F13]', async () => {
    const relayer = await relayerWith({ perPayer: 1n })
    const payer = randomHex(20) as Address
    expect(await relayer.send(caused(payer))).toMatchObject({ status: 'declined', reason: 'payer_budget' })
    await relayer.sql(`INSERT INTO spent VALUES (${TODAY}, '${payer}', '1')`)
    const before = (await relayer.lane.seen('eth_estimateGas')).length
    expect(await relayer.send(caused(payer))).toMatchObject({ status: 'declined', reason: 'payer_budget' })
    expect(await relayer.lane.seen('eth_estimateGas')).toHaveLength(before)
  })

  it('counts against the day also after the relayer was killed [F13]', async () => {
    const relayer = await relayerWith({})
    const payer = randomHex(20) as Address
    await relayer.send(caused(payer))
    await relayer.kill()
    await relayer.sql(`UPDATE spent SET wei = '${ETHER}' WHERE payer = '${payer}' AND wei > '0'`)
    expect(await relayer.send(caused(payer))).toMatchObject({ status: 'declined', reason: 'payer_budget' })
  })

  it('of a stranger is declined once strangers have used up their day, but not of a known payer [F13]', async () => {
    const relayer = await relayerWith({ newPayers: 1n })
    const known = randomHex(20) as Address
    await relayer.sql(`INSERT INTO spent VALUES (${TODAY - 1}, '${known}', '1')`)
    expect(await relayer.send(caused())).toMatchObject({ status: 'declined', reason: 'new_payers_budget' })
    expect(await relayer.send(caused(known))).toMatchObject({ status: 'mined' })
  })

  it('of a payer who was away for more than 30 days is a stranger’s [F13]', async () => {
    const relayer = await relayerWith({ newPayers: 1n })
    const away = randomHex(20) as Address
    await relayer.sql(`INSERT INTO spent VALUES (${TODAY - 31}, '${away}', '1')`)
    await relayer.alarm()
    expect(await relayer.send(caused(away))).toMatchObject({
      status: 'declined',
      reason: 'new_payers_budget',
    })
  })
})

describe('The reserve', () => {
  it('is left to claims: deposits, refunds and transfers are declined, and a claim is mined [F13]', async () => {
    const relayer = await relayerWith({ reserve: ETHER })
    await hold(relayer, ETHER)
    for (const kind of ['deposit', 'refund', 'payment'] as const) {
      const outcome = await relayer.send(caused(undefined, { kind }))
      expect(outcome).toMatchObject({ status: 'declined', reason: 'reserve' })
    }
    expect(await countOf(relayer.address)).toBe(0)
    expect(await relayer.send(anOrder())).toMatchObject({ status: 'mined' })
  })

  it('opens again once the relayer holds more [F13]', async () => {
    const relayer = await relayerWith({ reserve: ETHER })
    const order = caused()
    await hold(relayer, ETHER)
    expect(await relayer.send(order)).toMatchObject({ status: 'declined' })
    await hold(relayer, 2n * ETHER)
    expect(await relayer.send(order)).toMatchObject({ status: 'mined' })
  })

  it('is not touched by many orders at once [F13]', async () => {
    const relayer = await relayerWith({ reserve: ETHER })
    // Enough for some of them at worst, never for all.
    await hold(relayer, ETHER + 10n ** 14n)
    const outcomes = await Promise.all(Array.from({ length: 12 }, () => relayer.send(caused())))
    const declined = outcomes.filter(({ status }) => status === 'declined')
    expect(declined.length).toBeGreaterThan(0)
    expect(BigInt(await rpc<string>('eth_getBalance', relayer.address, 'latest'))).toBeGreaterThanOrEqual(
      ETHER,
    )
  })
})
