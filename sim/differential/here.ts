/** Tells the story in the simulator, and prints what came of it as JSON. */
import '../platform/hooks.ts'
import type { Ground } from './ground.ts'

const { Chain } = await import('../chain/chain.ts')
const { Node } = await import('../chain/node.ts')
const { ChainState } = await import('../chain/state.ts')
const { Choices } = await import('../choices.ts')
const { TOKEN, TOKEN_SHA256 } = await import('../actors/operator.ts')
const { Wallet } = await import('../actors/wallet.ts')
const { Deployment, RELAYER, SITE } = await import('../deployment.ts')
const { netOf } = await import('../net.ts')
const { setNet } = await import('../platform/globals.ts')
const { prepare } = await import('../prepare.ts')
const { enter, World } = await import('../world.ts')
const { DAY_MS } = await import('../../src/platform/time.ts')
const { NIGHTLY, WATCH } = await import('../../src/settlement/schedule.ts')
const { FUNDED, FUNDS, SETTINGS, START } = await import('./ground.ts')
const { play } = await import('./story.ts')

const LAST_WATCH_MS = 300_000

await prepare(20)
// No fault strikes.
const world = new World(new Choices(1, { only: new Set() }), START)
enter(world)
const genesis = new ChainState()
for (let at = 0; at < FUNDED; at++) genesis.balances.set(new Wallet(at).address, FUNDS)
genesis.wei.set(RELAYER, 10n ** 18n)
const chain = new Chain(genesis)
setNet(netOf(new Map([['a', new Node(chain, 'a')]]), new Map()))
const deployment = new Deployment({ NODES: ['a'], ...SETTINGS, OPERATOR_TOKEN_SHA256: TOKEN_SHA256 }, 1)
const [isolate] = deployment.isolates
if (!isolate) throw new Error('a deployment must have an isolate')

const mined = async () => {
  while (chain.isBusy) await world.sleep(1_000, 'mining')
}
const ended = async () => {
  do await world.sleep(60_000, 'runs')
  while (deployment.engine.isBusy)
}
const ask: Ground['ask'] = async (path, headers) => {
  const answer = await isolate.fetch(new Request(`${SITE}${path}`, { headers }))
  if (!answer) throw new Error('the isolate must not end')
  return answer
}
const ground: Ground = {
  site: SITE,
  now: () => Math.floor(world.now),
  ask,
  pause: () => world.sleep(1_000, 'pause'),
  async read(path) {
    const { status, body } = await ask(`/_tab402/api${path}`, { authorization: `Bearer ${TOKEN}` })
    if (status !== 200) throw new Error(`${path}: ${status} ${body}`)
    return JSON.parse(body)
  },
  holds: async (owner) => chain.at().balance(owner),
  async cancel({ address }, nonce) {
    chain.act(address, (state) => state.cancelAuthorization(address, nonce))
    await mined()
  },
  async withdraw({ address }, config, amount) {
    chain.act(address, (state, call) => state.initiateWithdraw(config, amount, call))
    await mined()
  },
  async watch() {
    await isolate.scheduled(WATCH, Math.floor(world.now))
    await ended()
  },
  async night() {
    const midnight = Math.ceil(world.now / DAY_MS) * DAY_MS
    await world.sleep(midnight - LAST_WATCH_MS - world.now, 'the last watch of the day')
    await isolate.scheduled(WATCH, midnight - LAST_WATCH_MS)
    await world.sleep(midnight - world.now, 'midnight')
    await isolate.scheduled(NIGHTLY, midnight)
    await ended()
  },
}
let noted: unknown
play(ground).then(
  (all) => {
    noted = all
  },
  (fault) => world.fail(fault),
)
await world.runUntil(() => noted !== undefined)
enter(null)
console.log(JSON.stringify(noted, null, 1))
process.exit(0)
