/** Every expected refusal in one list, with its status, code and public sentence on the wire. */

/** The result of each step of a paid request: a value, or a refusal with its reason. Faults are thrown instead. */
export type Result<Value> = { ok: true; value: Value } | { ok: false; refusal: Refusal }

/**
 * An expected refusal. `detail` is evidence for the operator's log and never leaves the Worker.
 * `terms` replaces the `extra` of the channel offer in a corrective 402 (x402 batch-settlement §Recovery After State Loss).
 */
export type Refusal = {
  reason: Reason
  detail?: string
  terms?: Record<string, unknown>
  /** The network of that offer (CAIP-2). A client takes the first channel offer of a corrective 402, whatever its network. */
  network?: string
  /** When an embargo ends, in Unix milliseconds. */
  opensAt?: number
}

/** Makes a failed {@link Result}. */
export function refuse(reason: Reason, rest: Omit<Refusal, 'reason'> = {}): { ok: false; refusal: Refusal } {
  return { ok: false, refusal: { reason, ...rest } }
}

/** Makes a successful {@link Result}. */
export function accept<Value>(value: Value): { ok: true; value: Value } {
  return { ok: true, value }
}

type Wire = {
  /** 402 carries fresh offers; 503 carries `Retry-After`, since a 402 would make the payer pay twice. */
  status: 400 | 402 | 403 | 405 | 408 | 409 | 413 | 421 | 502 | 503
  /** The x402 `error` of this refusal. Codes without an x402 name of their own start with `tab_`. */
  code: string
  /** Public, for people. */
  sentence: string
}

const EXACT = 'invalid_exact_evm_'
const CHANNEL = 'invalid_batch_settlement_evm_'

const WIRE = {
  // The request
  ambiguous_path: [
    400,
    'tab_ambiguous_path',
    'This path is ambiguous. Use its plain form, without encoded slashes or dot segments.',
  ],
  url_too_long: [400, 'tab_url_too_long', 'The path and query must be at most 8 KB.'],
  method_not_allowed: [405, 'tab_method_not_allowed', 'This method is not supported for this page.'],
  body_too_large: [413, 'tab_body_too_large', 'The body of a paid request must be at most 1 MiB.'],
  body_too_slow: [408, 'tab_body_too_slow', 'The body of a paid request must arrive within two minutes.'],
  blocked: [403, 'tab_blocked', 'The publisher does not allow this crawler.'],
  embargoed: [403, 'tab_embargoed', 'The publisher does not allow this crawler yet. See Retry-After.'],

  // The payment header
  payment_required: [402, 'Payment required', 'Crawlers pay for this page.'],
  header_too_large: [400, 'tab_header_too_large', 'The payment header must be at most 8 KB.'],
  malformed_payment: [400, 'invalid_payload', 'The payment header must be valid x402 JSON in base64.'],
  unsupported_version: [400, 'invalid_x402_version', 'The x402 version must be 1 or 2.'],
  no_matching_offer: [
    402,
    'No matching payment requirements',
    'The payment does not match any offer for this page.',
  ],

  // exact (EIP-3009)
  exact_payload: [402, 'unsupported_payload_type', 'The payment must be an EIP-3009 authorization.'],
  exact_signature: [402, `${EXACT}signature`, 'The authorization must be signed by its payer.'],
  exact_recipient: [402, `${EXACT}recipient_mismatch`, 'The authorization must pay the address in payTo.'],
  exact_value: [
    402,
    `${EXACT}payload_authorization_value_mismatch`,
    'The authorization must be for exactly the amount of the offer.',
  ],
  exact_too_early: [402, `${EXACT}payload_authorization_valid_after`, 'The authorization is not valid yet.'],
  exact_too_late: [402, `${EXACT}payload_authorization_valid_before`, 'The authorization expires too soon.'],
  exact_used: [
    402,
    `${EXACT}nonce_already_used`,
    'This authorization has already been used. Sign a new one.',
  ],
  exact_bound: [402, 'tab_proof_bound', 'This authorization already paid for another page. Sign a new one.'],
  exact_in_progress: [503, 'tab_in_progress', 'This payment is being settled. Send the same request again.'],
  exact_insufficient_funds: [402, `${EXACT}insufficient_balance`, "The payer's balance is below the amount."],
  exact_below_gas: [
    402,
    'tab_below_gas',
    'The amount must be worth the gas of its transfer. Pay on a channel instead.',
  ],
  exact_failed: [402, `${EXACT}transaction_failed`, 'The transfer failed on chain.'],

  // channel (batch-settlement)
  channel_payload: [
    402,
    `${CHANNEL}payload_type`,
    'The channel payload must be a voucher, deposit or refund.',
  ],
  channel_id: [402, `${CHANNEL}channel_id_mismatch`, 'The channel id must match the channel configuration.'],
  channel_receiver: [
    402,
    `${CHANNEL}receiver_mismatch`,
    "The channel's receiver must be the one in the offer.",
  ],
  channel_authorizer: [
    402,
    `${CHANNEL}receiver_authorizer_mismatch`,
    "The channel's receiver authorizer must be the one in the offer.",
  ],
  channel_token: [402, `${CHANNEL}token_mismatch`, "The channel's token must be the one in the offer."],
  channel_delay: [
    402,
    `${CHANNEL}withdraw_delay_mismatch`,
    "The channel's withdraw delay must be the one in the offer.",
  ],
  channel_wallet: [402, 'tab_contract_wallet', 'Vouchers of contract wallets are not supported.'],
  voucher_signature: [
    402,
    `${CHANNEL}voucher_signature`,
    "The voucher must be signed by the payer's authorizer.",
  ],
  voucher_stale: [
    402,
    `${CHANNEL}cumulative_amount_mismatch`,
    'The voucher must equal the amount charged so far plus the price.',
  ],
  voucher_below_claimed: [
    402,
    `${CHANNEL}cumulative_below_claimed`,
    'The voucher must be at least the amount already claimed on chain.',
  ],
  over_ceiling: [
    402,
    `${CHANNEL}cumulative_exceeds_balance`,
    "The channel's escrow does not cover this voucher. Deposit more.",
  ],
  channel_unknown: [
    402,
    `${CHANNEL}channel_not_found`,
    'This channel must have a funded escrow. Deposit first.',
  ],
  channel_busy: [
    503,
    `${CHANNEL}channel_busy`,
    'This channel is being settled. Send the same request again.',
  ],
  unclaimed_limit: [
    402,
    'tab_unclaimed_limit',
    'This channel has reached its unclaimed limit. Pay at once instead.',
  ],
  withdrawal_pending: [
    402,
    'tab_withdrawal_pending',
    'The payer is withdrawing from this channel. Pay another way.',
  ],
  deposit_authorization: [
    402,
    `${CHANNEL}receive_authorization_signature`,
    'The deposit must be signed by its payer.',
  ],
  deposit_method: [
    402,
    `${CHANNEL}erc3009_authorization_required`,
    'The deposit must be an ERC-3009 authorization.',
  ],
  deposit_too_early: [402, `${CHANNEL}payload_authorization_valid_after`, 'The deposit is not valid yet.'],
  deposit_too_late: [402, `${CHANNEL}payload_authorization_valid_before`, 'The deposit expires too soon.'],
  deposit_too_small: [
    402,
    `${CHANNEL}deposit_below_min_deposit`,
    'The deposit must be at least the minimum in the offer.',
  ],
  deposit_failed: [402, `${CHANNEL}deposit_transaction_failed`, 'The deposit failed on chain.'],
  refund_amount: [
    402,
    `${CHANNEL}refund_amount_invalid`,
    "The refund must be at most the channel's remaining balance.",
  ],
  refund_empty: [402, `${CHANNEL}refund_no_balance`, 'This channel has nothing left to refund.'],
  refund_too_small: [
    402,
    'tab_refund_too_small',
    'The refund must be at least minRefund. Withdraw a smaller amount from the escrow contract.',
  ],
  refund_limit: [
    402,
    'tab_refund_limit',
    'This channel has had its refunds of today. Ask tomorrow, or withdraw from the escrow contract.',
  ],
  refund_failed: [402, `${CHANNEL}refund_transaction_failed`, 'The refund failed on chain.'],

  // credit (batch-settlement, HTTP message signatures)
  commitment_payload: [402, 'invalid_payment_signature', 'The commitment must contain a valid amount.'],
  commitment_amount: [402, 'price_not_acceptable', 'The committed amount does not match the price.'],
  commitment_signature: [
    402,
    'invalid_signature',
    'The signature must be valid, unexpired and cover the components in Accept-Signature.',
  ],
  commitment_unsigned: [
    402,
    'invalid_signature',
    "To pay on credit, sign the request as this response's Accept-Signature header describes.",
  ],
  commitment_replayed: [402, 'tab_replayed', 'This commitment has already been used. Sign a new one.'],
  agent_unknown: [
    402,
    'signature_agent_unknown',
    'The signature agent must have a credit line here. Ask for one at registrationUrl.',
  ],
  agent_undecided: [
    503,
    'server_error',
    "The signature agent's keys could not be read. Send the same request again.",
  ],
  credit_exhausted: [402, 'payment_failed', 'The credit line is used up. Pay at once instead.'],
  credit_suspended: [402, 'payment_failed', 'The credit line is suspended. Pay at once instead.'],
  credit_unpaid: [402, 'payment_failed', 'An invoice could not be collected. Pay at once instead.'],

  // Pay Per Crawl, the other spelling of credit
  crawler_price_conflict: [
    400,
    'tab_crawler_price_conflict',
    'The request must have one crawler price header, not several.',
  ],
  crawler_price_malformed: [
    400,
    'tab_crawler_price_malformed',
    'The crawler price must be a currency and an amount, such as USD 0.01.',
  ],
  crawler_exact_price: [
    402,
    'price_not_acceptable',
    'The exact price in the request does not match the price.',
  ],
  crawler_max_price: [402, 'price_not_acceptable', 'The maximum price in the request is below the price.'],

  // Screening. Threat: the sentence names no list, and says the same whatever the reason is.
  payer_listed: [403, 'tab_payer_refused', 'Payments of this payer are not accepted here.'],
  receiver_listed: [
    503,
    'tab_receiver_unavailable',
    'This site cannot receive payments at this time. Send the same request again later.',
  ],
  screening_unknown: [
    503,
    'tab_screening_unavailable',
    'This payment could not be checked. Send the same request again later.',
  ],

  // Gas that we pay for
  gas_budget: [
    402,
    'tab_gas_budget',
    'This payer has used up its gas of today. Pay another way, or withdraw from the escrow contract.',
  ],
  gas_unavailable: [
    503,
    'tab_gas_unavailable',
    'Gas cannot be paid for at this time. Send the same request again later, or pay another way.',
  ],

  // Unresolved on our side. Trap: a 402 after an unknown outcome makes the payer sign and pay again. Answer 503.
  outcome_unknown: [
    503,
    'settlement_pending',
    'The outcome of this payment is not known yet. Send the same request again.',
  ],
  chain_unreadable: [
    503,
    `${CHANNEL}rpc_read_failed`,
    'The chain could not be read. Send the same request again.',
  ],
  too_many_chain_reads: [
    503,
    'tab_too_many_unknown_channels',
    'Too many lookups on chain at this time. Send the same request again later.',
  ],
  unknown_host: [421, 'tab_unknown_host', 'The host must be one of a site that is served here.'],
  site_suspended: [503, 'tab_site_suspended', 'This site is suspended. Nothing was charged.'],
  sites_unavailable: [
    503,
    'tab_sites_unavailable',
    'The terms of this site could not be read. Send the same request again.',
  ],
  paywall_misconfigured: [503, 'tab_misconfigured', 'The paywall is misconfigured and serves no pages.'],
  ledger_unavailable: [
    503,
    'tab_ledger_unavailable',
    'The ledger could not be reached. Send the same request again.',
  ],
  origin_unreachable: [502, 'tab_origin_unreachable', 'The origin did not answer. Nothing was charged.'],
  origin_unreachable_paid: [
    502,
    'tab_origin_unreachable',
    'The origin did not answer. The payment stays valid: send the same request again.',
  ],

  // Methods with effects: one payment is carried out once. Trap: a 402 would make the payer pay for it again.
  effect_running: [
    503,
    'tab_in_progress',
    'This request is being carried out. Send the same request again for its answer.',
  ],
  effect_delivered: [
    409,
    'tab_already_delivered',
    'This payment was used, and its answer is not stored. Sign a new payment to repeat the request.',
  ],
  effect_unknown: [
    409,
    'tab_answer_lost',
    'This request may have been carried out, but its answer was lost. Check before you pay for it again.',
  ],

  // Limits on what one payer may have open
  too_many_at_once: [
    503,
    'tab_too_many_at_once',
    'Too many requests of this payer are open. Send the same request again later.',
  ],
} as const satisfies Record<string, readonly [Wire['status'], string, string]>

/** The name of a refusal inside the Worker; {@link wire} gives its public form. */
export type Reason = keyof typeof WIRE

/** The wire form of a refusal: HTTP status, x402 `error`, public sentence. */
export function wire(reason: Reason): Wire {
  const [status, code, sentence] = WIRE[reason]
  return { status, code, sentence }
}
