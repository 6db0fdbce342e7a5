/** Publishers: whose sites they are, and where their money goes. */
import type { Context } from 'hono'
import { may } from '../../people/principal.ts'
import { carryOut } from '../acting.tsx'
import type { Problem, PublisherBody as Publisher } from '../answers.ts'
import { rowsAt, sortedHere } from '../list.ts'
import { ActForm, Field, filled, type Typed } from '../parts/form.tsx'
import { type ListSpec, listPage } from '../parts/list.tsx'
import { FactList, Head, PageSection, Trouble } from '../parts/page.tsx'
import { Table } from '../parts/table.tsx'
import { type ConsoleEnv, type PageHandler, type Routes, show, trouble } from '../shell.tsx'

const COLUMNS: ListSpec<Publisher>['columns'] = [
  {
    title: 'Publisher',
    key: 'name',
    sort: 'up',
    value: ({ name }) => name,
    cell: ({ id, name }) => <a href={`/publishers/${id}`}>{name}</a>,
  },
  {
    title: 'Country',
    key: 'country',
    sort: 'up',
    value: ({ country }) => country,
    cell: ({ country }) => country ?? '',
  },
  {
    title: 'Receiver',
    key: 'receiver',
    kind: 'full',
    value: ({ receiver }) => receiver,
    cell: ({ receiver }) => (receiver ? <code>{receiver}</code> : 'The operator’s wallet'),
  },
  {
    title: 'Contacts',
    key: 'contacts',
    isFileOnly: true,
    value: ({ contacts }) => contacts.join(' '),
    cell: () => '',
  },
  { title: 'Tax id', key: 'tax_id', isFileOnly: true, value: ({ taxId }) => taxId, cell: () => '' },
  {
    title: 'Id',
    key: 'id',
    sort: 'up',
    kind: 'lead',
    value: ({ id }) => id,
    cell: ({ id }) => <code>{id}</code>,
  },
]
const FILTERS = [{ name: 'text', label: 'Find', hint: 'Name, id or receiver' }] as const

const LIST: ListSpec<Publisher> = {
  title: 'Publishers',
  heading: 'All publishers',
  caption: 'Publishers',
  sources: ['live'],
  filters: FILTERS,
  sort: 'name',
  read: sortedHere(COLUMNS, FILTERS, rowsAt('/publishers', 'publishers')),
  empty: { what: 'No publisher yet.' },
  add: {
    right: 'publishers.write',
    href: '/publishers/new',
    title: 'New publisher',
    first: 'Add the first one',
  },
  absent: (
    <p>This deployment serves one site of your own. docs/sites.md says how to serve many publishers.</p>
  ),
  idOf: ({ id }) => `publisher-${id}`,
  columns: COLUMNS,
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
  const acted = await carryOut(c, '/publishers', (typed) => ({
    path: '/publishers',
    body: documentOf(typed),
  }))
  if ('answer' in acted) return acted.answer
  return show(c, 'New publisher', <Editor c={c} typed={acted.typed} problem={acted.problem} />, 400)
}

const one: PageHandler = async (c) => {
  const { ask } = c.get('desk')
  const path = `/publishers/${encodeURIComponent(c.req.param('id') ?? '')}`
  const asked = await ask<Publisher>(path)
  if (!asked.ok) return trouble(c, 'Publisher', asked)
  const publisher = asked.value
  if (c.req.method !== 'POST')
    return show(c, publisher.name, <Editor c={c} of={publisher} typed={typedOf(publisher)} at={asked.at} />)
  const acted = await carryOut(c, path, (typed) => {
    const { id: _, ...document } = documentOf({ ...typed, id: publisher.id }) as { id?: string }
    return { method: 'PATCH', path, body: document, revision: Number(typed.revision) }
  })
  if ('answer' in acted) return acted.answer
  const { typed, problem, status } = acted
  return show(c, publisher.name, <Editor c={c} of={publisher} typed={typed} problem={problem} />, status)
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

type EditorProps = { c: Context<ConsoleEnv>; of?: Publisher; typed: Typed; problem?: Problem; at?: number }

function Editor({ c, of, typed, problem, at: asOf }: EditorProps) {
  const at = { typed, problem }
  const { who } = c.get('desk')
  return (
    <>
      <Head
        title={of?.name ?? 'New publisher'}
        above={{ href: '/publishers', title: 'Publishers' }}
        {...(asOf !== undefined && { asOf, sources: ['live'] as const })}
      />
      {problem && <Trouble problem={problem} />}
      {of && (
        <PageSection title="Sites" id="sites">
          <Table
            caption="Sites of the publisher"
            rows={of.sites ?? []}
            empty={{
              what: 'No site yet.',
              next: may(who, 'sites.write') && <a href="/sites/new">Add a site</a>,
            }}
            columns={[{ title: 'Site', cell: (id) => <a href={`/sites/${id}`}>{id}</a> }]}
          />
        </PageSection>
      )}
      <PageSection title="Who it is" id="who">
        {of && !may(who, 'publishers.write') ? <Facts of={of} /> : <PublisherForm c={c} of={of} {...at} />}
      </PageSection>
    </>
  )
}

/** The publisher for those who may not change it. */
function Facts({ of: { id, name, contacts, country, taxId, receiver } }: { of: Publisher }) {
  return (
    <FactList
      of={[
        ['Id', <code>{id}</code>],
        ['Name', <bdi>{name}</bdi>],
        ['E-mail addresses', contacts.join(', ') || '—'],
        ['Country', country ?? '—'],
        ['Tax id', taxId ?? '—'],
        ['Receiver', receiver ? <code>{receiver}</code> : 'The operator’s wallet'],
      ]}
    />
  )
}

type FormProps = {
  c: Context<ConsoleEnv>
  of: Publisher | undefined
  typed: Typed
  problem?: Problem | undefined
}

function PublisherForm({ c, of, ...at }: FormProps) {
  return (
    <ActForm
      action={of ? `/publishers/${of.id}` : '/publishers/new'}
      formToken={c.get('desk').formToken}
      title={of ? 'Save' : 'Add this publisher'}
      isMain
    >
      {of ? (
        <input type="hidden" name="revision" value={String(of.revision)} />
      ) : (
        <Field name="id" label="Id" hint="Letters, digits and dashes. It never changes." required {...at} />
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
  )
}

/** The pages of publishers. */
export const publisherPages: Routes = [
  { path: '/publishers', get: listPage(LIST) },
  { path: '/publishers/new', right: 'publishers.write', get: create, post: create },
  { path: '/publishers/:id', get: one, post: one },
]
