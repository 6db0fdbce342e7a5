/** People: members with their roles, and the invitations that give them a passkey. */
import type { Context } from 'hono'
import type { Invited, MemberView, TeamMember } from '../../people/member.ts'
import { may, ROLES } from '../../people/principal.ts'
import type { Problem } from '../answers.ts'
import { Badge } from '../parts/badges.tsx'
import { Time } from '../parts/figures.tsx'
import { ActForm, Field, type Typed, typedIn } from '../parts/form.tsx'
import { Head, PageSection, Trouble } from '../parts/page.tsx'
import { Table } from '../parts/table.tsx'
import { type ConsoleEnv, type PageHandler, type Routes, show, trouble } from '../shell.tsx'

const list: PageHandler = async (c) => {
  const { ask, who } = c.get('desk')
  const asked = await ask<{ members: MemberView[] }>('/people')
  if (!asked.ok) return trouble(c, 'People', asked)
  const isOwner = may(who, 'people.write')
  const invite = (
    <a class="btn go" href="/people/new">
      Invite somebody
    </a>
  )
  return show(
    c,
    'People',
    <>
      <Head title="People" asOf={asked.at} sources={['live']}>
        {isOwner && invite}
      </Head>
      <PageSection title="Members" id="members" note="The bearer of the operator’s token is the owner too.">
        <Table
          caption="Members in order of name"
          rows={asked.value.members}
          empty={{
            what: 'No member yet. Those whom you invite appear here, with their role.',
            next: isOwner && invite,
          }}
          columns={[
            {
              title: 'Name',
              cell: ({ id, name }) => (
                <a href={`/people/${id}`}>
                  <bdi>{name}</bdi>
                </a>
              ),
            },
            { title: 'Role', cell: ({ role }) => role },
            { title: 'Publisher', cell: ({ publisher }) => publisher ?? 'All' },
            { title: 'State', cell: (member) => <State of={member} /> },
            { title: 'Passkeys', kind: 'n', cell: ({ passkeys }) => passkeys },
            {
              title: 'Last used',
              cell: ({ usedAt }) => (usedAt === null ? 'Never' : <Time at={usedAt} />),
            },
          ]}
        />
      </PageSection>
    </>,
  )
}

function State({ of: { passkeyAt, invitedUntil } }: { of: MemberView }) {
  if (invitedUntil !== null) return <Badge mood="warn">Invited</Badge>
  return passkeyAt === null ? <Badge mood="bad">No passkey</Badge> : <Badge mood="good">Active</Badge>
}

const create: PageHandler = async (c) => {
  if (c.req.method !== 'POST')
    return show(c, 'Invite somebody', <Editor c={c} typed={{ role: 'accountant' }} />)
  const typed = typedIn(await c.req.parseBody())
  const order = { method: 'POST', body: JSON.stringify(draftOf(typed)) } as const
  const asked = await c.get('desk').ask<Invited>('/people', order)
  if (asked.ok) return invited(c, asked.value)
  return show(c, 'Invite somebody', <Editor c={c} typed={typed} problem={asked.problem} />, 400)
}

const one: PageHandler = async (c) => {
  const { ask } = c.get('desk')
  const id = c.req.param('id') ?? ''
  const asked = await ask<{ members: MemberView[] }>('/people')
  if (!asked.ok) return trouble(c, 'Member', asked)
  const member = asked.value.members.find((one) => one.id === id)
  if (!member) return trouble(c, 'Member', { ok: false, status: 404, problem: UNKNOWN })
  if (c.req.method !== 'POST')
    return show(c, member.name, <Editor c={c} of={member} typed={typedOf(member)} />)
  const typed = typedIn(await c.req.parseBody())
  const order = { method: 'PATCH', body: JSON.stringify(draftOf(typed)) } as const
  const changed = await ask<{ member: TeamMember }>(`/people/${id}`, order)
  if (changed.ok) return c.redirect(`/people/${id}`, 303)
  return show(c, member.name, <Editor c={c} of={member} typed={typed} problem={changed.problem} />, 400)
}

const UNKNOWN: Problem = {
  title: 'Not found',
  detail: 'This member was removed, or never was.',
  code: 'not_found',
}

const again: PageHandler = async (c) => {
  const id = encodeURIComponent(c.req.param('id') ?? '')
  const asked = await c.get('desk').ask<Invited>(`/people/${id}/invitation`, { method: 'POST' })
  return asked.ok ? invited(c, asked.value) : trouble(c, 'Invitation', asked)
}

const remove: PageHandler = async (c) => {
  const id = encodeURIComponent(c.req.param('id') ?? '')
  const asked = await c.get('desk').ask(`/people/${id}`, { method: 'DELETE' })
  return asked.ok ? c.redirect('/people', 303) : trouble(c, 'Member', asked)
}

/** The address of an invitation, which is shown once. */
function invited(c: Context<ConsoleEnv>, { member, invitation, endsAt }: Invited) {
  const address = new URL(`/invitation?code=${invitation}`, c.req.url).href
  return show(
    c,
    'Invitation',
    <>
      <Head title="Invitation" above={{ href: '/people', title: 'People' }} />
      <PageSection title="Send it now" id="address" note="It is shown once.">
        <p>
          Send this address to <bdi>{member.name}</bdi> over a channel that is private to both of you. It
          works once, until <Time at={endsAt} />.
        </p>
        <pre class="code">{address}</pre>
        <p>
          <a href="/people">Back to people</a>
        </p>
      </PageSection>
    </>,
    201,
  )
}

function draftOf({ name = '', email = '', role = '', publisher = '' }: Typed) {
  return {
    name: name.trim(),
    email: email.trim() || null,
    role,
    publisher: publisher.trim() || null,
  }
}

function typedOf({ name, email, role, publisher }: TeamMember): Typed {
  return { name, email: email ?? '', role, publisher: publisher ?? '' }
}

type EditorProps = { c: Context<ConsoleEnv>; of?: MemberView; typed: Typed; problem?: Problem }

function Editor({ c, of, typed, problem }: EditorProps) {
  const at = { typed, problem }
  const { formToken, who } = c.get('desk')
  const isOwner = may(who, 'people.write')
  return (
    <>
      <Head
        title={of?.name ?? 'Invite somebody'}
        above={{ href: '/people', title: 'People' }}
        meta={
          of && (
            <>
              <State of={of} />
              <span>
                Since <Time at={of.createdAt} />
              </span>
            </>
          )
        }
      />
      {problem && <Trouble problem={problem} />}
      {isOwner && (
        <PageSection title="Who it is" id="who">
          <ActForm
            action={of ? `/people/${of.id}` : '/people/new'}
            formToken={formToken}
            title={of ? `Save ${of.name}` : 'Make an invitation'}
            isMain
          >
            <Field name="name" label="Name" required {...at} />
            <Field
              name="email"
              label="E-mail address"
              type="email"
              hint="Cloudflare Access finds the member by it"
              {...at}
            />
            <Field name="role" label="Role" choices={ROLES.map((role) => [role, ROLE_NAMES[role]])} {...at} />
            <Field
              name="publisher"
              label="Publisher"
              hint="The id, for the two roles of publishers"
              {...at}
            />
          </ActForm>
        </PageSection>
      )}
      {of && isOwner && (
        <PageSection title="Way in" id="way">
          <ActForm
            action={`/people/${of.id}/invitation`}
            formToken={formToken}
            title={`Invite ${of.name} again`}
          >
            <p>For lost passkeys: the new one replaces all of them when the invitation is used.</p>
          </ActForm>
          <ActForm action={`/people/${of.id}/remove`} formToken={formToken} title={`Remove ${of.name}`}>
            <p>Ends its passkeys, its sessions and its API tokens at once.</p>
          </ActForm>
        </PageSection>
      )}
    </>
  )
}

const ROLE_NAMES: Readonly<Record<(typeof ROLES)[number], string>> = {
  owner: 'Owner: everything, people too',
  operator: 'Operator: everything but people',
  finance: 'Finance: reads and moves money',
  accountant: 'Accountant: reads and exports money',
  'publisher-admin': 'Publisher, admin: own sites and their policy',
  'publisher-viewer': 'Publisher, viewer: own sites',
}

/** The pages of people. */
export const peoplePages: Routes = [
  { path: '/people', get: list },
  { path: '/people/new', right: 'people.write', get: create, post: create },
  { path: '/people/:id', get: one, post: one },
  { path: '/people/:id/invitation', post: again },
  { path: '/people/:id/remove', post: remove },
]
