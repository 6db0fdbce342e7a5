/** Every expected "no", in one list, and what each one is on the wire. */

/** What every step of a paid request answers: a value, or a refusal with its reason. Faults are thrown instead. */
export type Result<Value> = { ok: true; value: Value } | { ok: false; refusal: Refusal }

/**
 * An expected "no". `detail` is evidence for the operator's log and never leaves the Worker.
 * `terms` replaces the `extra` of the channel offer in a corrective 402 (x402 batch-settlement §Recovery After State Loss).
 */
export type Refusal = {
  reason: Reason
  detail?: string
  terms?: Record<string, unknown>
}

export function refuse(reason: Reason, rest: Omit<Refusal, 'reason'> = {}): { ok: false; refusal: Refusal } {
  return { ok: false, refusal: { reason, ...rest } }
}

export function accept<Value>(value: Value): { ok: true; value: Value } {
  return { ok: true, value }
}

type Wire = {
  /** 402 carries fresh offers; 503 carries `Retry-After`, since a 402 would make the payer pay twice. */
  status: 400 | 402 | 403 | 405 | 408 | 413 | 502 | 503
  /** The x402 `error` of this refusal. Codes without an x402 name of their own start with `tab_`. */
  code: string
  /** What a person may read. */
  sentence: string
}

const EXACT = 'invalid_exact_evm_'
const CHANNEL = 'invalid_batch_settlement_evm_'

const WIRE = {
  // The request
  ambiguous_path: [400, 'tab_ambiguous_path', 'This path can be read in more than one way.'],
  url_too_long: [400, 'tab_url_too_long', 'The path and query are longer than 8 KB.'],
  method_not_allowed: [405, 'tab_method_not_allowed', 'This method is not served here.'],
  body_too_large: [413, 'tab_body_too_large', 'A paid request may carry at most 1 MiB.'],
  body_too_slow: [408, 'tab_body_too_slow', 'The body of a paid request must arrive within two minutes.'],
  blocked: [403, 'tab_blocked', 'The publisher does not serve this crawler.'],

  // The payment header
  payment_required: [402, 'Payment required', 'Crawlers pay for this page.'],
  header_too_large: [400, 'tab_header_too_large', 'The payment header is larger than 8 KB.'],
  malformed_payment: [400, 'invalid_payload', 'The payment header cannot be read.'],
  unsupported_version: [400, 'invalid_x402_version', 'Only x402 versions 1 and 2 are spoken here.'],
  no_matching_offer: [402, 'No matching payment requirements', 'The payment answers no offer made here.'],

  // exact (EIP-3009)
  exact_payload: [402, 'unsupported_payload_type', 'Only EIP-3009 authorizations are taken here.'],
  exact_signature: [402, `${EXACT}signature`, 'The authorization is not signed by its payer.'],
  exact_recipient: [402, `${EXACT}recipient_mismatch`, 'The authorization pays somebody else.'],
  exact_value: [
    402,
    `${EXACT}payload_authorization_value_mismatch`,
    'The authorization is for another amount.',
  ],
  exact_too_early: [402, `${EXACT}payload_authorization_valid_after`, 'The authorization is not valid yet.'],
  exact_too_late: [402, `${EXACT}payload_authorization_valid_before`, 'The authorization expires too soon.'],
  exact_used: [402, `${EXACT}nonce_already_used`, 'The authorization was used before.'],
  exact_bound: [402, 'tab_proof_bound', 'The authorization already opened another resource.'],
  exact_in_progress: [503, 'tab_in_progress', 'The same payment is being settled; ask again.'],
  exact_insufficient_funds: [402, `${EXACT}insufficient_balance`, 'The payer does not hold the amount.'],
  exact_failed: [402, `${EXACT}transaction_failed`, 'The transfer was refused by the chain.'],

  // channel (batch-settlement)
  channel_payload: [402, `${CHANNEL}payload_type`, 'The channel payload is of no known type.'],
  channel_id: [402, `${CHANNEL}channel_id_mismatch`, 'The channel configuration has another id.'],
  channel_receiver: [402, `${CHANNEL}receiver_mismatch`, 'The channel pays another receiver.'],
  channel_authorizer: [
    402,
    `${CHANNEL}receiver_authorizer_mismatch`,
    'The channel has another receiver authorizer.',
  ],
  channel_token: [402, `${CHANNEL}token_mismatch`, 'The channel holds another token.'],
  channel_delay: [402, `${CHANNEL}withdraw_delay_mismatch`, 'The channel has another withdraw delay.'],
  channel_wallet: [402, 'tab_contract_wallet', 'Vouchers of contract wallets are not taken here.'],
  voucher_signature: [
    402,
    `${CHANNEL}voucher_signature`,
    'The voucher is not signed by the payer’s authorizer.',
  ],
  voucher_stale: [
    402,
    `${CHANNEL}cumulative_amount_mismatch`,
    'The voucher does not follow from what is charged.',
  ],
  voucher_below_claimed: [
    402,
    `${CHANNEL}cumulative_below_claimed`,
    'The voucher is below what is claimed on chain.',
  ],
  over_ceiling: [402, `${CHANNEL}cumulative_exceeds_balance`, 'The escrow does not cover this voucher.'],
  channel_unknown: [402, `${CHANNEL}channel_not_found`, 'No escrow stands behind this channel.'],
  channel_busy: [503, `${CHANNEL}channel_busy`, 'The channel is being settled; ask again.'],
  unclaimed_limit: [
    402,
    'tab_unclaimed_limit',
    'The channel owes all that may stay unclaimed; pay at once instead.',
  ],
  withdrawal_pending: [402, 'tab_withdrawal_pending', 'The payer is withdrawing from this channel.'],
  deposit_authorization: [
    402,
    `${CHANNEL}receive_authorization_signature`,
    'The deposit is not signed by its payer.',
  ],
  deposit_method: [402, `${CHANNEL}erc3009_authorization_required`, 'Deposits are taken by ERC-3009 only.'],
  deposit_too_early: [402, `${CHANNEL}payload_authorization_valid_after`, 'The deposit is not valid yet.'],
  deposit_too_late: [402, `${CHANNEL}payload_authorization_valid_before`, 'The deposit expires too soon.'],
  deposit_too_small: [
    402,
    `${CHANNEL}deposit_below_min_deposit`,
    'The deposit is below the least one taken.',
  ],
  deposit_failed: [402, `${CHANNEL}deposit_transaction_failed`, 'The deposit was refused by the chain.'],
  refund_amount: [402, `${CHANNEL}refund_amount_invalid`, 'The refund is more than what is left.'],
  refund_empty: [402, `${CHANNEL}refund_no_balance`, 'There is nothing left to refund.'],
  refund_failed: [402, `${CHANNEL}refund_transaction_failed`, 'The refund was refused by the chain.'],

  // credit (batch-settlement, HTTP message signatures)
  commitment_payload: [402, 'invalid_payment_signature', 'The commitment names no amount that can be read.'],
  commitment_amount: [402, 'price_not_acceptable', 'The commitment is not over the price.'],
  commitment_signature: [
    402,
    'invalid_signature',
    'The signature is wrong, expired, or lacks what Accept-Signature names.',
  ],
  commitment_unsigned: [
    402,
    'invalid_signature',
    'A commitment is made by signing the request as the 402’s Accept-Signature says.',
  ],
  commitment_replayed: [402, 'tab_replayed', 'The commitment was used before.'],
  agent_unknown: [
    402,
    'signature_agent_unknown',
    'The signature agent has no credit here; registrationUrl says where to ask.',
  ],
  agent_undecided: [503, 'server_error', 'The keys of the signature agent cannot be read now; ask again.'],
  credit_exhausted: [402, 'payment_failed', 'The credit line is used up; pay at once instead.'],
  credit_suspended: [402, 'payment_failed', 'The credit line is suspended; pay at once instead.'],
  credit_unpaid: [402, 'payment_failed', 'An invoice could not be collected; pay at once instead.'],

  // Pay Per Crawl, the other spelling of credit
  crawler_price_conflict: [400, 'tab_crawler_price_conflict', 'Only one crawler price may be named.'],
  crawler_price_malformed: [400, 'tab_crawler_price_malformed', 'The crawler price cannot be read.'],
  crawler_exact_price: [402, 'price_not_acceptable', 'The exact price named is not the price.'],
  crawler_max_price: [402, 'price_not_acceptable', 'The highest price named is below the price.'],

  // Our own doubt. Never a 402: an unknown outcome must not make a payer sign again.
  outcome_unknown: [503, 'settlement_pending', 'The outcome of this payment is not known yet; ask again.'],
  chain_unreadable: [503, `${CHANNEL}rpc_read_failed`, 'The chain cannot be read now; ask again.'],
  too_many_chain_reads: [503, 'tab_too_many_unknown_channels', 'Too many unknown payers; ask again later.'],
  paywall_misconfigured: [503, 'tab_misconfigured', 'The paywall is misconfigured; nothing is served.'],
  ledger_unavailable: [503, 'tab_ledger_unavailable', 'The ledger cannot be reached now; ask again.'],
  origin_unreachable: [502, 'tab_origin_unreachable', 'The origin did not answer; nothing was charged.'],
} as const satisfies Record<string, readonly [Wire['status'], string, string]>

export type Reason = keyof typeof WIRE

/** The wire form of a refusal: HTTP status, x402 `error`, public sentence. */
export function wire(reason: Reason): Wire {
  const [status, code, sentence] = WIRE[reason]
  return { status, code, sentence }
}
