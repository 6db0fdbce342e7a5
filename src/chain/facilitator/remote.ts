/** Settles `exact` payments through a facilitator over HTTP (x402 §Facilitator Interface), and verifies its answers. */

import * as v from 'valibot'
import { log } from '../../platform/log.ts'
import { cutSecrets, secretsOfHeaders } from '../../platform/secrets.ts'
import type { Hex } from '../../protocol/evm/hex.ts'
import { accept, type Reason, refuse } from '../../protocol/refusal.ts'
import { ChainFault } from '../fault.ts'
import type { Chain } from '../rpc.ts'
import type { Facilitator, Settled, SignedTransfer, Transfer } from './facilitator.ts'
import { findOutcome } from './find.ts'

type Endpoint = 'verify' | 'settle' | 'supported'

/** The settings of a facilitator over HTTP. */
export type RemoteSettings = {
  url: string
  /** Headers by endpoint, for authorization. */
  headers?: Partial<Record<Endpoint, Record<string, string>>>
  timeoutMs?: number
  /** If set, a success counts only when our own node shows the transfer. */
  chain?: Chain
}

/** A scheme, network and x402 version that a facilitator settles. */
export type Kind = v.InferOutput<typeof Kinds>['kinds'][number]

/** A facilitator over HTTP. */
export type RemoteFacilitator = Facilitator & {
  /** The schemes and networks that the facilitator settles. @throws ChainFault `unreachable` */
  supported(): Promise<Kind[]>
}

/** A facilitator waits for a block. This is how long upstream's servers wait for it, and less than a reservation's lease. */
export const TIMEOUT_MS = 90_000
const MAX_ANSWER_LENGTH = 64 * 1024

const Verification = v.object({ isValid: v.boolean(), invalidReason: v.optional(v.nullable(v.string())) })

const Settlement = v.variant('success', [
  v.object({
    success: v.literal(true),
    transaction: v.pipe(v.string(), v.regex(/^0x[0-9a-fA-F]{64}$/)),
    network: v.string(),
    payer: v.optional(v.nullable(v.string())),
  }),
  v.object({
    success: v.literal(false),
    errorReason: v.optional(v.nullable(v.string())),
    transaction: v.optional(v.nullable(v.string())),
  }),
])

const Kinds = v.object({
  kinds: v.array(v.object({ x402Version: v.number(), scheme: v.string(), network: v.string() })),
})

const REASONS: [RegExp, Reason][] = [
  [/insufficient_(funds|balance)/, 'exact_insufficient_funds'],
  [/nonce_already_used/, 'exact_used'],
  [/valid_before/, 'exact_too_late'],
  [/valid_after/, 'exact_too_early'],
  [/signature/, 'exact_signature'],
  [/recipient_mismatch/, 'exact_recipient'],
  [/value/, 'exact_value'],
]

/**
 * Reasons of a check that a facilitator makes before it sends anything, and that the payer can act on. After any other
 * reason it may have sent the transfer, or may send it later: the outcome is unknown (faults: F15, I9).
 */
const BEFORE_SENDING: ReadonlySet<Reason> = new Set([
  'exact_insufficient_funds',
  'exact_too_late',
  'exact_signature',
  'exact_recipient',
  'exact_value',
])

/** Makes a facilitator over HTTP. */
export function remote(settings: RemoteSettings): RemoteFacilitator {
  const { chain } = settings

  async function settle(payment: SignedTransfer): Promise<Settled> {
    try {
      const signal = AbortSignal.timeout(settings.timeoutMs ?? TIMEOUT_MS)
      let answer = await ask(settings, 'settle', Settlement, payment, signal)
      // The facilitator has sent it. As upstream's servers do, ask once more with the same payload: it looks for the receipt.
      if (!answer.success && answer.transaction && answer.errorReason === 'settlement_pending')
        answer = await ask(settings, 'settle', Settlement, payment, signal)
      if (answer.success) return await confirmSuccess(chain, payment, answer)
      return await confirmRefusal(chain, payment, answer.errorReason ?? 'no reason given')
    } catch (thrown) {
      return unresolved(thrown)
    }
  }

  return {
    async verify(payment) {
      try {
        const { isValid, invalidReason } = await ask(settings, 'verify', Verification, payment)
        if (isValid) return accept(null)
        const detail = invalidReason ?? 'no reason given'
        const reason = reasonOf(detail)
        const isPaid = chain && reason === 'exact_used' && (await isSettled(chain, payment))
        return isPaid ? accept(null) : refuse(reason, { detail })
      } catch (thrown) {
        if (!(thrown instanceof ChainFault)) throw thrown
        return refuse('chain_unreadable', { detail: thrown.message })
      }
    },

    settle,

    async lookup(payment) {
      try {
        const found = chain && (await findOutcome(chain, null, payment, ''))
        if (found && !isOpen(found)) return found
        // Our own node shows nothing. Asking the facilitator again is safe: the token accepts an authorization only once.
        const again = await settle(payment)
        // The facilitator may refuse a payment because it has already settled it. Without a node, the outcome stays unknown.
        return chain || again.status !== 'refused' ? again : { status: 'unknown' }
      } catch (thrown) {
        return unresolved(thrown)
      }
    },

    async find(payment) {
      if (!chain) return { status: 'unknown', detail: 'only a node of our own can show it: set RPC_URL' }
      return findOutcome(chain, null, payment, '').catch(unresolved)
    },

    async supported() {
      return (await ask(settings, 'supported', Kinds)).kinds
    },
  }
}

/** Accepts a success only if it names this payment and our own node, if configured, shows the transfer. */
async function confirmSuccess(
  chain: Chain | undefined,
  payment: SignedTransfer,
  answer: { transaction: string; network: string; payer?: string | null | undefined },
): Promise<Settled> {
  const network = answer.network === payment.network || payment.wire.version === 1
  // `payer` is optional (x402 §SettleResponse).
  const payer = answer.payer?.toLowerCase() ?? payment.from
  if (!network || payer !== payment.from) return { status: 'unknown' }
  const transaction = answer.transaction as Hex
  if (!chain) return { status: 'settled', transaction }
  const { transferStands } = await import('../token.ts')
  return (await transferStands(chain, payment, transaction))
    ? { status: 'settled', transaction }
    : { status: 'unknown' }
}

/**
 * Accepts a refusal that was made before anything was sent, unless our own node contradicts it. The facilitator still has
 * the signature, so no refusal is final before the chain shows it.
 */
async function confirmRefusal(
  chain: Chain | undefined,
  payment: SignedTransfer,
  detail: string,
): Promise<Settled> {
  const reason = reasonOf(detail)
  const refused: Settled = BEFORE_SENDING.has(reason)
    ? { status: 'refused', reason, isFinal: false, detail }
    : { status: 'unknown' }
  if (!chain) return refused
  const found = await (await import('../token.ts')).search(chain, payment)
  if (found.status !== 'refused') return found
  // The chain itself says why.
  if (found.reason !== 'exact_failed') return { ...found, detail }
  return reason === 'exact_insufficient_funds' ? { status: 'unknown' } : refused
}

/** Whether the authorization is unused and can still be used. */
function isOpen(found: Settled): boolean {
  return found.status === 'refused' && found.reason !== 'exact_used' && found.reason !== 'exact_too_late'
}

async function isSettled(chain: Chain, payment: Transfer): Promise<boolean> {
  return (await (await import('../token.ts')).search(chain, payment)).status === 'settled'
}

/** @throws ChainFault `unreachable` without a well-formed answer: no connection, a 5xx, HTML, a large or late answer */
async function ask<Schema extends v.GenericSchema>(
  { url, headers, timeoutMs = TIMEOUT_MS }: RemoteSettings,
  endpoint: Endpoint,
  schema: Schema,
  payment?: SignedTransfer,
  signal: AbortSignal = AbortSignal.timeout(timeoutMs),
): Promise<v.InferOutput<Schema>> {
  const init: RequestInit = {
    method: payment ? 'POST' : 'GET',
    headers: { 'content-type': 'application/json', ...headers?.[endpoint] },
    signal,
  }
  if (payment) init.body = bodyOf(payment)
  try {
    const response = await fetch(`${url.replace(/\/$/, '')}/${endpoint}`, init)
    if (response.status >= 500)
      throw new ChainFault('unreachable', `the facilitator answered ${response.status}`)
    // Threat: an error may quote the headers that were sent, and errors are logged (faults: G4).
    const text = cutSecrets(await readText(response), secretsOfHeaders(headers?.[endpoint]))
    const answer = v.safeParse(schema, JSON.parse(text))
    if (answer.success) return answer.output
    throw new ChainFault(
      'unreachable',
      `the facilitator's ${response.status} answer must follow the x402 format`,
    )
  } catch (thrown) {
    if (thrown instanceof ChainFault) throw thrown
    throw new ChainFault('unreachable', `the facilitator did not answer: ${String(thrown)}`)
  }
}

function bodyOf({ wire }: SignedTransfer): string {
  const { version, payload, requirements } = wire
  return JSON.stringify({ x402Version: version, paymentPayload: payload, paymentRequirements: requirements })
}

/** The body as text. The limit keeps a hostile facilitator from filling the memory. */
async function readText(response: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > MAX_ANSWER_LENGTH)
      throw new ChainFault(
        'unreachable',
        `the facilitator's answer must be at most ${MAX_ANSWER_LENGTH} characters`,
      )
  }
  return text + decoder.decode()
}

function reasonOf(detail: string): Reason {
  return REASONS.find(([pattern]) => pattern.test(detail))?.[1] ?? 'exact_failed'
}

function unresolved(thrown: unknown): Settled {
  if (!(thrown instanceof ChainFault)) throw thrown
  log('settlement_outcome_unknown', { fault: thrown.message })
  return { status: 'unknown' }
}
