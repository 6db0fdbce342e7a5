/** The playground: loads the facts of the stack and shows the page. */
import { render } from 'hono/jsx/dom'
import { App } from './app.tsx'
import { keptKeys } from './keys.ts'
import { askFacts } from './server.ts'

const facts = await askFacts().catch((cause: unknown) => {
  const status = document.querySelector('[role=status]')
  if (status)
    status.textContent = `The stack did not answer: ${cause}. Start it again, and open its new address.`
  return null
})
if (facts) {
  // The file shows them while this script loads.
  document.body.replaceChildren()
  render(<App facts={facts} kept={keptKeys()} />, document.body)
}
