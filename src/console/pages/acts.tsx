/** The outcome of an act: done, with its entry in the audit log; or not known yet, which is asked for again. */
import { may } from '../../people/principal.ts'
import type { ActBody } from '../answers.ts'
import { returnPath } from '../guard.ts'
import { Badge } from '../parts/badges.tsx'
import { dollars, Time } from '../parts/figures.tsx'
import { type NameOf, namesFor } from '../parts/names.tsx'
import { FactList, Head, PageSection } from '../parts/page.tsx'
import { type PageHandler, type Routes, show, urlOf } from '../shell.tsx'
import { actTitle, Changed } from './audit.tsx'

type State = { at: number; status: number | null; act: number | null }

/** How long a request can be on its way. Beyond it the page waits no longer for one without a trace. Milliseconds. */
const ON_ITS_WAY_MS = 60_000
/** Seconds until the page asks again, at first and after a minute. */
const SOON = 2
const LATER = 15

const outcome: PageHandler = async (c) => {
  const desk = c.get('desk')
  const { ask, who } = desk
  const { searchParams } = urlOf(c)
  const key = c.req.param('key') ?? ''
  const back = returnPath(searchParams.get('to') ?? '/', c.req.url)
  const sentAt = Number(searchParams.get('at') ?? 0)
  const asked = await ask<State>(`/acts/${encodeURIComponent(key)}`)
  const state = asked.ok ? asked.value : null
  const isDone = searchParams.get('is') === 'done' || state?.status != null
  if (isDone && (state?.status ?? 200) >= 400)
    return show(c, 'Refused', <Undone {...REFUSED} back={back} />, 409)
  if (isDone) {
    const seq = may(who, 'audit.read') ? (state?.act ?? null) : null
    const [acts, nameOf] = await Promise.all([
      seq === null ? null : ask<{ acts: ActBody[] }>(`/audit?after=${seq - 1}&limit=1`),
      namesFor(desk),
    ])
    const [act] = acts?.ok ? acts.value.acts : []
    return show(c, 'Done', <Done act={act} back={back} nameOf={nameOf} />)
  }
  const age = Date.now() - sentAt
  const isLost = !asked.ok && asked.status === 404 && age > ON_ITS_WAY_MS
  if (isLost) return show(c, 'No trace', <Undone {...LOST} back={back} />)
  const answer = await show(c, 'Outcome unknown', <Unknown since={state?.at ?? sentAt} />)
  // The browser loads the page again by itself, also without JavaScript.
  answer.headers.set('refresh', String(age > ON_ITS_WAY_MS ? LATER : SOON))
  return answer
}

function Done({ act, back, nameOf }: { act: ActBody | undefined; back: string; nameOf: NameOf }) {
  const facts = act ? factsOf(act) : []
  return (
    <>
      <Head title={act ? actTitle(act.what) : 'Done'} above={{ href: back, title: 'Back' }} />
      <PageSection title="The outcome" id="outcome">
        <div class="box" role="status">
          <p>
            <Badge mood="good">Done</Badge>
          </p>
          <FactList
            of={[
              ...(act
                ? ([
                    ['Subject', <code>{act.subject}</code>],
                    ...facts,
                    ['At', <Time at={act.at} />],
                    ['By', nameOf(act.who)],
                  ] as const)
                : []),
              [
                'Audit log',
                act ? (
                  <a href={`/audit/${act.seq}`}>{`Entry ${act.seq}`}</a>
                ) : (
                  'The entry is in the audit log.'
                ),
              ],
            ]}
          />
          <p>
            <a class="btn go" href={back}>
              Continue
            </a>
          </p>
        </div>
      </PageSection>
      {act && (
        <PageSection title="What changed" id="changed">
          <Changed before={act.before} after={act.after} />
        </PageSection>
      )}
    </>
  )
}

/** The amounts and the words of an act that its page repeats. */
function factsOf({ after }: ActBody): (readonly [string, string])[] {
  const { payment, transfer, creditNote, reason } = (after ?? {}) as Record<string, object | string>
  const parts = [payment, transfer, creditNote].filter((part) => typeof part === 'object')
  const all: Record<string, unknown> = Object.assign({ reason }, ...parts)
  return Object.entries({
    amount: 'Amount',
    net: 'Net amount',
    reference: 'Reference',
    reason: 'Reason',
  }).flatMap(([name, title]) => {
    const value = all[name]
    if (typeof value !== 'string') return []
    const isAmount = name === 'amount' || name === 'net'
    return [[title, isAmount && /^\d+$/.test(value) ? dollars(BigInt(value)) : value] as const]
  })
}

function Unknown({ since }: { since: number }) {
  return (
    <>
      <Head title="The outcome is not known yet" />
      <PageSection title="Wait" id="wait">
        <div class="box" role="status">
          <p>
            <Badge mood="warn">Unknown</Badge>
          </p>
          <p>
            The request was sent on <Time at={since} /> UTC, and the edge Worker has not answered for it. It
            happens once or not at all. This page asks again by itself: do not send the form a second time.
          </p>
        </div>
      </PageSection>
    </>
  )
}

/** An act that left no change, or no trace: the way back to look and try again. */
function Undone({ title, why, back }: { title: string; why: string; back: string }) {
  return (
    <>
      <Head title={title} above={{ href: back, title: 'Back' }} />
      <PageSection title="What to do" id="undone">
        <p>{why}</p>
        <p class="gap">
          <a class="btn" href={back}>
            Look again
          </a>
        </p>
      </PageSection>
    </>
  )
}

const REFUSED = {
  title: 'The request was refused',
  why: 'Nothing was changed. Look at the page as it is now, then send it anew.',
}
const LOST = {
  title: 'The request left no trace',
  why: 'A minute has passed since it was sent. Look at the page: if it shows no change, send the request anew.',
}

/** The page of an act's outcome. */
export const actPages: Routes = [{ path: '/acts/:key', get: outcome }]
