/** Forms: fields with their labels and faults, and the act that a button carries out. */
import type { Child } from 'hono/jsx'
import type { Problem } from '../answers.ts'

/** The values of a form as they were typed, so that a page can show them again. */
export type Typed = Readonly<Record<string, string>>

type FieldProps = {
  name: string
  /** Where two forms of a page have a field of this name. */
  id?: string
  label: string
  typed?: Typed | undefined
  problem?: Problem | undefined
  /** Where the API names this field otherwise, such as `buyer.country`. */
  at?: string
  /** The fault to show, where the page knows it better than `problem` does. */
  fault?: string | undefined
  hint?: string
  type?: 'text' | 'email' | 'url'
  required?: boolean
  choices?: readonly (readonly [value: string, title: string])[]
  /** A field of so many lines. */
  rows?: number
}

/**
 * One field, with the fault that the API found below it. Where the form is checked while it is typed, the script writes the fault
 * there.
 */
export function Field({
  name,
  id = name,
  label,
  typed,
  problem,
  at = name,
  fault,
  hint,
  ...kind
}: FieldProps) {
  const { type = 'text', required, choices, rows } = kind
  const stated = problem?.errors?.find(({ path }) => path === at)
  const wrong = fault ?? (stated && `${label} ${stated.message}: ${stated.expected}`)
  const common = {
    name,
    id,
    required,
    'aria-describedby': `${id}-fault${hint ? ` ${id}-hint` : ''}`,
    'aria-invalid': wrong ? true : undefined,
  }
  const value = typed?.[name] ?? ''
  return (
    <div>
      <label for={id}>{label}</label>
      {choices ? (
        <select {...common}>
          {choices.map(([choice, title]) => (
            <option value={choice} selected={choice === value}>
              {title}
            </option>
          ))}
        </select>
      ) : rows !== undefined ? (
        // A browser drops the first line break of a text area.
        <textarea {...common} rows={rows} spellcheck={false}>{`\n${value}`}</textarea>
      ) : (
        <input {...common} type={type} value={value} autocomplete="off" />
      )}
      <p class="bad" id={`${id}-fault`} data-fault={name} aria-live="polite">
        {wrong}
      </p>
      {hint && (
        <p class="soft" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}

type ActProps = {
  action: string
  formToken: string
  title: string
  isMain?: boolean
  /** Where the form is checked while it is typed. It answers with the faults by field. */
  check?: string
  /** Buttons beside the one of `title`. */
  more?: Child
  children?: Child
}

/** A form with one button, and a key that makes it happen once. `title` says what it does, with the amount and the name where it moves money. */
export function ActForm({ action, formToken, title, isMain = false, check, more, children }: ActProps) {
  return (
    <form class="form" method="post" action={action} data-check={check}>
      <input type="hidden" name="form" value={formToken} />
      <input type="hidden" name="key" value={crypto.randomUUID()} />
      {children}
      <div>
        <button class={isMain ? 'btn go' : 'btn'} type="submit">
          {title}
        </button>
        {more && <> {more}</>}
      </div>
    </form>
  )
}

type RowActProps = { action: string; formToken: string; title: string; label: string }

/** The button of a row, as a form of its own. `label`: the title with the name of the row. */
export function RowAct({ action, formToken, title, label }: RowActProps) {
  return (
    <form method="post" action={action}>
      <input type="hidden" name="form" value={formToken} />
      <button class="btn sm" type="submit" aria-label={label}>
        {title}
      </button>
    </form>
  )
}

/** Fields that people do not type. */
const UNTYPED: ReadonlySet<string> = new Set(['form', 'base', 'revision', 'kind', 'at', 'act'])

/** A form that was not sent on, with all its fields, so that nothing must be typed again. */
export function Kept({ action, typed }: { action: string; typed: Typed }) {
  const fields = Object.entries(typed)
  return (
    <>
      <h1>The edge Worker does not answer</h1>
      <p>Nothing was changed, and what you typed is kept on this page. Wait a moment, then send it again.</p>
      <form class="form" method="post" action={action}>
        {fields.map(([name, value]) =>
          UNTYPED.has(name) || value === '' ? (
            <input type="hidden" name={name} value={value} />
          ) : (
            <div>
              <label for={name}>{name}</label>
              <textarea id={name} name={name} rows={value.includes('\n') ? 12 : 1} spellcheck={false}>
                {`\n${value}`}
              </textarea>
            </div>
          ),
        )}
        <div>
          <button class="btn go" type="submit">
            Send it again
          </button>
        </div>
      </form>
    </>
  )
}

/** The text fields of a form that was sent. Files and repeated fields are left out. */
export function typedIn(body: Readonly<Record<string, unknown>>): Typed {
  return Object.fromEntries(
    Object.entries(body).filter((field): field is [string, string] => typeof field[1] === 'string'),
  )
}

/** The fields that were filled in, trimmed. */
export function filled(typed: Typed, ...names: string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => (typed[name]?.trim() ? [[name, typed[name].trim()]] : [])),
  )
}
