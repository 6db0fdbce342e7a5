/** Settings: the principal that is signed in, its rights, passkeys and sessions. Ends a session. */
import { may, RIGHTS } from '../../people/principal.ts'
import { Badge } from '../parts/badges.tsx'
import { Time } from '../parts/figures.tsx'
import { RowAct } from '../parts/form.tsx'
import { FactList, Head, PageSection } from '../parts/page.tsx'
import { rightsText } from '../parts/rights.ts'
import { Table } from '../parts/table.tsx'
import { type PageHandler, type Routes, show } from '../shell.tsx'
import { ownPasskeys, PasskeyList, passkeyPages } from './passkeys.tsx'

const settings: PageHandler = async (c) => {
  const { session, who, formToken } = c.get('desk')
  const [sessions, passkeys] = await Promise.all([c.env.EDGE.sessions(session), ownPasskeys(c)])
  return show(
    c,
    'Settings',
    <>
      <Head title="Settings" asOf={Date.now()} sources={['live']} />
      <PageSection title="You" id="you">
        <FactList
          of={[
            ['Name', who.name],
            ['Role', who.role],
            ['Sites', who.publisher === null ? 'All' : `Those of ${who.publisher}`],
            ['May', rightsText(RIGHTS.filter((right) => may(who, right)))],
            ['In the audit log', <code>{who.id}</code>],
          ]}
        />
      </PageSection>
      {passkeys && <PasskeyList of={passkeys} formToken={formToken} />}
      <PageSection
        title="Sessions"
        id="sessions"
        note="A session ends after 30 minutes without use, and after 12 hours in any case."
      >
        <Table
          caption="Open sessions, the latest first"
          rows={sessions}
          empty={{ what: 'No session is open.' }}
          columns={[
            { title: 'Who', cell: ({ principal }) => <bdi>{principal}</bdi> },
            { title: 'Opened', cell: ({ openedAt }) => <Time at={openedAt} /> },
            { title: 'Last used', cell: ({ usedAt }) => <Time at={usedAt} /> },
            { title: 'Browser', kind: 'full', cell: ({ client }) => client },
            {
              title: 'End',
              kind: 'acts',
              isHidden: true,
              cell: ({ id, principal, openedAt, isThis }) =>
                isThis ? (
                  <Badge mood="good">This one</Badge>
                ) : (
                  <RowAct
                    action={`/settings/sessions/${encodeURIComponent(id)}/end`}
                    formToken={formToken}
                    title="End"
                    label={`End the session of ${principal} from ${new Date(openedAt).toISOString()}`}
                  />
                ),
            },
          ]}
        />
      </PageSection>
    </>,
  )
}

const end: PageHandler = async (c) => {
  await c.env.EDGE.endSession(c.get('desk').session, c.req.param('id') ?? '')
  return c.redirect('/settings', 303)
}

/** The page of settings. */
export const settingPages: Routes = [
  { path: '/settings', get: settings },
  ...passkeyPages,
  { path: '/settings/sessions/:id/end', post: end },
]
