/** The shapes of channels and payments, as JSON Schema. */
import { amount, count, flag, hex, orNull, table, text, time, word } from './json-schema.ts'
import { hold } from './openapi-screening.ts'

/** The facts of a sale: null in entries that sell nothing, and in those of earlier versions. */
const sold = { site: orNull(text), rule: orNull(text), policy: orNull(count), who: orNull(text) }

const totals = { authorized: amount, charged: amount, redeemed: amount, credit: amount }

/** An entry of a channel's journal. */
export const channelEntry = table(
  {
    seq: count,
    at: time,
    kind: word('open', 'charge', 'replay', 'release', 'lower', 'deposit', 'refund', 'chain', 'quarantine'),
    id: text,
    amount,
    ...totals,
    ceiling: amount,
    max: orNull(amount),
    signature: orNull(hex),
    request: orNull(text),
    transaction: orNull(hex),
    of: orNull(count),
    ...sold,
  },
  'signature',
)

const channelConfig = table({
  payer: hex,
  payerAuthorizer: hex,
  receiver: hex,
  receiverAuthorizer: hex,
  token: hex,
  withdrawDelay: count,
  salt: hex,
})

const channelState = table({
  balance: amount,
  totalClaimed: amount,
  withdrawRequestedAt: count,
  withdrawAmount: amount,
  refundNonce: amount,
  block: amount,
})

const sent = { kind: word('deposit', 'refund'), id: text, since: time, refundNonce: amount, undone: flag }
const later = ['refundNonce', 'undone'] as const
/** A deposit or refund with an unknown outcome. */
const unresolved = table({ ...sent, behind: table(sent, ...later) }, ...later, 'behind')

/** The state of a channel's account. */
export const channelStanding = table(
  {
    ...totals,
    channelId: hex,
    config: channelConfig,
    signature: hex,
    state: channelState,
    quarantine: orNull(text),
    unresolved: orNull(unresolved),
    hold,
  },
  'signature',
  'hold',
)

/** A payment by `exact`. */
export const payment = table(
  {
    id: text,
    status: word('taken', 'doubtful', 'settled', 'undelivered', 'released', 'watched', 'undone', 'lost'),
    at: orNull(time),
    amount,
    request: text,
    ...sold,
    transaction: orNull(hex),
    signature: hex,
  },
  'signature',
)
