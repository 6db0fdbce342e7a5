/** A line to copy. Without JavaScript it is selected by hand. */

/** `id` must be unique on the page. */
export function Copied({ id, text }: { id: string; text: string }) {
  return (
    <div class="copy">
      <pre class="code" id={id}>
        {text}
      </pre>
      <button class="btn sm" type="button" data-copy={id}>
        Copy
      </button>
    </div>
  )
}
