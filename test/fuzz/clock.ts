/** A clock that jumps over short waits. The queue of a channel makes clients wait on purpose, and inputs come one by one. */

/** Longer waits are limits of calls, and pass as they do in truth. */
const MAX_JUMP_MS = 1_000
/** Node's own `fetch` keeps a clock that ticks so often: it would tick for ever, and the time would fly. */
const FETCH_TICK_MS = 499

let aheadMs = 0

const RealDate = Date
const realTimeout = setTimeout
const realClear = clearTimeout

class JumpingDate extends RealDate {
  constructor(...args: [] | [number | string | Date]) {
    if (args.length === 0) super(JumpingDate.now())
    else super(...(args as [number]))
  }

  static override now(): number {
    return RealDate.now() + aheadMs
  }
}

/** Replaces the clock and the timers of this process. */
export function install(): void {
  // Timers with arguments are those of Node's own `fetch`. A timer of 0 ms would sleep for 1 ms: an immediate does not.
  const jump = (run: () => void, ms = 0, ...args: []): NodeJS.Timeout | NodeJS.Immediate => {
    if (ms > MAX_JUMP_MS || ms === FETCH_TICK_MS || args.length > 0) return realTimeout(run, ms, ...args)
    aheadMs += ms
    return setImmediate(run)
  }
  const clear = (timer?: NodeJS.Timeout | NodeJS.Immediate): void => {
    clearImmediate(timer as NodeJS.Immediate)
    realClear(timer as NodeJS.Timeout)
  }
  Object.assign(globalThis, {
    Date: JumpingDate,
    setTimeout: jump,
    clearTimeout: clear,
    scheduler: { wait: (ms: number) => new Promise<void>((done) => void jump(done, ms)) },
  })
}
