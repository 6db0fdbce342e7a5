/** The answers of a channel account, from its state and its entries. */
import type { OpenedPages } from '../opened-pages.ts'
import { NOTHING_SOLD, soldOf } from '../sold.ts'
import type {
  Answer,
  Charged,
  ChargeOrder,
  DepositOrder,
  Entry,
  Order,
  RefundOrder,
  Standing,
} from './types.ts'

/** The fields of an entry that not every kind has. */
export const EMPTY_ENTRY = {
  amount: 0n,
  max: null,
  signature: null,
  request: null,
  transaction: null,
  of: null,
  ...NOTHING_SOLD,
}

/**
 * The answer to an order for a page that the payer has paid for before; undefined if it must be charged.
 * Threat: a claim publishes the highest voucher, so only a higher one shows that the payer is asking.
 */
export function openedFor(
  order: ChargeOrder | DepositOrder,
  { authorized, charged, state }: Standing,
  opened: OpenedPages,
): Charged | undefined {
  if (order.kind !== 'charge' || !order.opened || order.max <= authorized) return undefined
  const entry = opened.find(order.opened, Date.now())
  const transaction = order.settled?.transaction ?? null
  return entry === undefined
    ? undefined
    : { outcome: 'opened', entry: Number(entry), due: 0n, charged, state, transaction }
}

/** The entry of a charge over `due`. */
export function chargeOf(order: ChargeOrder, due: bigint): Pick<Entry, 'kind' | 'id'> & Partial<Entry> {
  const { id, max, signature, request, settled } = order
  const transaction = settled?.transaction ?? null
  return { kind: 'charge', id, amount: due, max, signature, request, ...soldOf(order), transaction }
}

/** A charge as its order is answered, `loweredBy` less than it was made for; a replay gets the same values. */
export function chargedAs(
  outcome: 'charged' | 'replayed',
  { seq, amount, charged, transaction }: Entry,
  { state }: Standing,
  loweredBy: bigint | null,
): Charged {
  const due = amountLeft(amount, loweredBy)
  return { outcome, entry: seq, due, charged: charged - (amount - due), state, transaction }
}

/** The part of a charged amount that remains. The account balance may have paid for the rest of its price. */
export function amountLeft(amount: bigint, loweredBy: bigint | null): bigint {
  const left = amount - (loweredBy ?? 0n)
  return left > 0n ? left : 0n
}

/** A deposit or refund that may begin, or why it may not. */
export function begunBy(order: Order, standing: Standing): Answer {
  return order.kind === 'refund' ? beginRefund(order, standing) : { outcome: 'begun', amount: 0n, standing }
}

function beginRefund(order: RefundOrder, standing: Standing): Answer {
  const no = (reason: 'refund_empty' | 'refund_amount' | 'refund_too_small'): Answer => ({
    outcome: 'refused',
    reason,
    standing,
  })
  const left = standing.state.balance - standing.charged
  const amount = order.amount ?? left
  if (left <= 0n) return no('refund_empty')
  if (amount <= 0n || amount > left) return no('refund_amount')
  if (amount < (order.least ?? 0n)) return no('refund_too_small')
  return { outcome: 'begun', amount, standing }
}

/** The entry of delivery `id` that takes `amount` of a charge back: all of it, or what the origin did not ask for. */
export function takenBack(kind: 'release' | 'lower', charge: Entry, id: string, amount: bigint) {
  const { seq: of, max, request } = charge
  return { kind, id, amount, of, max, request, ...soldOf(charge) }
}
