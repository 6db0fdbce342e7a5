/** Reads one account of a lab from its object. */
import type { BookAccount, BookEntry } from './books.ts'
import { find, listAll } from './operator.ts'
import type { LabStage } from './stage.ts'

type Amounts<Names extends string> = Record<Names, string>

/** An entry of a channel or credit line, as the operator’s API shows it. A voucher has `max` and `signature`, a commitment `evidence`. */
type EntryView = {
  seq: number
  at: number
  kind: string
  amount: string
  of?: number | null
  max?: string | null
  request?: string | null
  signature?: string | null
  charged: string
  ceiling: string
  evidence?: Evidence
}
type Evidence = { keyId: string; signature: string; base: string }
type ChannelView = {
  kind: 'channel'
  standing: Amounts<'authorized' | 'charged' | 'redeemed'> & {
    state: { balance: string }
    quarantine: string | null
    hold?: object
    unresolved: object | null
  }
}
type LineView = {
  kind: 'credit'
  standing: Amounts<'limit' | 'charged' | 'redeemed' | 'credit'> & { status: string }
}
type ExactView = {
  kind: 'exact'
  totals: { received: string; inDoubt: number; watched: number }
}
type Payment = { id: string; at: number | null; status: string; amount: string; signature?: string }

/** Reads one account, with its whole journal; null if the ledger has none. */
export async function readAccount(stage: LabStage, id: string): Promise<BookAccount | null> {
  const path = `/accounts/${id}`
  const view = await find<ChannelView | LineView | ExactView>(stage, `${path}?limit=1`)
  if (!view) return null
  const whole = `${path}?evidence=true`
  if (view.kind === 'exact') return exactAccount(view, await listAll<Payment>(stage, whole, 'payments'))
  const entries = (await listAll<EntryView>(stage, whole, 'entries')).map(entryOf)
  return view.kind === 'channel' ? channelAccount(view, entries) : lineAccount(view, entries)
}

/** A channel, from its totals and its journal. */
export function channelAccount({ standing }: ChannelView, entries: BookEntry[]): BookAccount {
  const { authorized, charged, redeemed, state, quarantine, hold, unresolved } = standing
  return {
    kind: 'channel',
    authorized: BigInt(authorized),
    charged: BigInt(charged),
    redeemed: BigInt(redeemed),
    ceiling: BigInt(state.balance),
    status: quarantine !== null ? 'quarantined' : hold ? 'held' : 'open',
    unresolved: unresolved === null ? 0 : 1,
    entries,
  }
}

function lineAccount({ standing }: LineView, entries: BookEntry[]): BookAccount {
  const { charged, redeemed, limit, status } = standing
  return {
    kind: 'credit',
    authorized: BigInt(charged),
    charged: BigInt(charged),
    redeemed: BigInt(redeemed),
    ceiling: BigInt(limit) + BigInt(redeemed),
    status,
    unresolved: 0,
    entries,
  }
}

/** One entry, with what may be charged once: a voucher and its page, or a commitment. */
export function entryOf({ seq, at, kind, amount, of, charged, ceiling, ...proof }: EntryView): BookEntry {
  const { max, request, signature, evidence } = proof
  const once = () => (evidence ? commitmentOf(evidence) : `${max}:${request}`)
  return {
    id: `${seq}`,
    at,
    kind,
    amount: BigInt(amount ?? 0),
    charged: BigInt(charged),
    ceiling: BigInt(ceiling),
    of: of == null ? null : `${of}`,
    proof: kind === 'charge' ? once() : null,
    isSigned: (signature ?? evidence?.signature ?? '0x') !== '0x',
  }
}

/** A commitment counts once by its key and nonce, and one without a nonce by its signature. The last line of the base has the nonce. */
function commitmentOf({ keyId, signature, base }: Evidence): string {
  const params = base.slice(base.lastIndexOf('"@signature-params"'))
  const [, nonce] = /;nonce="((?:[^"\\]|\\.)*)"/.exec(params) ?? []
  return nonce === undefined ? signature : `${keyId} ${nonce}`
}

function exactAccount({ totals }: ExactView, payments: Payment[]): BookAccount {
  const received = BigInt(totals.received)
  return {
    kind: 'exact',
    authorized: received,
    charged: received,
    redeemed: received,
    ceiling: null,
    status: 'open',
    unresolved: totals.inDoubt + totals.watched,
    entries: payments.map(({ id, at, status, amount, signature }) => ({
      id,
      at: at ?? 0,
      kind: status,
      amount: BigInt(amount),
      charged: null,
      ceiling: null,
      of: null,
      proof: status === 'settled' || status === 'undelivered' ? id : null,
      isSigned: (signature ?? '0x') !== '0x',
    })),
  }
}
