/** What a settlement run works with: the books, the accounts, the chain and the key that sends. */

import type { Relayer } from '../chain/relayer/relayer.ts'
import type { Chain } from '../chain/rpc.ts'
import type { Account } from '../ledger/channel/account.ts'
import type { Authorizations } from '../ledger/exact/authorizations.ts'
import type { Address } from '../protocol/evm/hex.ts'

export type Settings = {
  chain: Chain
  book: D1Database
  accounts: DurableObjectNamespace<Account>
  authorizations: DurableObjectNamespace<Authorizations>
  /** Its address is the channels' receiver authorizer. */
  relayer: Relayer & { address(): Promise<Address> }
}

/** What it takes to look after payers by `exact`. Without a chain of ours nobody here can say what became of a payment in doubt. */
export type Payers = Pick<Settings, 'book' | 'authorizations'> & {
  chain: Chain | null
  /** Null where a facilitator sends. */
  relayer: Pick<Relayer, 'outcome'> | null
}

export function accountOf({ accounts }: Settings, channelId: string): DurableObjectStub<Account> {
  return accounts.getByName(channelId)
}
