/** What a tester imports from `tab402/lab`. */
export { AuditError, type Audited, type Breach } from './audit.ts'
export type {
  BookAccount,
  BookChannel,
  BookEntry,
  BookFinding,
  BookInvoice,
  BookRun,
  Books,
} from './books.ts'
export type { Crawler, CrawlerName, CrawlerOptions, CreditRail, Page, Pays } from './crawlers/crawler.ts'
export { diff } from './diff.ts'
export type { Fail, Mend } from './fail/fail.ts'
export type { Lab, LabOptions, LabSite, Moment, Night, NightOptions, Span, Var } from './lab.ts'
export { openLab } from './open.ts'
export type { Score } from './score.ts'
