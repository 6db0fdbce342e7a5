/** The playground: loads the facts of the stack and shows the page. */
import { render } from 'hono/jsx/dom'
import { App } from './app.tsx'
import { keptKeys } from './keys.ts'
import { askFacts } from './server.ts'

try {
  const facts = await askFacts()
  // The file shows a notice while this script loads.
  document.body.replaceChildren()
  render(<App facts={facts} kept={keptKeys()} />, document.body)
} catch (cause) {
  const status = document.querySelector('[role=status]')
  if (status)
    status.textContent = `The stack did not answer: ${cause}. Start it again, and open its new address.`
}
