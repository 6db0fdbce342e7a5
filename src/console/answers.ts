/** The bodies of the operator's API as the console reads them: only the members that a page shows. Amounts are micro-dollars. */

/** An error (RFC 9457). */
export type Problem = {
  title: string
  detail: string
  code: string
  errors?: readonly { path: string; message: string; expected: string }[]
}

/** The sums owed, at risk and received by day. `since`: the first day of receipts. */
export type TotalsBody = {
  owed: {
    channel: string
    credit: string
    accounts: number
    withdrawing: string
    stopped: string
    late: string
    asOf: number | null
  }
  receipts: { day: number; kind: string; received: string }[]
  since: number | null
}

/** One page of a list, and the cursor of the next. */
export type Paged<Key extends string, Item, Cursor = string> = { [K in Key]: Item[] } & {
  next: Cursor | null
}

/** A nightly run, or a watch. */
export type RunBody = {
  id: string
  kind: 'settlement' | 'billing' | 'shadow' | 'watch'
  status: 'running' | 'settled' | 'in_doubt' | 'failed' | 'abandoned'
  startedAt: number
  endedAt: number | null
  /** A list is cut at the first findings; `count` has all. */
  record: { findings?: { list: FindingBody[]; count: number } } & Record<string, unknown>
}

/** A problem that a run reports. */
export type FindingBody = { account: string; what: string; detail: string }

/** An account in the list. */
export type ListedBody = {
  id: string
  kind: string
  name?: string
  payer?: string
  receiver?: string
  openedAt?: number
  totals: { authorized: string; charged: string; redeemed: string; ceiling: string } | null
  quarantine?: string | null
  closed?: string | null
  updatedAt: number | null
}

/** An entry of a journal. */
export type EntryBody = {
  seq: number
  at: number
  kind: string
  id: string
  amount: string
  charged: string
  redeemed: string
  request: string | null
  rule: string | null
  site?: string | null
  who?: string | null
  transaction?: string | null
  of: number | null
}

/** A payment that was made at once. */
export type PaymentBody = {
  id: string
  status: string
  at: number | null
  amount: string
  request: string
  rule: string | null
  transaction: string | null
}

/** Why an account is held. `dated`: of the list. */
export type HoldBody = { address: string; list: string; dated: number | null; reason: string; since: number }

/** One account with its journal. */
export type AccountBody = { id: string; kind: string; next: number | string | null } & (
  | {
      name: string
      openedAt: number
      standing: {
        status: string
        limit: string
        charged: string
        redeemed: string
        owed: string
        available: string
      }
      entries: EntryBody[]
    }
  | {
      standing: {
        authorized: string
        charged: string
        redeemed: string
        config: { payer: string; receiver: string; withdrawDelay: number }
        state: { balance: string; totalClaimed: string; withdrawRequestedAt: number; withdrawAmount: string }
        quarantine: string | null
        unresolved: { kind: string; id: string; since: number } | null
        hold?: HoldBody
      }
      entries: EntryBody[]
    }
  | {
      totals: Record<'payments' | 'inDoubt' | 'undelivered' | 'watched' | 'provisional' | 'lost', number> & {
        received: string
      }
      hold?: HoldBody
      payments: PaymentBody[]
    }
)

/** A crawler with credit. */
export type AgentBody = {
  id: string
  name: string
  url: string | null
  creditLimit: string
  probation: string
  period: string
  rail: string
  tier: string | null
  buyer: { name: string; country: string; address?: string; taxId?: string; email?: string }
  suspended: string | null
  createdAt: number
  version: number
}

/** An invoice. `history` comes with one alone. */
export type InvoiceBody = {
  id: string
  number: number
  agent: string
  periods: string[]
  from: number
  to: number
  issuedAt: number
  dueAt: number
  seller: { name: string }
  buyer: { name: string; country: string }
  rail: string
  net: string
  vat: { amount: string }
  total: string
  paid: string
  credited: string
  creditedNet: string
  owed: string
  stage: string
  failedAt: number | null
  history?: { kind: string; seq: number; at: number; document: Record<string, unknown> }[]
}

/** An act in the audit log. */
export type ActBody = {
  seq: number
  at: number
  who: string
  what: string
  subject: string
  before: Record<string, unknown> | null
  after: Record<string, unknown> | null
}

/** How a site answers. */
export type SiteModeBody = 'draft' | 'shadow' | 'live' | 'suspended'

/** A site in the list. */
export type SiteSummaryBody = {
  id: string
  publisher: string
  mode: SiteModeBody
  hosts: string[]
  via: string
  version: number
  hasDraft: boolean
}

/** The vars of docs/policy.md that a site sets. */
export type TermsBody = Record<string, unknown>

/** The document of a site. */
export type SiteDocumentBody = {
  id: string
  publisher: string
  hosts: string[]
  via: string
  mode: SiteModeBody
  terms: TermsBody
}

/** A published version. */
export type SiteVersionBody = {
  version: number
  document: SiteDocumentBody
  effectiveAt: number
  at: number
  who: string
  act: string
  note: string | null
}

/** One site. */
export type SiteBody = {
  id: string
  publisher: string
  mode: SiteModeBody
  revision: number
  draft: { document: SiteDocumentBody; at: number; who: string } | null
  published: SiteVersionBody | null
  hosts: { host: string; token: string; provenAt: number | null; how: string | null }[]
  pending: string[]
}

/** One thing that was checked. */
export type CheckedBody = {
  outcome: 'ok' | 'failed' | 'unknown' | 'skipped'
  status: number | null
  why: string
}

/** The result of a check. */
export type CheckedSiteBody = {
  ok: boolean
  errors: { path: string; message: string; expected: string }[]
  warnings: { path: string; message: string; expected: string }[]
  hosts: {
    host: string
    token: string
    record: string
    proof: CheckedBody
    dns: CheckedBody
    certificate: CheckedBody
    crawler: CheckedBody
    reader: CheckedBody
  }[]
  origin: CheckedBody
  sideDoor: CheckedBody
}

/** One publisher. `sites` comes with one alone. */
export type PublisherBody = {
  id: string
  name: string
  contacts: string[]
  country: string | null
  taxId: string | null
  receiver: string | null
  revision: number
  sites?: string[]
}

/** One figure of money or of traffic. */
export type FigureBody = {
  source: 'book' | 'traffic'
  hour?: number
  day?: number
  site?: string
  who?: string
  path?: string
  charged?: string
  charges?: number
  unpaid?: number
  asked?: string
  refused?: number
  free?: number
  blocked?: number
  errors?: number
}

/** A page of figures. `asOf` is null before the first figure. */
export type FiguresBody = {
  sources: Partial<Record<'book' | 'traffic', { asOf: number | null; isReadable: boolean }>>
  figures: FigureBody[]
  next: string | null
}

/** An alert, open or resolved. */
export type AlertBody = {
  id: string
  kind: string
  severity: 'critical' | 'warning' | 'info'
  subject: string
  figure: string
  link: string
  opened: number
  resolved: number | null
  mutedUntil: number | null
}

/** Open and recent alerts. `lastAt`: when they were last looked for. */
export type AlertsBody = {
  alerts: AlertBody[]
  webhooks: { id: string; host: string; acceptedAt: number | null; failingSince: number | null }[]
  lastAt: number | null
}

/** The relayer of a network. */
export type RelayerBody = { network: string; address: string; mined: number | null; open: number }
