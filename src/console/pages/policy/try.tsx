/** One request, tried: what the draft and the version in force would answer, and why. Nothing is charged. */
import type { Context } from 'hono'
import type { Ask, Reply } from '../../edge.ts'
import { Badge, type Mood } from '../../parts/badges.tsx'
import { priceText } from '../../parts/figures.tsx'
import { Field, type Typed } from '../../parts/form.tsx'
import { FactList, Head, PageSection, Trouble } from '../../parts/page.tsx'
import { Table } from '../../parts/table.tsx'
import { type ConsoleEnv, type PageHandler, show, urlOf } from '../../shell.tsx'
import { documentText, openSite, PolicyHead } from './site.tsx'

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
  method: string
  userAgent: string
  client: { kind: string; name?: string; class?: string; claim?: string; reasons: string[] }
  outcome: 'pass' | 'charge' | 'block' | 'refuse'
  status: number | null
  refusal: { code: string; message: string } | null
  decision: (Omit<Reading, 'reading'> & { asksOrigin: boolean }) | null
  readings: Reading[]
  headers: Record<string, string>
}

const OUTCOMES: Record<Explanation['outcome'], readonly [Mood, string]> = {
  pass: ['good', 'Passes free'],
  charge: ['warn', 'Is asked to pay'],
  block: ['bad', 'Is blocked'],
  refuse: ['bad', 'Is refused'],
}

/** Tries a request at a site: at its draft, and beside it at the version in force. */
export const tryAtSite: PageHandler = async (c) => {
  const editing = await openSite(c)
  if (editing instanceof Response) return editing
  const { id, draft, published } = editing.site
  const typed = typedOf(c)
  const ask = c.get('desk').ask
  const path = (of: string) => `/sites/${id}/try?of=${of}&${queryOf(typed)}`
  const [drafted, live] = await Promise.all([
    typed.url && (draft || !published) ? ask<Explanation>(path('draft')) : null,
    typed.url && published ? ask<Explanation>(path('live')) : null,
  ])
  const failed = [drafted, live].find((asked) => asked && !asked.ok)
  return show(
    c,
    `Try the policy of ${id}`,
    <>
      <PolicyHead of={editing} view="/try" />
      <TryForm action={`/policy/${id}/try`} typed={typed} />
      {failed && !failed.ok ? (
        <Trouble problem={failed.problem} />
      ) : (
        <div class={drafted && live ? 'two' : undefined}>
          {drafted?.ok && (
            <Answer
              of={drafted.value}
              title={published ? 'The draft' : 'The draft, never published yet'}
              id="draft"
            />
          )}
          {live?.ok && (
            <Answer of={live.value} title={`Version ${published?.version}, published`} id="live" />
          )}
        </div>
      )}
    </>,
    failed && !failed.ok ? (failed.status === 400 ? 400 : 503) : 200,
  )
}

/** Tries a request at a deployment without a registry of sites: its vars are the policy. */
export async function tryAtDeployment(c: Context<ConsoleEnv>): Promise<Response> {
  const typed = typedOf(c)
  const asked: Reply<Explanation> | null = typed.url ? await explain(c.get('desk').ask, typed) : null
  return show(
    c,
    'Policy',
    <>
      <Head title="Policy" />
      <p class="gap soft">
        This deployment serves one site, with its policy in wrangler.toml. Bind SITES and HOSTS
        (docs/sites.md) to edit policies here.
      </p>
      <TryForm action="/policy" typed={typed} />
      {asked &&
        (asked.ok ? (
          <Answer of={asked.value} title="Answer" id="answer" />
        ) : (
          <Trouble problem={asked.problem} />
        ))}
    </>,
    asked && !asked.ok ? (asked.status === 400 ? 400 : 503) : 200,
  )
}

function explain(ask: Ask, typed: Typed): Promise<Reply<Explanation>> {
  return ask<Explanation>(`/explain?${queryOf(typed)}`)
}

const DEFAULTS: Typed = { as: 'GPTBot', method: 'GET', claim: 'claimed', country: '' }

/** The request in the address: it is the state of the page. */
function typedOf(c: Context): Typed {
  return { ...DEFAULTS, ...Object.fromEntries(urlOf(c).searchParams) }
}

function queryOf({ url = '', as = '', method = 'GET', claim, country = '' }: Typed): URLSearchParams {
  const query = new URLSearchParams({ url, as, method: method.toUpperCase() })
  if (claim === 'verified') query.set('verified', 'true')
  if (country.trim() !== '') query.set('country', country.trim().toUpperCase())
  return query
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'].map((method) => [method, method] as const)
const CLAIMS = [
  ['claimed', 'Claimed: nothing proves the name'],
  ['verified', 'Verified by Cloudflare'],
] as const

function TryForm({ action, typed }: { action: string; typed: Typed }) {
  return (
    <PageSection title="Try a request" id="try" note="Nothing is charged, and the origin is not asked">
      <form class="form" method="get" action={action}>
        <div class="pair">
          <Field name="url" label="Path or URL" typed={{ url: typed.url ?? '/' }} required />
          <Field name="as" label="Crawler, “reader”, or a whole User-Agent" typed={typed} required />
          <Field name="method" label="Method" typed={typed} choices={METHODS} />
          <Field name="claim" label="Its name is" typed={typed} choices={CLAIMS} />
          <Field name="country" label="Country" hint="Two letters, such as DE. Empty: none" typed={typed} />
        </div>
        <div>
          <button class="btn go" type="submit">
            Try it
          </button>
        </div>
      </form>
    </PageSection>
  )
}

/** An answer with its reasons. */
function Answer({ of, title, id }: { of: Explanation; title: string; id: string }) {
  const { client, outcome, status, refusal, decision, readings, headers } = of
  const [mood, text] = OUTCOMES[outcome]
  const { kind, name, class: named, claim, reasons } = client
  const offers = offersIn(headers)
  const price = decision?.action === 'charge' ? priceText(BigInt(decision.price)) : null
  return (
    <PageSection title={title} id={id} note={price && <span class="big">{price}</span>}>
      <FactList
        of={[
          ['Decision', <Badge mood={mood}>{text}</Badge>],
          ['Status', status === null ? 'The origin’s' : String(status)],
          ['Rule', decision ? ruleName(decision.rule) : '—'],
          ['Because', decision ? numbered(decision.why) : (refusal?.message ?? '—')],
          ['Client', [name ?? kind, named, claim && CLAIM_WORDS[claim]].filter(Boolean).join(', ')],
          ['Seen by', reasons.join('; ') || '—'],
          ...(decision?.asksOrigin
            ? [['Origin', 'It may state another price or date. It was not asked.'] as const]
            : []),
        ]}
      />
      {readings.length > 1 && (
        <div class="gap">
          <p class="soft">Servers read this URL in several ways. For crawlers the dearest counts.</p>
          <Table
            caption="Readings of the URL"
            rows={readings}
            empty={{ what: '' }}
            columns={[
              { title: 'Reading', cell: ({ reading }) => <code>{reading}</code> },
              { title: 'Rule', cell: ({ rule }) => ruleName(rule) },
              { title: 'Action', cell: ({ action }) => action },
              { title: 'Price', kind: 'lead', cell: ({ price }) => priceText(BigInt(price)) },
            ]}
          />
        </div>
      )}
      {Object.keys(headers).length > 0 && (
        <pre class="code gap">
          {[
            `HTTP ${status}`,
            ...Object.entries(headers).map(([header, value]) => `${header}: ${shortened(value)}`),
          ].join('\n')}
        </pre>
      )}
      {offers && (
        <details class="gap">
          <summary>The offers, decoded</summary>
          <pre class="code scroll" tabindex={0}>
            {offers}
          </pre>
        </details>
      )}
    </PageSection>
  )
}

const CLAIM_WORDS: Record<string, string> = {
  confirmed: 'verified',
  unknown: 'claimed',
  refuted: 'refuted',
}

/** `Rule 3` of `RULES[2]`, as the editor numbers it. */
export function ruleName(rule: string): string {
  const [, at] = /^RULES\[(\d+)\]$/.exec(rule) ?? []
  if (at !== undefined) return `Rule ${Number(at) + 1}`
  const names: Record<string, string> = {
    default: 'No rule: the default',
    free: 'Always free',
    preset: 'The preset',
    url: 'The URL cannot be read',
  }
  return names[rule] ?? rule
}

/** The reason of a decision with its rule as the editor numbers it. */
function numbered(why: string): string {
  return why.replace(/^RULES\[(\d+)\]/, (_, at: string) => `Rule ${Number(at) + 1}`)
}

const SHOWN_CHARS = 60

function shortened(value: string): string {
  return value.length <= SHOWN_CHARS ? value : `${value.slice(0, SHOWN_CHARS)}…  (${value.length} bytes)`
}

/** The offers of a 402 as text: its header holds them as base64. */
function offersIn(headers: Record<string, string>): string {
  const sent = headers['payment-required']
  if (sent === undefined) return ''
  try {
    const bytes = Uint8Array.from(atob(sent), (char) => char.charCodeAt(0))
    return documentText(JSON.parse(new TextDecoder().decode(bytes)))
  } catch {
    return ''
  }
}
