/** Every page of the console: the one list. */
import type { Routes } from '../shell.tsx'
import { accountPages } from './accounts.tsx'
import { agentPages } from './agents.tsx'
import { auditPages } from './audit.tsx'
import { homePages } from './home.tsx'
import { invoicePages } from './invoices.tsx'
import { policyPages } from './policy.tsx'
import { publisherPages } from './publishers.tsx'
import { runPages } from './runs.tsx'
import { sitePages } from './sites/index.ts'

/** The pages, in the order of the navigation. */
export const PAGES: Routes = [
  ...homePages,
  ...sitePages,
  ...policyPages,
  ...accountPages,
  ...agentPages,
  ...invoicePages,
  ...runPages,
  ...publisherPages,
  ...auditPages,
]
