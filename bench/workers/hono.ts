/** Hono alone: the start that ours is measured against. */
import { Hono } from 'hono'

const app = new Hono()
app.get('*', (context) => context.text('An article.\n'))

export default app
