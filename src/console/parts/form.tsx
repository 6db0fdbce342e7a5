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
  hint?: string
  type?: 'text' | 'email' | 'url'
  required?: boolean
  choices?: readonly (readonly [value: string, title: string])[]
}

/** One field. The fault that the API stated about it stands below. */
export function Field({
  name,
  id = name,
  label,
  typed,
  problem,
  at = name,
  hint,
  type = 'text',
  required,
  choices,
}: FieldProps) {
  const fault = problem?.errors?.find(({ path }) => path === at)
  const note = fault ? `${id}-fault` : hint ? `${id}-hint` : undefined
  const common = {
    name,
    id,
    required,
    'aria-describedby': note,
    'aria-invalid': fault ? true : undefined,
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
      ) : (
        <input {...common} type={type} value={value} autocomplete="off" />
      )}
      {fault ? (
        <p class="bad" id={`${id}-fault`}>{`${label} ${fault.message}: ${fault.expected}`}</p>
      ) : (
        hint && (
          <p class="soft" id={`${id}-hint`}>
            {hint}
          </p>
        )
      )}
    </div>
  )
}

type ActProps = { action: string; formToken: string; title: string; isMain?: boolean; children?: Child }

/** A form with one button, and a key that makes it happen once. `title` says what it does, with the amount and the name where it moves money. */
export function ActForm({ action, formToken, title, isMain = false, children }: ActProps) {
  return (
    <form class="form" method="post" action={action}>
      <input type="hidden" name="form" value={formToken} />
      <input type="hidden" name="key" value={crypto.randomUUID()} />
      {children}
      <div>
        <button class={isMain ? 'btn go' : 'btn'} type="submit">
          {title}
        </button>
      </div>
    </form>
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
