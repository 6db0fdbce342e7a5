/** A new site: its form, checked while it is typed, which makes a draft in shadow mode. */
import type { Context } from 'hono'
import type { Paged, Problem, PublisherBody as Publisher, SiteBody as Site } from '../../answers.ts'
import { ActForm, Field, filled, type Typed, typedIn } from '../../parts/form.tsx'
import { Head, Trouble } from '../../parts/page.tsx'
import { type ConsoleEnv, type PageHandler, show } from '../../shell.tsx'

const VIAS = [
  ['hostname', 'A custom hostname of your zone'],
  ['route', 'A route of a zone in your account'],
  ['bots-host', 'A host beside the site, for crawlers'],
] as const

/** The document that the form describes. It begins in shadow mode: everybody is served, and what would be asked is counted. */
function documentOf(typed: Typed): object {
  return {
    ...filled(typed, 'id', 'publisher', 'via'),
    hosts: (typed.hosts ?? '').split(/[\s,]+/).filter(Boolean),
    mode: 'shadow',
    terms: filled(typed, 'ORIGIN', 'PRICE'),
  }
}

/** The form of a new site, and its answer: the checks of the site that it made. */
export const newSite: PageHandler = async (c) => {
  const { ask } = c.get('desk')
  if (c.req.method !== 'POST') return page(c, { PRICE: '0.001' })
  const typed = typedIn(await c.req.parseBody())
  const order = { method: 'POST', body: JSON.stringify(documentOf(typed)) } as const
  const asked = await ask<Site>('/sites', order)
  if (asked.ok) return c.redirect(`/sites/${asked.value.id}/checks`, 303)
  const { problem, status } = asked
  return page(c, typed, problem, status === 400 || status === 409 ? status : 503)
}

/** The faults of the form while it is typed, as JSON by field. Nothing is saved. */
export const checkNew: PageHandler = async (c) => {
  const typed = typedIn(await c.req.parseBody())
  const order = { method: 'POST', body: JSON.stringify(documentOf(typed)) } as const
  const asked = await c.get('desk').ask('/sites/check', order)
  if (asked.ok) return c.json({ faults: {} })
  if (asked.status !== 400) return c.json({ faults: {} }, 503)
  // The fault of an empty field is left out: the person may not have come to it yet.
  const all = faultsOf(asked.problem).filter(([field]) => (typed[field] ?? '') !== '')
  return c.json({ faults: Object.fromEntries(all) })
}

function faultsOf({ errors = [] }: Problem): [field: string, fault: string][] {
  return errors.map(({ path, message, expected }) => {
    const [field = ''] = path.replace('terms.', '').split(/[.[]/)
    return [field, `${message}${expected === '' ? '' : `. Example: ${expected}`}`]
  })
}

async function page(
  c: Context<ConsoleEnv>,
  typed: Typed,
  problem?: Problem,
  status: 200 | 400 | 409 | 503 = 200,
): Promise<Response> {
  const asked = await c.get('desk').ask<Paged<'publishers', Publisher>>('/publishers?limit=500')
  const publishers = asked.ok ? asked.value.publishers : []
  const faults = new Map(problem ? faultsOf(problem) : [])
  const at = (name: string) => ({ name, typed, fault: faults.get(name) })
  const isElsewhere = problem && !FIELDS.some((field) => faults.has(field))
  return show(
    c,
    'New site',
    <>
      <Head title="New site" above={{ href: '/sites', title: 'Sites' }} />
      {asked.ok && publishers.length === 0 && (
        <p class="gap">
          A site belongs to a publisher. <a href="/publishers/new">Add a publisher</a> first.
        </p>
      )}
      {isElsewhere && <Trouble problem={problem} />}
      <ActForm
        action="/sites/new"
        check="/sites/new/check"
        formToken={c.get('desk').formToken}
        title="Add the site"
        isMain
      >
        <Field {...at('id')} label="Id" hint="Letters, digits and dashes. It never changes." required />
        <Field
          {...at('publisher')}
          label="Publisher"
          choices={publishers.map(({ id, name }) => [id, name] as const)}
        />
        <Field {...at('hosts')} label="Hosts" hint="One or more, with blanks between" required />
        <Field {...at('via')} label="Reached by" choices={VIAS} />
        <Field
          {...at('ORIGIN')}
          label="Origin"
          hint="The https URL of the publisher’s own server, or zone"
          required
        />
        <Field {...at('PRICE')} label="Price of a page, USD" required />
        <p class="soft">
          Nothing is served yet. The next page shows what to set in DNS, and checks it. The site begins in
          shadow mode: everybody is served, and you see for a day what crawlers would have been asked.
        </p>
      </ActForm>
    </>,
    status,
  )
}

const FIELDS = ['id', 'publisher', 'hosts', 'via', 'ORIGIN', 'PRICE']
