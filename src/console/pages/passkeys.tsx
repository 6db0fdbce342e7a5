/** The passkeys of the member that is signed in, one for each device. Adding or removing one needs a fresh proof. */
import type { Context } from 'hono'
import type { OwnPasskeys, PasskeyRefusal } from '../../people/console-call.ts'
import { isDeviceName, MAX_PASSKEYS } from '../../people/passkeys.ts'
import { orOld } from '../edge.ts'
import { PasskeyForm } from '../parts/credential.tsx'
import { Time } from '../parts/figures.tsx'
import { Field, typedIn } from '../parts/form.tsx'
import { Head, PageSection, Trouble } from '../parts/page.tsx'
import { Table } from '../parts/table.tsx'
import { creationOptions, readRegistration } from '../passkey.ts'
import { askProof } from '../proof.tsx'
import { type ConsoleEnv, type PageHandler, type Routes, show, urlOf } from '../shell.tsx'

const SETTINGS = { href: '/settings', title: 'Settings' }

/** Reads them; null for the bearer of the operator's token, and at an edge Worker that is one version behind. */
export function ownPasskeys(c: Context<ConsoleEnv>): Promise<OwnPasskeys | null> {
  const { session } = c.get('desk')
  return orOld(
    () => c.env.EDGE.passkeys(session),
    async () => null,
  )
}

/** The list of them, and the form for another one. */
export function PasskeyList({ of: { passkeys }, formToken }: { of: OwnPasskeys; formToken: string }) {
  return (
    <PageSection
      title="Passkeys"
      id="passkeys"
      note="One for each device. Keep two, for the day that one is lost."
    >
      <Table
        caption="Your passkeys, the oldest first"
        rows={passkeys}
        empty={{ what: 'No passkey yet. With one you can sign in, and show who you are.' }}
        columns={[
          { title: 'Device', cell: ({ name }) => <bdi>{name || 'Without a name'}</bdi> },
          { title: 'Added', cell: ({ madeAt }) => <Time at={madeAt} /> },
          { title: 'Last used', cell: ({ usedAt }) => (usedAt === null ? 'Never' : <Time at={usedAt} />) },
          {
            title: 'Remove',
            kind: 'acts',
            isHidden: true,
            cell: ({ id, name }) => (
              <form method="post" action={`/settings/passkeys/${id}/remove`}>
                <input type="hidden" name="form" value={formToken} />
                <button
                  class="btn sm"
                  type="submit"
                  aria-label={`Remove the passkey ${name || 'without a name'}`}
                >
                  Remove
                </button>
              </form>
            ),
          },
        ]}
      />
      <form class="form gap" method="post" action="/settings/passkeys/new">
        <input type="hidden" name="form" value={formToken} />
        <Field name="name" label="Another device" hint="Its name in this list, such as Laptop" required />
        <div>
          <button class="btn" type="submit">
            Add a passkey…
          </button>
        </div>
      </form>
    </PageSection>
  )
}

/** Asks the browser for a passkey, once the member has shown who it is. */
const begin: PageHandler = async (c) => {
  const own = await ownPasskeys(c)
  if (!own) return refused(c, 'unknown')
  const name = (typedIn(await c.req.parseBody()).name ?? '').trim()
  // Trap: a device keeps a passkey that is refused afterwards. So its name and number are checked before it is made.
  if (own.passkeys.length >= MAX_PASSKEYS) return refused(c, 'too_many')
  if (!isDeviceName(name)) return refused(c, 'invalid')
  return own.challenge === null ? askProof(c) : creation(c, own, own.challenge, name)
}

function creation(
  c: Context<ConsoleEnv>,
  { member, passkeys }: OwnPasskeys,
  challenge: string,
  name: string,
) {
  const known = passkeys.map(({ id }) => id)
  return show(
    c,
    'Add a passkey',
    <>
      <Head title="Add a passkey" above={SETTINGS} />
      <PageSection title={name} id="add" note="You have five minutes.">
        <p>The browser makes it on this device, or on one that it can reach.</p>
        <PasskeyForm
          action="/settings/passkeys"
          title="Make a passkey"
          options={creationOptions(member, challenge, urlOf(c).origin, known)}
          isNew
        >
          <input type="hidden" name="form" value={c.get('desk').formToken} />
          <input type="hidden" name="name" value={name} />
        </PasskeyForm>
      </PageSection>
    </>,
  )
}

const add: PageHandler = async (c) => {
  const { name = '', credential = '' } = typedIn(await c.req.parseBody())
  const registration = await readRegistration(credential, urlOf(c).origin)
  if (!registration) return refused(c, 'invalid')
  const refusal = await c.env.EDGE.addPasskey(c.get('desk').session, registration, name.trim())
  return refusal === null ? c.redirect('/settings#passkeys', 303) : refused(c, refusal)
}

const remove: PageHandler = async (c) => {
  const refusal = await c.env.EDGE.removePasskey(c.get('desk').session, c.req.param('id') ?? '')
  if (refusal === 'proof_required') return askProof(c)
  return refusal === null ? c.redirect('/settings#passkeys', 303) : refused(c, refusal)
}

const REFUSALS: Readonly<Record<PasskeyRefusal, readonly [title: string, detail: string, 400 | 404 | 409]>> =
  {
    proof_required: ['Too late', 'The proof has ended. Begin again in the settings.', 409],
    invalid: [
      'Not added',
      'The device must give a new passkey, and its name must be one line of 1 to 60 characters. Begin again.',
      400,
    ],
    last: [
      'Not removed',
      'It is your last passkey. Add another one first, or ask the owner for an invitation.',
      409,
    ],
    too_many: ['Not added', 'You have ten passkeys, which is the most. Remove one first.', 409],
    unknown: [
      'Not found',
      'The passkey must be one of yours, and you must be a member. Load the settings again.',
      404,
    ],
  }

function refused(c: Context<ConsoleEnv>, refusal: PasskeyRefusal): Promise<Response> {
  const [title, detail, status] = REFUSALS[refusal]
  return show(
    c,
    title,
    <>
      <Head title="Passkeys" above={SETTINGS} />
      <Trouble problem={{ title, detail, code: refusal }} />
    </>,
    status,
  )
}

/** The forms of passkeys. They stand on the page of settings. */
export const passkeyPages: Routes = [
  { path: '/settings/passkeys', post: add },
  { path: '/settings/passkeys/new', post: begin },
  { path: '/settings/passkeys/:id/remove', post: remove },
]
