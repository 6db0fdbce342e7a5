/** The one list of the documents that state a site's terms, each with the answer at its address. */
import { type DocumentRequest, json, written } from './asked.ts'
import { robotsTxt } from './merge.ts'
import { type DocumentName, licenseOf } from './names.ts'
import { licenseXml } from './rsl.ts'
import { tdmrep } from './tdm.ts'
import { acceptsOf, x402Site } from './x402.ts'

/** Every document that has an address. A new one is a file here, a line in this list, and its address in names.ts. */
export const DOCUMENTS: Readonly<
  Record<DocumentName, (site: DocumentRequest) => Response | Promise<Response>>
> = {
  robots: robotsTxt,
  rsl: (site) => written(site, licenseXml(site.policy), 'application/rsl+xml'),
  tdm: (site) => json(site, tdmrep(site.policy, licenseOf(site, site.origin))),
  x402: (site) =>
    json(site, x402Site(site.policy, site.origin, acceptsOf(site), licenseOf(site, site.origin))),
}
