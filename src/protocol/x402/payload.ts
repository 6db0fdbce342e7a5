/** Reads each scheme's payload from JSON into amounts and lower-case hex. */
import * as v from 'valibot'
import { parseAmount } from '../amount.ts'
import type { ChannelConfig, Voucher } from '../evm/channel.ts'
import type { Authorization } from '../evm/eip712.ts'
import { type Hex, isHex } from '../evm/hex.ts'
import { accept, type Result, refuse } from '../refusal.ts'

/** An EIP-3009 transfer (x402 exact EVM). The signature has any length: the scheme says whether it is one. */
export type ExactPayload = { authorization: Authorization; signature: Hex }

/** The money of a deposit: an EIP-3009 authorization whose other words follow from the channel. */
export type Deposit = { amount: bigint; validAfter: bigint; validBefore: bigint; salt: Hex; signature: Hex }

/** x402 batch-settlement EVM §Client: Payment Construction. A refund's `amount` is `null` when it asks for all that is left. */
export type ChannelPayload =
  | { type: 'voucher'; config: ChannelConfig; voucher: Voucher }
  | { type: 'deposit'; config: ChannelConfig; voucher: Voucher; deposit: Deposit }
  | { type: 'refund'; config: ChannelConfig; voucher: Voucher; amount: bigint | null }

const amount = v.pipe(
  v.string(),
  v.rawTransform<string, bigint>(({ dataset, addIssue, NEVER }) => {
    const parsed = parseAmount(dataset.value)
    if (parsed !== undefined) return parsed
    addIssue({ message: 'not a canonical amount' })
    return NEVER
  }),
)

const WHOLE_BYTES = /^0x(?:[0-9a-fA-F]{2})*$/

/** Hex of so many bytes, or of any number of them; lower-cased, so that equal values are equal strings. */
function hex(bytes?: number) {
  return v.pipe(
    v.string(),
    v.check(
      (text) => (bytes === undefined ? WHOLE_BYTES.test(text) : isHex(text, bytes)),
      'not hex of its length',
    ),
    v.transform((text) => text.toLowerCase() as Hex),
  )
}

const address = hex(20)
const bytes32 = hex(32)
const signature = hex()
const uint40 = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 40 - 1))

const exactPayload = v.object({
  authorization: v.object({
    from: address,
    to: address,
    value: amount,
    validAfter: amount,
    validBefore: amount,
    nonce: bytes32,
  }),
  signature,
})

const channelConfig = v.object({
  payer: address,
  payerAuthorizer: address,
  receiver: address,
  receiverAuthorizer: address,
  token: address,
  withdrawDelay: uint40,
  salt: bytes32,
})
const voucher = v.object({ channelId: bytes32, maxClaimableAmount: amount, signature })
const erc3009 = v.object({ validAfter: amount, validBefore: amount, salt: bytes32, signature })

const voucherPayload = v.object({ channelConfig, voucher })
const refundPayload = v.object({ channelConfig, voucher, amount: v.nullish(amount, null) })
const depositPayload = v.object({
  channelConfig,
  voucher,
  deposit: v.object({ amount, authorization: v.object({ erc3009Authorization: v.nullish(erc3009) }) }),
})

const versioned = v.object({ x402Version: v.number() })

/** Holds a payment against the version of x402 that its header is of, before anything else in it is read. */
export function checkVersion(value: unknown, version: 1 | 2): Result<null> {
  const known = read(versioned, value)
  if (!known.ok) return known
  return known.value.x402Version === version ? accept(null) : refuse('unsupported_version')
}

/** The payload of `exact`, the same in v1 and v2. */
export function readExact(payload: Record<string, unknown>): Result<ExactPayload> {
  if (payload.authorization == null) return refuse('exact_payload')
  return read(exactPayload, payload)
}

/** The payload of a channel: a voucher, alone or with a deposit or the wish for a refund. */
export function readChannel(payload: Record<string, unknown>): Result<ChannelPayload> {
  switch (payload.type) {
    case 'voucher': {
      const known = read(voucherPayload, payload)
      if (!known.ok) return known
      const { channelConfig: config, voucher } = known.value
      return accept({ type: 'voucher', config, voucher })
    }
    case 'deposit': {
      const known = read(depositPayload, payload)
      if (!known.ok) return known
      const { channelConfig: config, voucher, deposit } = known.value
      const authorization = deposit.authorization.erc3009Authorization
      if (!authorization) return refuse('deposit_method')
      return accept({
        type: 'deposit',
        config,
        voucher,
        deposit: { amount: deposit.amount, ...authorization },
      })
    }
    case 'refund': {
      const known = read(refundPayload, payload)
      if (!known.ok) return known
      const { channelConfig: config, voucher, amount } = known.value
      return accept({ type: 'refund', config, voucher, amount })
    }
    default:
      return refuse('channel_payload')
  }
}

/** Reads a value by its schema; what does not fit is a malformed payment, with the place of its first fault. */
export function read<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
): Result<v.InferOutput<Schema>> {
  const known = v.safeParse(schema, value, { abortEarly: true })
  if (known.success) return accept(known.output)
  const [issue] = known.issues
  return refuse('malformed_payment', { detail: `${v.getDotPath(issue)}: ${issue.message}`.slice(0, 200) })
}
