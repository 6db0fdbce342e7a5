/** The meters of a lab: all that the Worker has spent on the world so far. */
import { GAS_VARS } from '../testing/chain/chain.ts'
import type { Cost } from './score.ts'
import type { LabStage } from './stage.ts'

const WEI = 10n ** 18n
/** One ether in micro-dollars. */
const ETHER = BigInt(GAS_VARS.NATIVE_PRICE) * 1_000_000n

async function metersOf({ chain, relayer, remote, nodeCalls, origin }: LabStage) {
  const { shortCalls } = await remote({ do: 'meters' })
  const wei = BigInt((await chain.rpc('eth_getBalance', [relayer.address, 'latest'])) as string)
  return { wei, lookUps: nodeCalls.length + shortCalls, origin: origin.asked.length }
}

/** The cost of some work. */
export async function costOf(stage: LabStage, work: () => Promise<unknown>): Promise<Cost> {
  const before = await metersOf(stage)
  await work()
  const after = await metersOf(stage)
  return {
    lookUps: after.lookUps - before.lookUps,
    gas: ((before.wei - after.wei) * ETHER + WEI - 1n) / WEI,
    origin: after.origin - before.origin,
  }
}
