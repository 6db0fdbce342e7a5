/** Audit events as data, without the objects that store them. */

/** The name of the audit log's only object. */
export const AUDIT = 'audit'

/** One act of an operator. `before` and `after` are JSON, or null. `at` in Unix milliseconds. */
export type Act = {
  seq: number
  at: number
  who: string
  what: string
  subject: string
  before: string | null
  after: string | null
}

/** An act that is not stored yet. */
export type NewAct = Omit<Act, 'seq' | 'at'>

/** Where acts are read: up to `limit` of them with `seq > after`, oldest first. */
export type ActSource = { acts(after: number, limit: number): Promise<Act[]> }

/** Where acts are stored as well. */
export type AuditLog = ActSource & { note(act: NewAct): Promise<void> }
