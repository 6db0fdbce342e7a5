/** The state that the steps share. */
import type { Facts, Money } from '../calls.ts'
import type { Gate } from './gate.ts'
import type { Keys } from './keys.ts'
import type { Payer } from './payers.ts'
import type { Way } from './tamper.ts'

/** A crawler, its page, and its clients. */
export type Game = {
  facts: Facts
  keys: Keys | null
  /** The page that the crawler wants. */
  path: string
  gate: Gate
  /** The step that comes next has the page's main button. */
  next: 'faucet' | 'ask' | 'pay'
  /** The client of a way, made once. @throws without keys */
  payer(way: Way): Promise<Payer>
  /** Shows balances, and the totals of this account from now on. */
  refresh(account?: { id: string; way: Way }): Promise<Money | null>
}
