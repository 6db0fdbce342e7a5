/** The sanctions oracle of the local chain, whose list anyone may write. */
import { encodeFunctionData, parseAbi } from 'viem'
import type { Address } from '../../src/protocol/evm/hex.ts'
import { newKey } from './harness.ts'
import { send } from './payer.ts'

export const ORACLE = '0x40c57923924b5c5c5455c48d93317139addac8fb'

const LIST = parseAbi(['function list(address account, bool isListed)'])

/** Puts an address on the list, or takes it off. */
export async function sanction(account: Address, isListed = true): Promise<void> {
  const data = encodeFunctionData({ abi: LIST, args: [account, isListed] })
  const { address: from } = await newKey()
  await send(from, ORACLE, data)
}
