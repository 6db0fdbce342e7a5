/** A Worker of one's own that charges crawlers for its answers: no proxy, one line of middleware. */
import { Hono } from 'hono'
import { type Bindings, operate, paywall, scheduled } from 'tab402'

// The ledger, the relayer and the nightly settlement, under the names that wrangler.toml binds.
export { Account, Authorizations, Relayer, Settlement } from 'tab402'

const app = new Hono<{ Bindings: Bindings }>()

app.get('/', (context) => context.text('Weather for machines. Try /forecast/utrecht'))

app.use(
  '/forecast/*',
  paywall({ RULES: [{ path: '/forecast/*', who: 'everyone', action: 'charge', price: '0.002' }] }),
)

app.get('/forecast/:city', (context) => {
  const city = context.req.param('city')
  // A handler that says no costs the crawler nothing.
  return city === 'atlantis' ? context.notFound() : context.json({ city, degrees: 17 })
})

app.post('/forecast/:city', async (context) => {
  const { days } = await context.req.json<{ days: number }>()
  return context.json({ city: context.req.param('city'), degrees: Array(days).fill(17) })
})

// The operator's API, for `/_tab402/api/runs` and the like.
app.all('/_tab402/*', (context) => operate(context.req.raw, context.env))

// The crons of wrangler.toml settle what is owed.
export default { fetch: app.fetch, scheduled }
