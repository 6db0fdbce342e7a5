/** A credit line by itself: real storage, and orders with signatures that are not verified here. */
import { env, evictDurableObject, runInDurableObject } from 'cloudflare:test'
import type { Invoice, NoteDraft, Period } from '../../../src/ledger/billing/types.ts'
import type { CreditTerms, Enrolment } from '../../../src/ledger/credit/terms.ts'
import type { CommitmentOrder, LineAnswer, LineEntry } from '../../../src/ledger/credit/types.ts'
import { randomHex } from '../../chain/harness.ts'

export const PRICE = 1000n
export const LIMIT = 10n * PRICE

export function termsOf(rest: Partial<CreditTerms> = {}): CreditTerms {
  const buyer = { name: 'Example Crawling BV', country: 'NL' }
  return { limit: LIMIT, probation: LIMIT, period: 'daily', rail: 'transfer', tier: null, buyer, ...rest }
}

export function enrolmentOf(rest: Partial<Enrolment> & { terms?: CreditTerms } = {}): Enrolment {
  return {
    agent: `agent-${randomHex(8)}`,
    name: 'Example',
    version: 1,
    suspended: null,
    terms: termsOf(),
    ...rest,
  }
}

/** An order with a new signature, unless `iou` names another. */
export function orderOf(enrolment: Enrolment, rest: Partial<CommitmentOrder> = {}): CommitmentOrder {
  const iou = rest.iou ?? randomHex(32)
  const evidence = { keyId: 'key', algorithm: 'ed25519', signature: 'c2ln', base: '"@authority": site.test' }
  const what = { promised: rest.price ?? PRICE, price: PRICE, request: 'GET https://site.test/a' }
  return {
    id: randomHex(8),
    iou,
    once: iou,
    ...what,
    site: 'site.test',
    rule: 'default',
    evidence,
    enrolment,
    ...rest,
  }
}

export type Line = ReturnType<typeof newLine>

/** A credit line that its first order opens. */
export function newLine(terms: Partial<CreditTerms> = {}) {
  const enrolment = enrolmentOf({ terms: termsOf(terms) })
  // A stub is broken after its object was aborted: each call takes a new one.
  const line = () => env.LINES.getByName(enrolment.agent)
  const place = async (order: CommitmentOrder): Promise<LineAnswer> => line().place(order)
  return {
    enrolment,
    line,
    place,
    order: (rest: Partial<CommitmentOrder> = {}) => orderOf(enrolment, rest),
    async charge(rest: Partial<CommitmentOrder> = {}) {
      const order = orderOf(enrolment, rest)
      const answer = await place(order)
      if (answer.outcome === 'refused') throw new Error(`refused: ${answer.reason}`)
      return { ...answer, order }
    },
    /** Drafts and stores a credit note without VAT. */
    async credit(id: string, note: Pick<NoteDraft, 'invoice' | 'net'> & Partial<NoteDraft>) {
      const { invoice, net } = note
      const credited = (await line().invoice(invoice))?.credited ?? 0n
      const draft = { credited, issuedAt: 1, reason: 'not delivered', vat: 0n, total: net, ...note }
      await line().draftNote(draft)
      return line().credited({ id, number: 1, invoice })
    },
    async standing() {
      const standing = await line().standing()
      if (!standing) throw new Error('line must be open')
      return standing
    },
    entries: async (): Promise<LineEntry[]> => line().entries(0, 100_000),
    /** Evicts the object: only its storage remains. */
    restart: () => evictDurableObject(line()),
    sql: <Value>(query: string) =>
      runInDurableObject(line(), (_, { storage }) => storage.sql.exec(query).toArray() as Value[]),
  }
}

export function reasonOf(answer: LineAnswer): string {
  return answer.outcome === 'refused' ? answer.reason : answer.outcome
}

/** An invoice over `charged`, without VAT unless `vat` is given. */
export function invoiceOf(
  { enrolment: { agent, terms } }: Line,
  rest: Partial<Invoice> & Pick<Invoice, 'number' | 'periods' | 'charged'>,
): Invoice {
  const vat = rest.vat ?? { rate: 0, treatment: 'outside_scope', amount: 0n }
  const net = rest.net ?? rest.charged
  return {
    id: `INV-${agent}-${rest.number}`,
    agent,
    from: 0,
    to: 1,
    issuedAt: 0,
    dueAt: 30 * DAY,
    seller: { name: 'Operator', country: 'NL' },
    buyer: terms.buyer,
    rail: terms.rail,
    carriedIn: 0n,
    carriedOut: 0n,
    net,
    vat,
    total: net + vat.amount,
    ...rest,
  }
}

export const DAY = 86_400_000
/** A period that ends after every test. */
export const EVER: Period = { id: '2026-11-21', from: 0, to: Number.MAX_SAFE_INTEGER }
