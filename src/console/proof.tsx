/** Proves once more who has this session: acts on people, tokens and receivers ask for the token or the passkey again. */
import type { Context } from 'hono'
import { orOld } from './edge.ts'
import { PasskeyForm, TokenField } from './parts/credential.tsx'
import type { Typed } from './parts/form.tsx'
import { Head, PageSection } from './parts/page.tsx'
import { readAssertion, requestOptions } from './passkey.ts'
import { type ConsoleEnv, show } from './shell.tsx'

/** The fields of a proof in a form that is sent again. */
const PROOF_FIELDS = ['proof-token', 'credential', 'proof-asked']

/** Gives the edge Worker the proof in a form, where it has one. Returns the answer to a wrong one, else null. */
export async function takeProof(c: Context<ConsoleEnv>, typed: Typed): Promise<Response | null> {
  const { 'proof-token': token, credential } = typed
  const isProof = 'proof-asked' in typed
  if (!isProof) return null
  const assertion = readAssertion(credential ?? '')
  const proof = assertion ? { assertion } : { token: (token ?? '').trim() }
  const isProven = await c.env.EDGE.stepUp(c.get('desk').session, proof)
  return isProven ? null : askProof(c, true)
}

/** Asks for a proof, and keeps the form that needs it: with the proof it goes on. */
export async function askProof(c: Context<ConsoleEnv>, isWrong = false): Promise<Response> {
  const { pathname, origin } = new URL(c.req.url)
  const door = await orOld(
    () => c.env.EDGE.door(c.get('desk').session),
    async () => null,
  )
  // A field may be there more than once.
  const kept = [...(await c.req.formData())].filter(([name]) => !PROOF_FIELDS.includes(name))
  const hidden = [...kept, ['proof-asked', 'yes'] as const].map(([name, value]) => (
    <input type="hidden" name={name} value={String(value)} />
  ))
  return show(
    c,
    'Show who you are',
    <>
      <Head title="Show who you are" />
      <PageSection title="Once more" id="proof" note="It counts for five minutes.">
        <p>Nothing has changed yet. The form that you sent is kept, and goes on after the proof.</p>
        {door?.takesToken ? (
          <form class="form" method="post" action={pathname}>
            {hidden}
            <TokenField name="proof-token" isWrong={isWrong} />
            <div>
              <button class="btn go" type="submit">
                Go on
              </button>
            </div>
          </form>
        ) : (
          <PasskeyForm
            action={pathname}
            title="Go on with your passkey"
            options={requestOptions(door?.challenge ?? '', origin)}
            isWrong={isWrong}
          >
            {hidden}
          </PasskeyForm>
        )}
      </PageSection>
    </>,
    403,
  )
}
