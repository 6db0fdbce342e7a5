/** A separate process that starts a chain, prints its URL, and runs until it is killed. */
import { startChain } from '../../src/testing/chain/chain.ts'

const [statePath] = process.argv.slice(2)
const { rpcUrl } = await startChain(statePath === undefined ? {} : { statePath })
console.log(rpcUrl)
