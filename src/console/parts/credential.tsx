/** The proof of who signs in: the operator's token in a field, or a passkey that the browser is asked for. */
import type { Child } from 'hono/jsx'

/** The field of the operator's token. */
export function TokenField({ name, isWrong }: { name: string; isWrong: boolean }) {
  return (
    <div>
      <label for={name}>The operator’s token</label>
      <input
        type="password"
        name={name}
        id={name}
        autocomplete="current-password"
        required
        aria-invalid={isWrong || undefined}
        aria-describedby={isWrong ? 'wrong' : undefined}
      />
      {isWrong && (
        <p class="bad" id="wrong" role="alert">
          This token must be the one whose SHA-256 is OPERATOR_TOKEN_SHA256 of the edge Worker.
        </p>
      )}
    </div>
  )
}

type PasskeyFormProps = {
  action: string
  title: string
  /** The options of the browser's call, as JSON. */
  options: object
  /** A passkey is made, and not asked for. */
  isNew?: boolean
  isWrong?: boolean
  children?: Child
}

/** A form that the browser's passkey is sent with. It is the one form that needs JavaScript. */
export function PasskeyForm({ action, title, options, isNew, isWrong, children }: PasskeyFormProps) {
  return (
    <form
      class="form"
      method="post"
      action={action}
      data-passkey={isNew ? 'new' : 'known'}
      data-options={JSON.stringify(options)}
    >
      {children}
      <input type="hidden" name="credential" value="" />
      <p class="bad" role="alert">
        {isWrong && 'This passkey was not accepted. Ask the operator for a new invitation if it is lost.'}
      </p>
      <div>
        <button class="btn go" type="submit">
          {title}
        </button>
      </div>
      <noscript>
        <p class="soft">Browsers give a passkey to pages with JavaScript alone.</p>
      </noscript>
    </form>
  )
}
