/** The pages of sites. */
import type { Routes } from '../../shell.tsx'
import { showChecks } from './checks.tsx'
import { listSites } from './list.tsx'
import { checkNew, newSite } from './new.tsx'
import { oneSite } from './site.tsx'
import { showSuspend, suspend } from './suspend.tsx'

/** The pages of sites, and the forms on them. */
export const sitePages: Routes = [
  { path: '/sites', get: listSites },
  { path: '/sites/new', right: 'sites.write', get: newSite, post: newSite },
  { path: '/sites/new/check', post: checkNew },
  { path: '/sites/:id', get: oneSite },
  { path: '/sites/:id/checks', get: showChecks },
  { path: '/sites/:id/suspend', right: 'sites.write', get: showSuspend, post: suspend },
]
