/** The exports of `tab402/lab`. */
export { AuditError, type Audited } from './audit.ts'

/** The books of a lab: one value that can be compared. */
export type {
  BookAccount,
  BookChannel,
  BookEntry,
  BookFinding,
  BookInvoice,
  BookPayment,
  BookRun,
  Books,
} from './books.ts'
/** A broken invariant, as an {@link AuditError} lists it. */
export type { Breach } from './breach.ts'
/** Crawlers of a lab. */
export type { Crawler, CrawlerName, CrawlerOptions, CreditRail, Page, PaysBy } from './crawlers/crawler.ts'
export { diff } from './diff.ts'
/** Faults on order. */
export type { Fail, Mend } from './fail/fail.ts'
/** A lab and its options. */
export type { Lab, LabNight, LabOptions, LabSite, NightOptions, Var } from './lab.ts'
export { openLab } from './open.ts'
/** The score of a crawler. */
export type { Score } from './score.ts'
/** Moments and spans, as a tester writes them. */
export type { Moment, TimeSpan } from './time.ts'
