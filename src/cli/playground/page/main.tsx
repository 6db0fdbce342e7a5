/** The playground: loads the facts of the stack and shows the page. */
import { render } from 'hono/jsx/dom'
import { App } from './app.tsx'
import { keptKeys } from './keys.ts'
import { askFacts } from './server.ts'

const facts = await askFacts()
render(<App facts={facts} kept={keptKeys()} />, document.body)
