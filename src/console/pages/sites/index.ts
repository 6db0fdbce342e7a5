/** The pages of sites. */
import type { Routes } from '../../shell.tsx'
import { listSites, newSite } from './list.tsx'
import { oneSite, SITE_ACTS } from './site.tsx'
import { editTerms, moveRule, saveTerms } from './terms.tsx'

/** The pages of sites, and the forms on them. */
export const sitePages: Routes = [
  { path: '/sites', get: listSites },
  { path: '/sites/new', get: newSite, post: newSite },
  { path: '/sites/:id', get: oneSite },
  { path: '/sites/:id/terms', get: editTerms, post: saveTerms },
  { path: '/sites/:id/rules', post: moveRule },
  ...Object.entries(SITE_ACTS).map(([act, post]) => ({ path: `/sites/:id/${act}`, post })),
]
