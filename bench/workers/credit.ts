/** The paywall with credit. A POST, which the load never sends, registers the crawler whose directory is its body. */

import type { Bindings } from '../../src/app/bindings.ts'
import type { AgentDraft } from '../../src/ledger/credit/agent.ts'
import paywall from './paywall.ts'

export * from './paywall.ts'

/** More than a bench can charge. */
const LIMIT_MICRO_USD = 10n ** 12n

export default {
  async fetch(request, env) {
    return request.method === 'POST' ? enrol(await request.text(), env) : paywall.fetch(request, env)
  },
} satisfies ExportedHandler<Bindings>

async function enrol(url: string, { AGENTS }: Bindings): Promise<Response> {
  const draft: AgentDraft = {
    id: 'crawler',
    name: 'Crawler',
    url,
    keys: null,
    terms: {
      limit: LIMIT_MICRO_USD,
      probation: LIMIT_MICRO_USD,
      period: 'monthly',
      rail: 'transfer',
      tier: null,
      buyer: { name: 'Crawl BV', country: 'NL' },
    },
  }
  const made = await AGENTS?.getByName('agents').create(draft, 'bench')
  return new Response(null, { status: made?.outcome === 'registered' ? 204 : 500 })
}
