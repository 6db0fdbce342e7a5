/** Puts a lab together from its parts. */
import type { WorkerPlan } from '../testing/stack/plan.ts'
import { AuditError, breachesOf } from './audit.ts'
import { Calendar } from './calendar.ts'
import { Crew } from './crawlers/crew.ts'
import { failOf } from './fail/index.ts'
import { CLOSED, type Lab, type LabOptions } from './lab.ts'
import { readBooks } from './read-books.ts'
import { fetchAt, publishLabSites } from './sites.ts'
import { type LabStage, startStage } from './stage.ts'
import { momentMs, spanMs } from './time.ts'

const RESTART_POLL_MS = 20

/** See `openLab`. `planned`: the Worker to run in place of that of the options. */
export async function makeLab(options: LabOptions, planned?: Promise<WorkerPlan>): Promise<Lab> {
  const { seed = 1 } = options
  const stage = await startStage(options, planned)
  try {
    const sites = await publishLabSites(stage, options.sites ?? [])
    return labOf(stage, sites, seed)
  } catch (cause) {
    await stage.stop()
    throw cause
  }
}

function labOf(stage: LabStage, sites: Lab['sites'], seed: number): Lab {
  const { url, clock, chain } = stage
  const calendar = new Calendar(stage)
  const advance: Lab['advance'] = (by) => calendar.advanceTo(clock.now() + spanMs(by))
  const evict = () => evictAll(stage)
  const kill = async () => {
    await stage.kill()
    await restarted(calendar)
  }
  const crew = new Crew(stage, sites, seed, { advance, evict })
  calendar.afterNight = () => crew.payInvoices()
  const books = () => readBooks(stage, crew.crawlers)
  let closing: Promise<void> | undefined
  const closeOnce = async () => {
    await crew.close()
    await stage.stop()
  }
  const close = () => {
    closing ??= closeOnce()
    return closing
  }
  const mustBeOpen = () => {
    if (closing) throw new Error(CLOSED)
  }
  const whileOpen =
    <Given extends unknown[], Value>(call: (...given: Given) => Promise<Value>) =>
    async (...given: Given): Promise<Value> => {
      mustBeOpen()
      return call(...given)
    }
  return {
    url,
    sites,
    seed,
    receiver: stage.receiver,
    relayer: stage.relayer.address,
    operator: stage.operator,
    chain,
    stripe: stage.stripe,
    now: () => clock.now(),
    advance: whileOpen(advance),
    at: whileOpen((moment) => calendar.advanceTo(momentMs(moment))),
    night: whileOpen(async (options) => {
      const [night] = await calendar.nights(1, options)
      if (!night) throw new Error('the calendar must return one')
      return night
    }),
    nights: whileOpen((count, options) => calendar.nights(count, options)),
    crawler: whileOpen((options) => crew.open(options)),
    books: whileOpen(books),
    audit: whileOpen(async () => {
      const [now, scores] = await Promise.all([
        books(),
        Promise.all(
          crew.crawlers.map(async ({ name, is, pays, exposure, score, account }) => ({
            name: `${name} (${is})`,
            is,
            pays,
            account: await account(),
            score: await score(),
            exposure,
          })),
        ),
      ])
      const breaches = breachesOf(now, scores)
      if (breaches.length > 0) throw new AuditError(breaches, seed)
    }),
    fetch: whileOpen((path, init) =>
      fetchAt(new URL(path.startsWith('http') ? path : `${url}${path}`), init),
    ),
    kill: whileOpen(kill),
    evict: whileOpen(evict),
    fail: failOf(stage, calendar, { kill, evict }, mustBeOpen),
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function evictAll({ plan, worker }: LabStage): Promise<void> {
  const classes = Object.values(plan.options.durableObjects ?? {}).map(({ className }) => className)
  for (const className of new Set(classes)) {
    for (const id of await worker.objects(className)) await worker.evict(className, id).catch(unlessIdle)
  }
}

/** The runtime drops idle objects by itself. */
function unlessIdle(fault: Error): void {
  if (!/not currently running/.test(fault.message)) throw fault
}

/** Waits until a runtime that was killed listens again. */
async function restarted(calendar: Calendar): Promise<void> {
  for (;;) {
    try {
      await calendar.restart()
      return
    } catch (cause) {
      // `fetch failed`: the port is closed still.
      if (!(cause instanceof TypeError)) throw cause
      await new Promise((over) => setTimeout(over, RESTART_POLL_MS))
    }
  }
}
