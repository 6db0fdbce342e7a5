/** Builds what `tsc` cannot: the Worker of the lab, and the contracts of the local chain. Run it from `dist`. */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CONTRACTS } from '../testing/chain/chain.ts'
import { compile, PREBUILT } from '../testing/chain/solidity.ts'
import { storePlan } from '../testing/stack/plan.ts'
import { buildPlan, PREBUILT_WORKER } from './plan.ts'

await storePlan(await buildPlan(), PREBUILT_WORKER)
// The sources went into the compiler, and a stale result must never win over them.
await rm(join(CONTRACTS, PREBUILT), { force: true })
await writeFile(join(CONTRACTS, PREBUILT), JSON.stringify(await compile(CONTRACTS)))
