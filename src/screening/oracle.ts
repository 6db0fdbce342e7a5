/** The sanctions oracle: a contract that answers `isSanctioned(address)`, as Chainalysis publishes it. */
import type { Chain } from '../chain/rpc.ts'
import type { Address, Hex } from '../protocol/evm/hex.ts'
import type { ScreeningSource } from './screen.ts'

const SAME = '0x40c57923924b5c5c5455c48d93317139addac8fb'

/** Chainalysis' oracle by network (CAIP-2). Test networks have none. */
export const ORACLES: ReadonlyMap<string, Address> = new Map([
  ['eip155:1', SAME],
  ['eip155:137', SAME],
  ['eip155:8453', '0x3a91a31cb3dc49b4db9ce721f50a9d076c8d739b'],
  ['eip155:42161', SAME],
  ['eip155:43114', SAME],
])

/** `isSanctioned(address)`. */
const SELECTOR = '0xdf592f7d'
const WORD = { no: `0x${'0'.repeat(64)}`, yes: `0x${'0'.repeat(63)}1` }

/** Asks the oracle at an address, in one call. `now` in Unix milliseconds. */
export function oracleSource(chain: Chain, oracle: Address, now: () => number): ScreeningSource {
  const list = `oracle ${oracle}`
  const unknown = (reason: string) => ({ status: 'unknown', list, dated: now(), reason }) as const
  return async (address) => {
    try {
      const { readAt } = await import('../chain/rpc.ts')
      const { answers } = await readAt(chain, [{ to: oracle, data: callOf(address) }])
      const [answer] = answers
      if (answer === WORD.yes)
        return { status: 'listed', list, dated: now(), reason: 'sanctioned by the oracle' }
      // Trap: an address without a contract answers every call with nothing.
      if (answer !== WORD.no) return unknown('the oracle must answer true or false')
      return { status: 'clear', list, dated: now(), reason: 'not listed' }
    } catch (fault) {
      return unknown(`the oracle could not be read: ${fault}`.slice(0, 200))
    }
  }
}

function callOf(address: Address): Hex {
  return `${SELECTOR}${address.slice(2).padStart(64, '0')}`
}
