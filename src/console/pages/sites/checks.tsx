/** A site on its way to its first crawler: what to set, what is checked, and the next step. Read anew while it is seen. */
import type { Child } from 'hono/jsx'
import { may } from '../../../people/principal.ts'
import type {
  CheckedBody as Checked,
  CheckedSiteBody as CheckedSite,
  SiteBody as Site,
} from '../../answers.ts'
import { DAY } from '../../figures.ts'
import { Badge, type Mood } from '../../parts/badges.tsx'
import { Copied } from '../../parts/copied.tsx'
import { Time } from '../../parts/figures.tsx'
import { Field } from '../../parts/form.tsx'
import { Head, PageSection, Trouble } from '../../parts/page.tsx'
import { type PageHandler, show, trouble, urlOf } from '../../shell.tsx'
import { ModeBadge } from './list.tsx'
import { lookOutside, MAX_LOOKED, type OutsideView } from './outside.ts'

/** The page of the checks. They are looked up anew each time, and nothing is stored: publishing looks for the proofs itself. */
export const showChecks: PageHandler = async (c) => {
  const { ask, who } = c.get('desk')
  const id = encodeURIComponent(c.req.param('id') ?? '')
  const path = urlOf(c).searchParams.get('path') ?? '/'
  const asked = await ask<Site>(`/sites/${id}`)
  if (!asked.ok) return trouble(c, 'Checks', asked)
  const site = asked.value
  const isShadow = site.published?.document.mode === 'shadow'
  const isPath = /^\/[!-~]*$/.test(path)
  const served = site.published && isPath ? site.published.document.hosts.slice(0, MAX_LOOKED) : []
  const [checked, outside] = await Promise.all([
    ask<CheckedSite>(`/sites/${id}/check?path=${encodeURIComponent(path)}`),
    Promise.all(served.map((host) => lookOutside({ host, path, isShadow }))),
  ])
  return show(
    c,
    `Checks of ${id}`,
    <>
      <Head
        title={`Checks of ${id}`}
        above={{ href: `/sites/${id}`, title: id }}
        asOf={asked.at}
        meta={<ModeBadge mode={site.mode} />}
      />
      <div data-live id="live-checks">
        {checked.ok ? (
          <>
            <Steps site={site} checked={checked.value} at={asked.at} isEditor={may(who, 'policy.write')} />
            <Found checked={checked.value} outside={outside} at={asked.at} />
          </>
        ) : (
          <Trouble problem={checked.problem} />
        )}
      </div>
      <PageSection title="Check another path" id="another" note="Name a page that crawlers pay for">
        <form class="form" method="get" action={`/sites/${id}/checks`}>
          <Field name="path" label="Path" typed={{ path }} required />
          <div>
            <button class="btn" type="submit">
              Check again
            </button>
          </div>
        </form>
      </PageSection>
    </>,
    checked.ok ? 200 : checked.status === 400 ? 400 : 503,
  )
}

type Step = { title: string; state: readonly [Mood, string]; children?: Child }

const DONE = ['good', 'Done'] as const
const NEXT = ['warn', 'Next'] as const
const LATER = ['plain', 'Later'] as const

type StepsProps = { site: Site; checked: CheckedSite; at: number; isEditor: boolean }

function Steps({ site, checked, at, isEditor }: StepsProps) {
  const { id, published, mode, pending } = site
  const missing = checked.hosts.filter(({ proof }) => proof.outcome !== 'ok')
  const isProven = missing.length === 0
  const isShadow = published?.document.mode === 'shadow'
  const isLive = published?.document.mode === 'live'
  const trialEnds = published && isShadow ? published.effectiveAt + DAY : null
  const steps: Step[] = [
    {
      title: 'Set the records in DNS',
      state: isProven ? DONE : NEXT,
      children: !isProven && (
        <>
          {missing.map(({ host, record, token }) => (
            <Copied id={`record-${host.replaceAll(/[^a-z0-9]/g, '-')}`} text={`${record}  TXT  "${token}"`} />
          ))}
          <p class="soft">The name servers of the host hold them. A new record is seen within minutes.</p>
        </>
      ),
    },
    {
      title: 'Publish in shadow mode: everybody is served, and nothing is charged',
      state: published ? DONE : isProven ? NEXT : LATER,
      children: !published && isProven && isEditor && (
        <a class="btn go" href={`/policy/${id}/publish`}>
          Review and publish
        </a>
      ),
    },
    {
      title: 'Watch for a day what crawlers would have been asked',
      state: isLive ? DONE : isShadow ? ((trialEnds ?? 0) <= at ? DONE : NEXT) : LATER,
      children: isShadow && (
        <p class="soft">
          In shadow mode since <Time at={published?.effectiveAt ?? null} />. A day ends at{' '}
          <Time at={trialEnds} />. <a href={`/policy/${id}/results`}>See what would have been asked</a>
        </p>
      ),
    },
    {
      title: 'Go live',
      state: isLive ? DONE : isShadow ? NEXT : LATER,
      children: isShadow && isEditor && (
        <p class="soft">
          <a href={`/policy/${id}/publish`}>Publish it live</a> when the figures are as you expect. Nothing
          stops you from doing it sooner.
        </p>
      ),
    },
  ]
  if (mode === 'suspended') return null
  return (
    <PageSection
      title="Steps"
      id="steps"
      note={pending.length > 0 ? `Not yet everywhere: ${pending.join(', ')}` : undefined}
    >
      <ol class="steps">
        {steps.map(({ title, state: [mood, word], children }) => (
          <li>
            <h3>{title}</h3>
            <Badge mood={mood}>{word}</Badge>
            {children && <div class="box">{children}</div>}
          </li>
        ))}
      </ol>
    </PageSection>
  )
}

const OUTCOMES: Record<Checked['outcome'], readonly [Mood, string]> = {
  ok: ['good', 'OK'],
  failed: ['bad', 'Failed'],
  unknown: ['warn', 'Unknown'],
  skipped: ['plain', 'Skipped'],
}

type FoundProps = { checked: CheckedSite; outside: readonly OutsideView[]; at: number }

function Found({ checked: { errors, hosts, origin, sideDoor }, outside, at }: FoundProps) {
  const rows: readonly (readonly [string, Checked])[] = [
    ...hosts.flatMap(({ host, proof, dns, certificate, crawler, reader }) => {
      const seen = outside.find((one) => one.host === host)
      return [
        [`${host} is proven`, proof] as const,
        [`${host} has a name in DNS`, dns] as const,
        ...(seen
          ? ([
              [
                `${host} has a certificate`,
                certificate.outcome === 'skipped' ? seen.certificate : certificate,
              ],
              [`${host} asks a crawler to pay`, seen.crawler],
              [`${host} lets a browser pass`, seen.reader],
            ] as const)
          : (
              [
                [`The paywall would ask a crawler to pay at ${host}`, crawler],
                [`The paywall would let a browser pass at ${host}`, reader],
              ] as const
            ).filter(([, { outcome }]) => outcome !== 'skipped')),
      ]
    }),
    ['The origin answers', origin],
    ['The side door is shut: the origin refuses all others', sideDoor],
  ]
  const failed = rows.filter(([, { outcome }]) => outcome === 'failed' || outcome === 'unknown').length
  return (
    <PageSection
      title="Checks"
      id="checks"
      note={
        <>
          {failed === 0 ? 'Everything is in order' : `${failed} to mend`}, looked at <Time at={at} />
        </>
      }
    >
      {errors.map(({ path, message }) => (
        <p class="bad">
          <code>{path}</code> {message}
        </p>
      ))}
      <ul>
        {rows.map(([name, { outcome, status, why }]) => {
          const [mood, text] = OUTCOMES[outcome]
          return (
            <li class="check">
              <Badge mood={mood}>{text}</Badge>
              <div>
                <h3>
                  {name}
                  {status !== null && ` (${status})`}
                </h3>
                {why && <p class="soft">{why}</p>}
              </div>
            </li>
          )
        })}
      </ul>
    </PageSection>
  )
}
