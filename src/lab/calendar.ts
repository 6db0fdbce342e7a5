/** Moves the lab’s clock from event to event: watches, nights and alarms. */
import { mustKnow } from './known.ts'
import type { LabNight, NightOptions } from './lab.ts'
import { type LabStage, openNode } from './stage.ts'
import { midnightAfter, nextWatch, openWithdrawals } from './withdrawals.ts'

/** The crons of `wrangler.toml`. */
const NIGHTLY = '0 0 * * *'
const WATCH = '*/5 * * * *'

/** How the nightly cron fires. Faults of the cron change it. */
export type Firing = { times: number; lateMs: number; isParallel: boolean }

/** The calendar of one lab. Only one jump runs at a time: the next one waits. */
export class Calendar {
  readonly #stage: LabStage
  #turn: Promise<unknown> = Promise.resolve()
  /** How the next nights fire; a fault of the cron replaces it. */
  firing: () => Firing = () => ({ times: 1, lateMs: 0, isParallel: false })
  /** Called after each midnight’s runs, before the clock goes on. */
  afterNight: () => Promise<void> = async () => {}

  constructor(stage: LabStage) {
    this.#stage = stage
  }

  /** Jumps to a moment, through all events before it. @throws RangeError for the past */
  advanceTo(to: number, options: NightOptions = {}): Promise<LabNight[]> {
    return this.#inTurn(async () => {
      const now = this.#stage.clock.now()
      if (to < now) throw new RangeError(`the clock is past ${new Date(to).toISOString()} already`)
      return this.#pass({ to }, options)
    })
  }

  /** Jumps through some nights, the first one at the next midnight. @throws RangeError unless `count` is a whole number */
  async nights(count: number, options: NightOptions = {}): Promise<LabNight[]> {
    mustKnow('lab.nights', options, { through: ['direct', 'cron'] })
    if (!Number.isInteger(count) || count < 0)
      throw new RangeError(`the number of nights must be whole and not negative, not ${count}`)
    return this.#inTurn(async () => (count > 0 ? this.#pass({ nights: count }, options) : []))
  }

  /** Sets the clock of a Worker that was restarted, and finds its alarms again. */
  async restart(): Promise<void> {
    const { remote, clock, worker, plan } = this.#stage
    await remote({ do: 'clock', offsetMs: clock.offsetMs })
    await openNode(this.#stage)
    const classes = Object.values(plan.options.durableObjects ?? {}).map(({ className }) => className)
    const objects = await Promise.all(
      [...new Set(classes)].map(async (className) =>
        (await worker.objects(className)).map((id) => ({ className, id })),
      ),
    )
    await remote({ do: 'wake', objects: objects.flat() })
  }

  #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => {})
    return turn
  }

  async #pass(goal: { to: number } | { nights: number }, options: NightOptions): Promise<LabNight[]> {
    const { clock, chain } = this.#stage
    const nights: LabNight[] = []
    const withdrawals = await openWithdrawals(chain)
    for (;;) {
      const now = clock.now()
      const midnight = midnightAfter(now)
      const watch = nextWatch(now, withdrawals)
      const to = 'to' in goal ? goal.to : midnight
      const next = Math.max(now, Math.min(to, midnight, watch))
      if (next === midnight) {
        nights.push(await this.#night(midnight, options))
        await this.afterNight()
      } else await this.#event(next, next === watch ? { cron: WATCH, time: next } : undefined)
      if ('to' in goal ? next >= to : nights.length >= goal.nights) return nights
    }
  }

  /** Jumps to a moment with every clock of the lab. The Worker rings alarms on the way, and fires a cron if one is given. */
  async #event(at: number, fire?: { cron: string; time: number }): Promise<LabNight['runs']> {
    const { clock, remote } = this.#stage
    clock.offsetMs = Math.max(clock.offsetMs, at - Date.now())
    const { offsetMs, runs } = await remote({ do: 'pass', to: clock.now(), ...(fire && { fire }) })
    // Steps that sleep have moved the Worker's clock.
    clock.offsetMs = Math.max(clock.offsetMs, offsetMs)
    return runs
  }

  async #night(at: number, options: NightOptions): Promise<LabNight> {
    const { times, lateMs, isParallel } = this.firing()
    const isReal = options.through === 'cron'
    if (isReal || times === 0) await this.#event(at + lateMs)
    const fire = () => (isReal ? this.#cron(at) : this.#event(at + lateMs, { cron: NIGHTLY, time: at }))
    if (isParallel) return { at, runs: (await Promise.all(Array.from({ length: times }, fire))).flat() }
    const runs: LabNight['runs'] = []
    for (let fired = 0; fired < times; fired++) runs.push(...(await fire()))
    return { at, runs }
  }

  /** Fires the nightly cron as the platform does, and waits for the Workflows that it starts. */
  async #cron(time: number): Promise<LabNight['runs']> {
    const { url, remote } = this.#stage
    const fired = await fetch(
      `${url}/cdn-cgi/local/scheduled?cron=${encodeURIComponent(NIGHTLY)}&time=${time}`,
    )
    if (!fired.ok) throw new Error(`the cron has failed: ${fired.status} ${await fired.text()}`)
    const { runs } = await remote({ do: 'await' })
    return runs
  }
}
