/** The policy: what one request would be answered, with the reasons. */

import { Badge, type Mood } from '../parts/badges.tsx'
import { dollars } from '../parts/figures.tsx'
import { FactList, Head, PageSection, Trouble } from '../parts/page.tsx'
import { Table } from '../parts/table.tsx'
import { type PageHandler, type Routes, show, urlOf } from '../shell.tsx'

type Reading = {
  reading: string
  action: string
  price: string
  rule: string
  why: string
  factors: string[]
}

type Explanation = {
  url: string
  client: { kind: string; name?: string; class?: string; claim?: string; reasons: string[] }
  outcome: 'pass' | 'charge' | 'block' | 'refuse'
  status: number | null
  refusal: { code: string; message: string } | null
  decision: Omit<Reading, 'reading'> | null
  readings: Reading[]
  headers: Record<string, string>
}

const OUTCOMES: Record<Explanation['outcome'], readonly [Mood, string]> = {
  pass: ['good', 'Passes free'],
  charge: ['plain', 'Is charged'],
  block: ['bad', 'Is blocked'],
  refuse: ['bad', 'Is refused'],
}

const policy: PageHandler = async (c) => {
  const url = urlOf(c)
  const [path, client] = [url.searchParams.get('url') ?? '/', url.searchParams.get('as') ?? 'GPTBot']
  const query = new URLSearchParams({
    url: path,
    as: client,
    method: url.searchParams.get('method') ?? 'GET',
  })
  const asked = url.searchParams.has('url') ? await c.get('desk').ask<Explanation>(`/explain?${query}`) : null
  return show(
    c,
    'Policy',
    <>
      <Head title="Policy" />
      <PageSection title="Try it" id="try" note="Nothing is charged, and the origin is not asked.">
        <form class="form" method="get" action="/policy">
          <div class="pair">
            <div>
              <label for="url">Path or URL</label>
              <input id="url" name="url" value={path} required />
            </div>
            <div>
              <label for="as">Crawler, “reader”, or a User-Agent</label>
              <input id="as" name="as" value={client} required />
            </div>
          </div>
          <div>
            <button class="btn go" type="submit">
              Try it
            </button>
          </div>
        </form>
      </PageSection>
      {asked && (asked.ok ? <Answer of={asked.value} /> : <Trouble problem={asked.problem} />)}
    </>,
    asked && !asked.ok ? 400 : 200,
  )
}

function Answer({
  of: { client, outcome, status, refusal, decision, readings, headers },
}: {
  of: Explanation
}) {
  const [mood, text] = OUTCOMES[outcome]
  const { kind, name, class: named, claim, reasons } = client
  return (
    <>
      <PageSection title="Answer" id="answer">
        <FactList
          of={[
            ['Outcome', <Badge mood={mood}>{text}</Badge>],
            ['Status', status === null ? 'The origin’s' : String(status)],
            ['Client', [name ?? kind, named, claim].filter(Boolean).join(', ')],
            ['Because', reasons.join('; ')],
            ['Price', decision?.action === 'charge' ? dollars(BigInt(decision.price)) : 'Free'],
            ['Rule', decision ? decision.why : (refusal?.message ?? '—')],
          ]}
        />
      </PageSection>
      <PageSection title="Readings of the URL" id="readings" note="The dearest counts for crawlers.">
        <Table
          caption="Readings of the URL"
          rows={readings}
          empty={{ what: 'The URL cannot be read.' }}
          columns={[
            { title: 'Reading', cell: ({ reading }) => <code>{reading}</code> },
            { title: 'Action', cell: ({ action }) => action },
            { title: 'Rule', cell: ({ rule }) => rule },
            { title: 'Price', kind: 'lead', cell: ({ price }) => dollars(BigInt(price)) },
          ]}
        />
      </PageSection>
      <details>
        <summary>Headers of the answer</summary>
        <pre class="code">
          {Object.entries(headers)
            .map(([header, value]) => `${header}: ${value}`)
            .join('\n')}
        </pre>
      </details>
    </>
  )
}

/** The page of the policy. */
export const policyPages: Routes = [{ path: '/policy', get: policy }]
