/** The ground on which the story of the differential run is played: the simulator, or workerd with anvil. */
import type { ChannelConfig } from '../../src/protocol/evm/channel.ts'
import type { Address, Hex } from '../../src/protocol/evm/hex.ts'
import type { Wallet } from '../actors/wallet.ts'
import type { Answer } from '../wire.ts'

/** One place, with the payers of the story funded. */
export type Ground = {
  /** The origin of the site's pages. */
  site: string
  /** Unix ms. */
  now(): number
  /** One request to the Worker. */
  ask(path: string, headers: Record<string, string>): Promise<Answer>
  /** Lets some time pass before a request is sent again. */
  pause(): Promise<void>
  /** Reads a route of the operator's API. */
  read(path: string): Promise<unknown>
  /** The USDC of an address. */
  holds(owner: Address): Promise<bigint>
  /** A payer cancels an authorization on chain. */
  cancel(wallet: Wallet, nonce: Hex): Promise<void>
  /** A payer begins to take `amount` out of its channel. */
  withdraw(wallet: Wallet, config: ChannelConfig, amount: bigint): Promise<void>
  /** The watch for withdrawals runs. */
  watch(): Promise<void>
  /** The next midnight comes, and its runs end. */
  night(): Promise<void>
}

/** How the Worker is set up in both places. The wallet of the site and the key of the relayer are the same, so ids are, too. */
export const SETTINGS = {
  RECEIVER: `0x${'22'.repeat(20)}` as Hex,
  RELAYER_KEY: `0x${'07'.repeat(32)}` as Hex,
  PRICE: '0.001',
  SCHEMES: ['channel', 'exact'],
  RULES: [],
  WITHDRAW_DELAY: '3600',
  SHORT_WITHDRAW_DELAY: 'accepted',
  MAX_UNCLAIMED: '0.02',
  MIN_CLAIM: '0.002',
  GAS_PER_PAYER: '1000',
  GAS_NEW_PAYERS: '1000',
}

/** When the story begins. */
export const START = Date.UTC(2026, 11, 1, 6)
/** The balance of each payer, and the number of payers who have it. One more has nothing. */
export const FUNDS = 1_000_000n
export const FUNDED = 3
