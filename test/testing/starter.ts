/** A process of its own that starts a chain, says where it is, and waits to be killed. */
import { startChain } from '../../src/testing/chain/chain.ts'

const [statePath] = process.argv.slice(2)
const { rpcUrl } = await startChain(statePath === undefined ? {} : { statePath })
console.log(rpcUrl)
