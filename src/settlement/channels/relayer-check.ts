/** Reports what is wrong with the nonces of the relayer's key. */

import type { RelayerState } from '../../chain/relayer/relayer.ts'
import type { Finding } from '../../ledger/book/finding.ts'
import type { Settings } from '../context.ts'
import { silence } from './observe.ts'

/** Asks the relayer. Its findings name the relayer's address. Never throws: nothing else waits for them. */
export async function checkRelayer({ relayer }: Settings): Promise<Finding[]> {
  try {
    return compareNonces(await relayer.state())
  } catch (fault) {
    return [silence('relayer', fault)]
  }
}

/** The nonces that are missing now, and those filled or taken within a day. */
export function compareNonces({ address: account, missing, filled, taken }: RelayerState): Finding[] {
  const found: [Finding['what'], RelayerState['missing']][] = [
    ['nonce_hole', missing],
    ['nonce_filled', filled],
    ['key_shared', taken],
  ]
  return found.flatMap(([what, ranges]) => {
    const [first] = ranges
    if (!first) return []
    const count = ranges.reduce((sum, range) => sum + range.last - range.first + 1, 0)
    return [{ account, what, detail: `${count} from nonce ${first.first}` }]
  })
}
