/** The audit log: each act, who did it, and the states before and after. */
import type { ActBody as Act, Paged } from '../answers.ts'
import { Time } from '../parts/figures.tsx'
import { Head, PageSection } from '../parts/page.tsx'
import { More, Table } from '../parts/table.tsx'
import { type PageHandler, type Routes, show, trouble, urlOf } from '../shell.tsx'

const list: PageHandler = async (c) => {
  const url = urlOf(c)
  const asked = await c.get('desk').ask<Paged<'acts', Act, number>>(`/audit${url.search}`)
  if (!asked.ok) return trouble(c, 'Audit', asked)
  const { acts, next } = asked.value
  return show(
    c,
    'Audit',
    <>
      <Head title="Audit" asOf={asked.at} sources={['live']} />
      <PageSection
        title="All acts"
        id="all"
        note="An act is noted before it is done, and its result after it."
      >
        <Table
          caption="Acts, the oldest first"
          rows={acts}
          empty={{ what: 'No act yet. Each change that an operator makes appears here.' }}
          columns={[
            { title: 'Act', cell: ({ seq, what }) => <span id={`act-${seq}`}>{`${seq} ${what}`}</span> },
            { title: 'Time', cell: ({ at }) => <Time at={at} /> },
            { title: 'Who', cell: ({ who }) => who },
            { title: 'Subject', cell: ({ subject }) => <code>{subject}</code> },
            {
              title: 'Changed',
              kind: 'full',
              cell: ({ before, after }) => <Changed before={before} after={after} />,
            },
          ]}
        />
        <More url={url} next={next} />
      </PageSection>
    </>,
  )
}

function Changed({ before, after }: Pick<Act, 'before' | 'after'>) {
  return (
    <details>
      <summary>Before and after</summary>
      {before && <pre class="code">{JSON.stringify(before, null, 2)}</pre>}
      {after && <pre class="code">{JSON.stringify(after, null, 2)}</pre>}
    </details>
  )
}

/** The page of the audit log. */
export const auditPages: Routes = [{ path: '/audit', get: list }]
