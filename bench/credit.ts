/** The cases of credit: a signed commitment, an empty call in its place, and the 402 with all three offers. */
import { Response } from 'miniflare'
import { answerOf, CRAWLER, PATH } from './ask.ts'
import type { Open } from './case.ts'
import { type Crawler, commitTo, newCrawler, type Signed } from './commitments.ts'
import { askOffer } from './payments.ts'
import type { BenchWorker, World } from './runtime.ts'
import type { Stage } from './stage.ts'
import { UNCHARGED_CREDIT } from './variants.ts'

/** Vars that add credit to a site with wallet payments. */
export const CREDIT = {
  SCHEMES: '["channel","exact","credit"]',
  REGISTRATION_URL: 'https://site.example/credit',
}

export const HOST = 'https://crawler.example'
const DIRECTORY = `${HOST}/.well-known/http-message-signatures-directory`

export async function openCredit({ vars, origin }: Stage, open: Open): Promise<void> {
  const crawler = newCrawler(HOST)
  const self = { ...vars, ...CREDIT, ORIGIN: 'self' }
  const unpaid = await open(
    'creditUnpaid',
    { main: 'src/worker.ts', vars: { ...self, ORIGIN: origin } },
    { status: 402 },
  )
  const ANSWER = await answerOf(await fetch(new URL(PATH, unpaid.url), { headers: CRAWLER }))
  await open('creditBare', { main: 'bench/workers/floor.ts', objects: {}, vars: { ANSWER } }, { status: 402 })
  const signed = await commitmentOf(crawler, unpaid)
  const world = worldOf(crawler).answer
  const credit = await open('credit', { main: 'bench/workers/credit.ts', vars: self, world }, { signed })
  await enrol(credit)
  const EMPTY = 'Empty'
  const objects = { ACCOUNT: EMPTY, LINES: EMPTY, AGENTS: EMPTY, DIRECTORIES: EMPTY }
  const empty = { main: 'bench/workers/empty.ts', vars: self, plugins: [UNCHARGED_CREDIT], objects }
  await open('creditEmpty', empty, { signed, repeat: true })
}

/** The commitment that a crawler signs to buy a page of this Worker. */
export async function commitmentOf(
  { publicKey: _, ...crawler }: Crawler,
  worker: BenchWorker,
): Promise<Signed> {
  const { required } = await askOffer(new URL(PATH, worker.url))
  const offer = required.accepts.find(({ network }) => network.endsWith(':402'))
  if (!offer) throw new Error('the Worker must offer credit')
  return { ...crawler, payment: commitTo(offer) }
}

/** The network of a Worker, with the crawler's key directory only; `asked` counts the requests for it. */
export function worldOf({ publicKey }: Crawler): { asked: number; answer: World } {
  const world = {
    asked: 0,
    answer: ({ url }: { url: string }) => {
      if (url !== DIRECTORY) return new Response(null, { status: 404 })
      world.asked++
      const headers = { 'content-type': 'application/http-message-signatures-directory+json' }
      return new Response(JSON.stringify({ keys: [publicKey] }), { headers })
    },
  }
  return world
}

/** Registers the crawler with a Worker of `bench/workers/credit.ts`, by its key directory. */
export async function enrol(worker: BenchWorker): Promise<void> {
  const { ok, status } = await fetch(worker.url, { method: 'POST', body: DIRECTORY })
  if (!ok) throw new Error(`registering the crawler failed with ${status}`)
}
