/** Settles `exact` payments through a facilitator over HTTP (x402 §Facilitator Interface), and does not take its word for it. */
import * as v from 'valibot'
import type { Hex } from '../../protocol/evm/hex.ts'
import { accept, type Reason, refuse } from '../../protocol/refusal.ts'
import { ChainFault } from '../fault.ts'
import type { Chain } from '../rpc.ts'
import type { Facilitator, Settled, SignedTransfer } from './facilitator.ts'

type Endpoint = 'verify' | 'settle' | 'supported'

export type RemoteSettings = {
  url: string
  /** Sent with the calls to each endpoint: authorization. */
  headers?: Partial<Record<Endpoint, Record<string, string>>>
  timeoutMs?: number
  /** With it, a success is believed only when our own node shows the transfer. */
  chain?: Chain
}

/** A scheme that a facilitator settles on a network, and in which version of x402. */
export type Kind = v.InferOutput<typeof Kinds>['kinds'][number]

export type RemoteFacilitator = Facilitator & {
  /** What the facilitator can settle. @throws ChainFault `unreachable` */
  supported(): Promise<Kind[]>
}

const TIMEOUT_MS = 10_000
const LARGEST_ANSWER = 64 * 1024

const Verdict = v.object({ isValid: v.boolean(), invalidReason: v.optional(v.nullable(v.string())) })

const Settlement = v.variant('success', [
  v.object({
    success: v.literal(true),
    transaction: v.pipe(v.string(), v.regex(/^0x[0-9a-fA-F]{64}$/)),
    network: v.string(),
    payer: v.string(),
  }),
  v.object({ success: v.literal(false), errorReason: v.optional(v.nullable(v.string())) }),
])

const Kinds = v.object({
  kinds: v.array(v.object({ x402Version: v.number(), scheme: v.string(), network: v.string() })),
})

// Said of a settlement that was begun and whose end the facilitator does not know itself.
const DOUBT = /settlement_pending|unexpected_settle_error|invalid_transaction_state/

const REASONS: [RegExp, Reason][] = [
  [/insufficient_(funds|balance)/, 'exact_insufficient_funds'],
  [/nonce_already_used/, 'exact_used'],
  [/valid_before/, 'exact_too_late'],
  [/valid_after/, 'exact_too_early'],
  [/signature/, 'exact_signature'],
  [/recipient_mismatch/, 'exact_recipient'],
  [/value/, 'exact_value'],
]

export function remote(settings: RemoteSettings): RemoteFacilitator {
  const { chain } = settings

  async function settle(payment: SignedTransfer): Promise<Settled> {
    try {
      const said = await ask(settings, 'settle', Settlement, payment)
      if (said.success) return await believe(chain, payment, said)
      const detail = said.errorReason ?? 'no reason given'
      if (DOUBT.test(detail)) return { status: 'unknown' }
      const refused: Settled = { status: 'refused', reason: reasonOf(detail), detail }
      return chain ? await disbelieve(chain, payment, refused) : refused
    } catch (thrown) {
      return doubt(thrown)
    }
  }

  return {
    async verify(payment) {
      try {
        const { isValid, invalidReason } = await ask(settings, 'verify', Verdict, payment)
        const detail = invalidReason ?? 'no reason given'
        return isValid ? accept(null) : refuse(reasonOf(detail), { detail })
      } catch (thrown) {
        if (!(thrown instanceof ChainFault)) throw thrown
        return refuse('chain_unreadable', { detail: thrown.message })
      }
    },

    settle,

    async lookup(payment) {
      try {
        const found = chain && (await (await import('../token.ts')).search(chain, payment))
        if (found) return found
        // Where our own node shows nothing, the facilitator is asked again: the token takes an authorization only once.
        const again = await settle(payment)
        // What it refuses now may be what it has settled before: its word alone does not tell.
        return chain || again.status !== 'refused' ? again : { status: 'unknown' }
      } catch (thrown) {
        return doubt(thrown)
      }
    },

    async supported() {
      return (await ask(settings, 'supported', Kinds)).kinds
    },
  }
}

/** A success is one when it names this payment, and our own node, if we have one, shows the transfer in that transaction. */
async function believe(
  chain: Chain | undefined,
  payment: SignedTransfer,
  said: { transaction: string; network: string; payer: string },
): Promise<Settled> {
  const network = said.network === payment.network || payment.wire.version === 1
  if (!network || said.payer.toLowerCase() !== payment.from) return { status: 'unknown' }
  const transaction = said.transaction as Hex
  if (!chain) return { status: 'settled', transaction }
  const { transferStands } = await import('../token.ts')
  return (await transferStands(chain, payment, transaction))
    ? { status: 'settled', transaction }
    : { status: 'unknown' }
}

/** A refusal is one when our own node agrees that the authorization is unused. */
async function disbelieve(chain: Chain, payment: SignedTransfer, refused: Settled): Promise<Settled> {
  const { readHolding, search } = await import('../token.ts')
  const { used } = await readHolding(chain, payment)
  if (!used) return refused
  return (await search(chain, payment)) ?? { status: 'unknown' }
}

/** @throws ChainFault `unreachable` for anything but a well-formed answer: no connection, 5xx, HTML, too much, too late. */
async function ask<Schema extends v.GenericSchema>(
  { url, headers, timeoutMs = TIMEOUT_MS }: RemoteSettings,
  endpoint: Endpoint,
  schema: Schema,
  payment?: SignedTransfer,
): Promise<v.InferOutput<Schema>> {
  const init: RequestInit = {
    method: payment ? 'POST' : 'GET',
    headers: { 'content-type': 'application/json', ...headers?.[endpoint] },
    signal: AbortSignal.timeout(timeoutMs),
  }
  if (payment) init.body = bodyOf(payment)
  try {
    const response = await fetch(`${url.replace(/\/$/, '')}/${endpoint}`, init)
    if (response.status >= 500)
      throw new ChainFault('unreachable', `the facilitator answered ${response.status}`)
    const answer = v.safeParse(schema, JSON.parse(await readText(response)))
    if (answer.success) return answer.output
    throw new ChainFault('unreachable', `the facilitator answered ${response.status} in words of its own`)
  } catch (thrown) {
    if (thrown instanceof ChainFault) throw thrown
    throw new ChainFault('unreachable', `the facilitator did not answer: ${String(thrown)}`)
  }
}

function bodyOf({ wire }: SignedTransfer): string {
  const { version, payload, requirements } = wire
  return JSON.stringify({ x402Version: version, paymentPayload: payload, paymentRequirements: requirements })
}

/** The body as text; a hostile facilitator may not fill the memory. */
async function readText(response: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > LARGEST_ANSWER) throw new ChainFault('unreachable', 'the facilitator answered too much')
  }
  return text + decoder.decode()
}

function reasonOf(detail: string): Reason {
  return REASONS.find(([pattern]) => pattern.test(detail))?.[1] ?? 'exact_failed'
}

function doubt(thrown: unknown): Settled {
  if (!(thrown instanceof ChainFault)) throw thrown
  console.warn(JSON.stringify({ message: 'a settlement is in doubt', fault: thrown.message }))
  return { status: 'unknown' }
}
