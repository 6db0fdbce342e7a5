/** Publishers: whose sites they are, and where their money goes. */
import type { Context } from 'hono'
import type { Paged, Problem, PublisherBody as Publisher } from '../answers.ts'
import { ActForm, Field, filled, type Typed, typedIn } from '../parts/form.tsx'
import { Head, PageSection, Trouble } from '../parts/page.tsx'
import { More, Table } from '../parts/table.tsx'
import { type ConsoleEnv, type PageHandler, type Routes, show, trouble, urlOf } from '../shell.tsx'

const list: PageHandler = async (c) => {
  const url = urlOf(c)
  const asked = await c.get('desk').ask<Paged<'publishers', Publisher>>(`/publishers${url.search}`)
  if (!asked.ok) {
    if (asked.status !== 404) return trouble(c, 'Publishers', asked)
    return show(
      c,
      'Publishers',
      <>
        <Head title="Publishers" />
        <p class="gap">
          This deployment serves one site of your own. docs/sites.md says how to serve many publishers.
        </p>
      </>,
    )
  }
  const { publishers, next } = asked.value
  return show(
    c,
    'Publishers',
    <>
      <Head title="Publishers" asOf={asked.at} sources={['live']}>
        <a class="btn go" href="/publishers/new">
          New publisher
        </a>
      </Head>
      <PageSection title="All publishers" id="all">
        <Table
          caption="Publishers by id"
          rows={publishers}
          empty={{ what: 'No publisher yet.', next: <a href="/publishers/new">Add the first one</a> }}
          columns={[
            { title: 'Publisher', cell: ({ id, name }) => <a href={`/publishers/${id}`}>{name}</a> },
            { title: 'Country', cell: ({ country }) => country },
            {
              title: 'Receiver',
              kind: 'full',
              cell: ({ receiver }) => (receiver ? <code>{receiver}</code> : 'The operator’s'),
            },
            { title: 'Id', kind: 'lead', cell: ({ id }) => <code>{id}</code> },
          ]}
        />
        <More url={url} next={next} />
      </PageSection>
    </>,
  )
}

/** The document that a form states. An empty field is null. */
function documentOf(typed: Typed) {
  const { contacts = '' } = typed
  const { country = null, taxId = null, receiver = null } = filled(typed, 'country', 'taxId', 'receiver')
  return {
    ...filled(typed, 'id', 'name'),
    contacts: contacts.split(/[\s,]+/).filter(Boolean),
    country,
    taxId,
    receiver,
  }
}

const create: PageHandler = async (c) => {
  if (c.req.method !== 'POST') return show(c, 'New publisher', <Editor c={c} typed={{}} />)
  const typed = typedIn(await c.req.parseBody())
  const order = { method: 'POST', body: JSON.stringify(documentOf(typed)) } as const
  const asked = await c.get('desk').ask<Publisher>('/publishers', order)
  if (asked.ok) return c.redirect(`/publishers/${asked.value.id}`, 303)
  return show(c, 'New publisher', <Editor c={c} typed={typed} problem={asked.problem} />, 400)
}

const one: PageHandler = async (c) => {
  const { ask } = c.get('desk')
  const id = encodeURIComponent(c.req.param('id') ?? '')
  const asked = await ask<Publisher>(`/publishers/${id}`)
  if (!asked.ok) return trouble(c, 'Publisher', asked)
  const publisher = asked.value
  if (c.req.method !== 'POST')
    return show(c, publisher.name, <Editor c={c} of={publisher} typed={typedOf(publisher)} />)
  const typed = typedIn(await c.req.parseBody())
  const { id: _, ...document } = documentOf({ ...typed, id: publisher.id }) as { id?: string }
  const order = { method: 'PATCH', body: JSON.stringify(document), revision: Number(typed.revision) } as const
  const changed = await ask<Publisher>(`/publishers/${id}`, order)
  if (changed.ok) return c.redirect(`/publishers/${id}`, 303)
  return show(c, publisher.name, <Editor c={c} of={publisher} typed={typed} problem={changed.problem} />, 409)
}

function typedOf({ name, contacts, country, taxId, receiver }: Publisher): Typed {
  return {
    name,
    contacts: contacts.join(' '),
    country: country ?? '',
    taxId: taxId ?? '',
    receiver: receiver ?? '',
  }
}

type EditorProps = { c: Context<ConsoleEnv>; of?: Publisher; typed: Typed; problem?: Problem }

function Editor({ c, of, typed, problem }: EditorProps) {
  const at = { typed, problem }
  const { formToken } = c.get('desk')
  return (
    <>
      <Head title={of?.name ?? 'New publisher'} above={{ href: '/publishers', title: 'Publishers' }} />
      {problem && <Trouble problem={problem} />}
      {of && (
        <PageSection title="Sites" id="sites">
          <Table
            caption="Sites of the publisher"
            rows={of.sites ?? []}
            empty={{ what: 'No site yet.', next: <a href="/sites/new">Add a site</a> }}
            columns={[{ title: 'Site', cell: (id) => <a href={`/sites/${id}`}>{id}</a> }]}
          />
        </PageSection>
      )}
      <PageSection title="Who it is" id="who">
        <ActForm
          action={of ? `/publishers/${of.id}` : '/publishers/new'}
          formToken={formToken}
          title={of ? 'Save' : 'Add this publisher'}
          isMain
        >
          {of ? (
            <input type="hidden" name="revision" value={String(of.revision)} />
          ) : (
            <Field
              name="id"
              label="Id"
              hint="Letters, digits and dashes. It never changes."
              required
              {...at}
            />
          )}
          <Field name="name" label="Name" required {...at} />
          <Field name="contacts" label="E-mail addresses" hint="One or more, with blanks between" {...at} />
          <Field name="country" label="Country" hint="Two letters, such as DE" {...at} />
          <Field name="taxId" label="Tax id" {...at} />
          <Field
            name="receiver"
            label="Receiver"
            hint="The wallet that its sites are paid to. Empty: the operator’s."
            {...at}
          />
        </ActForm>
      </PageSection>
    </>
  )
}

/** The pages of publishers. */
export const publisherPages: Routes = [
  { path: '/publishers', get: list },
  { path: '/publishers/new', get: create, post: create },
  { path: '/publishers/:id', get: one, post: one },
]
