/** The bodies of the operator's API as the console reads them: only the members that a page shows. Amounts are micro-dollars. */

/** An error (RFC 9457). */
export type Problem = {
  title: string
  detail: string
  code: string
  errors?: readonly { path: string; message: string; expected: string }[]
}

/** One page of a list, and the cursor of the next. */
export type Paged<Key extends string, Item, Cursor = string> = { [K in Key]: Item[] } & {
  next: Cursor | null
}

export type Run = {
  id: string
  kind: 'settlement' | 'billing' | 'shadow' | 'watch'
  status: 'running' | 'settled' | 'in_doubt' | 'failed' | 'abandoned'
  startedAt: number
  endedAt: number | null
  record: { findings?: Finding[] } & Record<string, unknown>
}

export type Finding = { account: string; what: string; detail: string }

export type Listed = {
  id: string
  kind: 'channel' | 'exact' | 'credit'
  name?: string
  payer?: string
  receiver?: string
  openedAt?: number
  totals: { authorized: string; charged: string; redeemed: string; ceiling: string } | null
  quarantine?: string | null
  closed?: string | null
  updatedAt: number | null
}

export type Entry = {
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

export type Payment = {
  id: string
  status: string
  at: number | null
  amount: string
  request: string
  rule: string | null
  transaction: string | null
}

export type Account = { id: string; next: number | string | null } & (
  | {
      kind: 'credit'
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
      entries: Entry[]
    }
  | {
      kind: 'channel'
      standing: {
        authorized: string
        charged: string
        redeemed: string
        config: { payer: string; receiver: string; withdrawDelay: number }
        state: { balance: string; totalClaimed: string; withdrawRequestedAt: number; withdrawAmount: string }
        quarantine: string | null
        unresolved: { kind: string; id: string; since: number } | null
      }
      entries: Entry[]
    }
  | {
      kind: 'exact'
      totals: { payments: number; received: string; inDoubt: number; undelivered: number; watched: number }
      payments: Payment[]
    }
)

export type Agent = {
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

export type Invoice = {
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

export type Act = {
  seq: number
  at: number
  who: string
  what: string
  subject: string
  before: Record<string, unknown> | null
  after: Record<string, unknown> | null
}

export type RelayerState = {
  address: string
  next: number
  open: number
  missing: unknown[]
  taken: unknown[]
}

export type SiteMode = 'draft' | 'shadow' | 'live' | 'suspended'

export type SiteSummary = {
  id: string
  publisher: string
  mode: SiteMode
  hosts: string[]
  via: string
  version: number
  hasDraft: boolean
}

export type Terms = Record<string, unknown>

export type SiteDocument = {
  id: string
  publisher: string
  hosts: string[]
  via: string
  mode: SiteMode
  terms: Terms
}

export type SiteVersion = {
  version: number
  document: SiteDocument
  effectiveAt: number
  at: number
  who: string
  act: string
  note: string | null
}

export type Site = {
  id: string
  publisher: string
  mode: SiteMode
  revision: number
  draft: { document: SiteDocument; at: number; who: string } | null
  published: SiteVersion | null
  hosts: { host: string; token: string; provenAt: number | null; how: string | null }[]
  pending: string[]
}

export type Checked = { outcome: 'ok' | 'failed' | 'unknown' | 'skipped'; status: number | null; why: string }

export type CheckedSite = {
  ok: boolean
  errors: { path: string; message: string; expected: string }[]
  warnings: { path: string; message: string; expected: string }[]
  hosts: { host: string; token: string; record: string; proof: Checked; crawler: Checked; reader: Checked }[]
  origin: Checked
  sideDoor: Checked
}

export type Publisher = {
  id: string
  name: string
  contacts: string[]
  country: string | null
  taxId: string | null
  receiver: string | null
  revision: number
  sites: string[]
}
