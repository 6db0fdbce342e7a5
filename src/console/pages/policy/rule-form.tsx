/** The form of one rule, and of what holds where no rule does. */
import type { Context } from 'hono'
import type { Problem } from '../../answers.ts'
import { ActForm, Field, type Typed } from '../../parts/form.tsx'
import { PageSection } from '../../parts/page.tsx'
import type { ConsoleEnv } from '../../shell.tsx'
import type { Faults } from './edits.ts'
import { BasedOn, type Editing } from './site.tsx'

/** A form that is open, and what was found wrong with it. */
export type Open = { typed: Typed; faults?: Faults; problem?: Problem }

const ACTIONS = [
  ['charge', 'Charge'],
  ['allow', 'Allow, free'],
  ['block', 'Block'],
] as const

const PRESETS = [
  ['', 'The deployment’s'],
  ['none', 'none'],
  ['publisher', 'publisher'],
  ['api', 'api'],
] as const

type FormProps = { c: Context<ConsoleEnv>; editing: Editing; open: Open }

/** The form of one rule, or of what holds where no rule does. It is checked while it is typed. */
export function OpenForm({ c, editing, open: { typed, faults = {} } }: FormProps) {
  const { id } = editing.site
  const { formToken } = c.get('desk')
  const at = (name: string) => ({ name, typed, fault: faults[name] })
  const isDefault = typed.kind === 'default'
  const isNew = typed.at === 'new'
  const title = isDefault ? 'Where no rule decides' : isNew ? 'New rule' : `Rule ${Number(typed.at) + 1}`
  return (
    <PageSection title={title} id="edit" note={<a href={`/policy/${id}`}>Close without saving</a>}>
      <ActForm
        action={`/policy/${id}`}
        check={`/policy/${id}/check`}
        formToken={formToken}
        title={isNew ? 'Add to the draft' : 'Save to the draft'}
        isMain
        more={
          !isDefault &&
          !isNew && (
            <button class="btn" type="submit" name="act" value={`remove ${typed.at}`}>
              {`Remove ${title.toLowerCase()}`}
            </button>
          )
        }
      >
        <BasedOn of={editing} />
        <input type="hidden" name="kind" value={typed.kind} />
        <input type="hidden" name="at" value={typed.at} />
        <p class="bad" data-fault="form" aria-live="polite">
          {faults.form}
        </p>
        {isDefault ? (
          <div class="pair">
            <Field {...at('PRICE')} label="Price of a page, USD" hint="Empty: the deployment’s PRICE" />
            <Field
              {...at('PRESET')}
              label="Preset"
              hint="Ready-made rules behind your own"
              choices={PRESETS}
            />
          </div>
        ) : (
          <RuleFields at={at} />
        )}
      </ActForm>
    </PageSection>
  )
}

function RuleFields({
  at,
}: {
  at: (name: string) => { name: string; typed: Typed; fault: string | undefined }
}) {
  return (
    <div class="pair">
      <Field {...at('action')} label="Action" choices={ACTIONS} />
      <Field
        {...at('price')}
        label="Price, USD"
        hint="For a charge. Empty: the price where no rule decides"
      />
      <Field {...at('path')} label="Path" hint="Such as /archive/*. Empty: every path" />
      <Field
        {...at('who')}
        label="Who"
        hint="crawlers, readers, everyone, search, training or GPTBot, with commas"
      />
      <Field {...at('schemes')} label="Offered" hint="channel, exact, credit. Empty: as for the site" />
      <Field
        {...at('more')}
        label="Further terms, as JSON"
        rows={2}
        hint={'Such as {"country": ["DE"], "query": "any"}'}
      />
    </div>
  )
}
