/** Set up: what a deployment needs, whether it has it, and the command that mends what is missing. */

import { type Check, examine } from '../../doctor/check.ts'
import { CONSOLE_CHECKS } from '../../doctor/console.ts'
import { Badge, type Mood } from '../parts/badges.tsx'
import { Head, PageSection, Trouble } from '../parts/page.tsx'
import { type PageHandler, type Routes, show } from '../shell.tsx'

const OUTCOMES: Readonly<Record<Check['outcome'], readonly [Mood, string]>> = {
  ok: ['good', 'OK'],
  warn: ['warn', 'To do'],
  fail: ['bad', 'Failing'],
}

/** The body of `GET /doctor`. */
type Report = { version: string; at: number; checks: Check[] }

const setup: PageHandler = async (c) => {
  const { ask } = c.get('desk')
  const report = await ask<Report>('/doctor')
  const edgeVersion = report.ok ? report.value.version : null
  const own = await examine(CONSOLE_CHECKS, { edgeVersion }, (ms) => scheduler.wait(ms))
  const checks = [...(report.ok ? report.value.checks : []), ...own]
  const done = checks.filter(({ outcome }) => outcome === 'ok').length
  return show(
    c,
    'Set up',
    <>
      <Head title="Set up" asOf={Date.now()} sources={['live', 'book']} />
      {!report.ok && <Trouble problem={report.problem} />}
      <PageSection title="Checks" id="checks" note={`${done} of ${checks.length} are OK`}>
        <ul>
          {checks
            .toSorted((a, b) => RANK[a.outcome] - RANK[b.outcome])
            .map((check) => (
              <Row {...check} />
            ))}
        </ul>
        <p class="soft gap">
          <code>npx tab402 doctor</code> makes these checks and those of your own machine: DNS, certificates,
          the 402 from outside, and the settings at Cloudflare.
        </p>
      </PageSection>
    </>,
  )
}

/** Checks that need work come first. */
const RANK: Readonly<Record<Check['outcome'], number>> = { fail: 0, warn: 1, ok: 2 }

function Row({ outcome, title, reason, fix }: Check) {
  const [mood, word] = OUTCOMES[outcome]
  return (
    <li class="check">
      <Badge mood={mood}>{word}</Badge>
      <div>
        <h3>{title}</h3>
        <p class="soft">{reason}</p>
        {fix && <pre class="code gap">{fix}</pre>}
      </div>
    </li>
  )
}

/** The page of the checks. */
export const setupPages: Routes = [{ path: '/setup', right: 'runs.read', get: setup }]
