/** Hono alone, for comparison of the cold start. */
import { Hono } from 'hono'

const app = new Hono()
app.get('*', (context) => context.text('An article.\n'))

export default app
