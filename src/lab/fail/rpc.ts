/** Faults of the Worker’s node, set at the proxy in front of the chain. */
import type { RpcFault } from '../../testing/chain/rpc-proxy.ts'
import { type LabStage, openNode } from '../stage.ts'
import { spanMs } from '../time.ts'
import type { Mend, RpcFailure, Times } from './fail.ts'

/** Half of an answer. */
const HALF = '{"jsonrpc":"2.0","id":1,"res'

/** Sets a fault. Crawlers and the lab itself reach the chain past it. */
export async function failRpc(stage: LabStage, failure: RpcFailure, { times }: Times = {}): Promise<Mend> {
  const { nodeFaults } = stage
  const deadForMs = 'deadFor' in failure ? spanMs(failure.deadFor) : null
  const added = (Array.isArray(failure) ? failure : faultsOf(failure)).map(
    (fault): RpcFault => ({ ...fault, ...(times !== undefined && { times }) }),
  )
  nodeFaults.push(...added)
  await openNode(stage)
  const mend = async () => {
    for (const fault of added) {
      const at = nodeFaults.indexOf(fault)
      if (at >= 0) nodeFaults.splice(at, 1)
    }
    await openNode(stage)
  }
  // The lab may be closed by then, and the Worker gone.
  if (deadForMs !== null) setTimeout(() => mend().catch(() => {}), deadForMs).unref()
  return mend
}

function faultsOf(failure: Exclude<RpcFailure, RpcFault[]>): RpcFault[] {
  if ('stale' in failure) return [{ method: '*', does: 'stale', blocks: failure.stale }]
  if ('chainId' in failure)
    return [{ method: 'eth_chainId', does: 'answer', result: `0x${failure.chainId.toString(16)}` }]
  if ('deadFor' in failure) return [{ method: '*', does: 'drop' }]
  if ('receipts' in failure) return [{ method: 'eth_getTransactionReceipt', does: 'answer', result: null }]
  if ('loses' in failure)
    return [{ method: failure.of, does: failure.loses === 'replies' ? 'swallow' : 'drop' }]
  if ('delays' in failure) return [{ method: failure.of, does: 'delay', ms: spanMs(failure.delays) }]
  switch (failure.answers) {
    case 'nothing':
      return [{ method: '*', does: 'drop' }]
    case '429':
      return [{ method: '*', does: 'answer', status: 429, body: '' }]
    case 'half JSON':
      return [{ method: '*', does: 'answer', body: HALF }]
  }
}
