/** The bindings of a settlement run: the read model, the accounts, the chain and the relayer. */

import type { GasTerms } from '../chain/relayer/gas-money.ts'
import type { Relayer, RelayerState } from '../chain/relayer/relayer.ts'
import type { Chain } from '../chain/rpc.ts'
import type { RowScope } from '../ledger/book/accounts.ts'
import type { Account } from '../ledger/channel/account.ts'
import type { Authorizations } from '../ledger/exact/authorizations.ts'
import type { Webhook } from '../platform/webhook.ts'
import type { Address, Hex } from '../protocol/evm/hex.ts'
import type { Network } from '../protocol/evm/network.ts'
import type { Screen } from '../screening/screen.ts'

/** The bindings of a run on one network, where this site settles on a chain of its own. */
export type Settings = {
  network: Network
  chain: Chain
  /** The rows of the read model that this network's part of a run reads. */
  scope: RowScope
  /** The read model. */
  book: D1Database
  accounts: DurableObjectNamespace<Account>
  authorizations: DurableObjectNamespace<Authorizations>
  /** Its address is the channels' receiver authorizer. */
  relayer: Relayer & { address(): Promise<Address>; state(): Promise<RelayerState> }
  gas: ClaimTerms
  /** Screens payers before a claim and receivers before a sweep. Absent: none is screened. */
  screen?: Screen | undefined
  /** Alerts the operator; null without WEBHOOK_URL. */
  webhook: Webhook | null
  /** Signs as a former key of this site, whose channels still owe. Null for any other address. */
  signAs(authorizer: Address, digest: Uint8Array): Hex | null
}

/** The least claim that is worth its gas, and the gas money that is kept for claims. */
export type ClaimTerms = Pick<GasTerms, 'nativePrice' | 'reserve'> & {
  /** The least claim at any gas price, in atomic units. */
  minClaim: bigint
}

/** The bindings for payments by `exact`. Without a chain, unresolved payments stay unresolved. */
export type Payers = Pick<Settings, 'scope' | 'book' | 'authorizations'> & {
  chain: Chain | null
  /** Null where a facilitator sends the transactions. */
  relayer: Pick<Relayer, 'outcome'> | null
}

/** Returns the stub of a channel's account. */
export function accountOf({ accounts }: Settings, channelId: string): DurableObjectStub<Account> {
  return accounts.getByName(channelId)
}
