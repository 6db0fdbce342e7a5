/** API tokens: what programs act with, in the name of the one who made them. */
import type { Context } from 'hono'
import type { TokenView } from '../../people/member.ts'
import { may, RIGHTS } from '../../people/principal.ts'
import type { Problem } from '../answers.ts'
import { Time } from '../parts/figures.tsx'
import { ActForm, Field, RowAct, type Typed, typedIn } from '../parts/form.tsx'
import { Head, PageSection, Trouble } from '../parts/page.tsx'
import { RIGHT_NAMES, rightsText } from '../parts/rights.ts'
import { Table } from '../parts/table.tsx'
import { type ConsoleEnv, type PageHandler, type Routes, show, trouble } from '../shell.tsx'

const list: PageHandler = async (c) => {
  const { ask, formToken } = c.get('desk')
  const asked = await ask<{ tokens: TokenView[] }>('/tokens')
  if (!asked.ok) return trouble(c, 'API tokens', asked)
  const make = (
    <a class="btn go" href="/tokens/new">
      Make a token
    </a>
  )
  return show(
    c,
    'API tokens',
    <>
      <Head title="API tokens" asOf={asked.at} sources={['live']}>
        {make}
      </Head>
      <PageSection title="Tokens" id="tokens" note="A token acts for its owner, with some of its rights.">
        <Table
          caption="API tokens, the latest first"
          rows={asked.value.tokens}
          empty={{ what: 'No API token yet. Programs that read or act for you appear here.', next: make }}
          columns={[
            { title: 'Name', cell: ({ name }) => <bdi>{name}</bdi> },
            { title: 'Owner', cell: ({ owner }) => <bdi>{owner}</bdi> },
            { title: 'Rights', kind: 'full', cell: ({ scopes }) => rightsText(scopes) },
            { title: 'Ends', cell: ({ endsAt }) => <Time at={endsAt} /> },
            { title: 'Last used', cell: ({ usedAt }) => (usedAt === null ? 'Never' : <Time at={usedAt} />) },
            {
              title: 'End',
              kind: 'acts',
              isHidden: true,
              cell: ({ id, name }) => (
                <RowAct
                  action={`/tokens/${encodeURIComponent(id)}/end`}
                  formToken={formToken}
                  title="End"
                  label={`End the token ${name}`}
                />
              ),
            },
          ]}
        />
      </PageSection>
    </>,
  )
}

const create: PageHandler = async (c) => {
  if (c.req.method !== 'POST')
    return show(c, 'New API token', <Editor c={c} typed={{ days: '90' }} scopes={[]} />)
  const form = await c.req.parseBody({ all: true })
  const scopes = [form.scopes ?? []].flat().map(String)
  const typed = typedIn(await c.req.parseBody())
  const { name = '', days = '' } = typed
  const body = JSON.stringify({ name, scopes, days: /^\d{1,4}$/.test(days) ? Number(days) : days })
  const asked = await c.get('desk').ask<TokenView & { token: string }>('/tokens', { method: 'POST', body })
  if (asked.ok) return made(c, asked.value)
  return show(c, 'New API token', <Editor c={c} typed={typed} scopes={scopes} problem={asked.problem} />, 400)
}

const end: PageHandler = async (c) => {
  const id = encodeURIComponent(c.req.param('id') ?? '')
  const asked = await c.get('desk').ask(`/tokens/${id}`, { method: 'DELETE' })
  return asked.ok ? c.redirect('/tokens', 303) : trouble(c, 'API token', asked)
}

/** The token, which is shown once. */
function made(c: Context<ConsoleEnv>, { name, token, endsAt }: TokenView & { token: string }) {
  return show(
    c,
    'API token',
    <>
      <Head title="API token" above={{ href: '/tokens', title: 'API tokens' }} />
      <PageSection title="Copy it now" id="token" note="It is shown once.">
        <p>
          The token <bdi>{name}</bdi> ends <Time at={endsAt} />. Send it as the header{' '}
          <code>Authorization: Bearer …</code>.
        </p>
        <pre class="code">{token}</pre>
        <p>
          <a href="/tokens">Back to API tokens</a>
        </p>
      </PageSection>
    </>,
    201,
  )
}

type EditorProps = { c: Context<ConsoleEnv>; typed: Typed; scopes: readonly string[]; problem?: Problem }

function Editor({ c, typed, scopes, problem }: EditorProps) {
  const at = { typed, problem }
  const { formToken, who } = c.get('desk')
  const fault = problem?.errors?.find(({ path }) => path.startsWith('scopes'))
  return (
    <>
      <Head title="New API token" above={{ href: '/tokens', title: 'API tokens' }} />
      {problem && <Trouble problem={problem} />}
      <PageSection title="What it may do" id="what">
        <ActForm action="/tokens/new" formToken={formToken} title="Make this token" isMain>
          <Field name="name" label="Name" hint="What uses it" required {...at} />
          <Field name="days" label="Days until it ends" hint="1 to 366" required {...at} />
          <fieldset aria-describedby={fault && 'scopes-fault'}>
            <legend>It may</legend>
            {RIGHTS.filter((right) => may(who, right)).map((right) => (
              <label class="key">
                <input type="checkbox" name="scopes" value={right} checked={scopes.includes(right)} />
                {RIGHT_NAMES[right]}
              </label>
            ))}
            {fault && (
              <p class="bad" id="scopes-fault">
                {`Rights ${fault.message}`}
              </p>
            )}
          </fieldset>
        </ActForm>
      </PageSection>
    </>
  )
}

/** The pages of API tokens. */
export const tokenPages: Routes = [
  { path: '/tokens', get: list },
  { path: '/tokens/new', right: 'tokens.write', get: create, post: create },
  { path: '/tokens/:id/end', post: end },
]
