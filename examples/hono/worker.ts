/** Your own Worker that charges for its responses: one line of middleware, no proxy. */
import { Hono } from 'hono'
import { type Bindings, operate, paywall, scheduled } from 'tab402'

// The classes that wrangler.toml binds: the ledger, the relayer and the nightly settlement run.
export { Account, Authorizations, Relayer, Settlement } from 'tab402'

const app = new Hono<{ Bindings: Bindings }>()

app.get('/', (context) => context.text('Weather for machines. Try /forecast/utrecht'))

app.use(
  '/forecast/*',
  paywall({ RULES: [{ path: '/forecast/*', who: 'everyone', action: 'charge', price: '0.002' }] }),
)

app.get('/forecast/:city', (context) => {
  const city = context.req.param('city')
  // An error response releases the charge.
  return city === 'atlantis' ? context.notFound() : context.json({ city, degrees: 17 })
})

app.post('/forecast/:city', async (context) => {
  const { days } = await context.req.json<{ days: number }>()
  return context.json({ city: context.req.param('city'), degrees: Array(days).fill(17) })
})

// The operator's API, such as `/_tab402/api/runs`.
app.all('/_tab402/*', (context) => operate(context.req.raw, context.env))

// The crons of wrangler.toml start the settlement run and the watch.
export default { fetch: app.fetch, scheduled }
