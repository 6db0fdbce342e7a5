/** Every page of the console: the one list. */
import type { Routes } from '../shell.tsx'
import { accountPages } from './accounts.tsx'
import { actPages } from './acts.tsx'
import { agentPages } from './agents.tsx'
import { alertPages } from './alerts.tsx'
import { auditPages } from './audit.tsx'
import { crawlerPages } from './crawlers.tsx'
import { homePages } from './home.tsx'
import { invoicePages } from './invoices.tsx'
import { peoplePages } from './people.tsx'
import { policyPages } from './policy/index.tsx'
import { publisherPages } from './publishers.tsx'
import { runPages } from './runs.tsx'
import { settingPages } from './settings.tsx'
import { setupPages } from './setup.tsx'
import { sitePages } from './sites/index.ts'
import { tokenPages } from './tokens.tsx'

/** The pages, in the order of the navigation. */
export const PAGES: Routes = [
  ...homePages,
  ...alertPages,
  ...sitePages,
  ...crawlerPages,
  ...policyPages,
  ...accountPages,
  ...agentPages,
  ...invoicePages,
  ...runPages,
  ...publisherPages,
  ...auditPages,
  ...actPages,
  ...peoplePages,
  ...tokenPages,
  ...settingPages,
  ...setupPages,
]
