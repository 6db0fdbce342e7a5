/** A clock that jumps over short waits. The queue of a channel makes clients wait on purpose, and inputs come one by one. */

/** Longer waits are limits of calls, and pass as they do in truth. */
const MAX_JUMP_MS = 1_000

let aheadMs = 0

const RealDate = Date
const realTimeout = setTimeout

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
  // Timers with arguments are those of Node's own `fetch`.
  const jump = (run: () => void, ms = 0, ...args: []): NodeJS.Timeout => {
    if (ms > MAX_JUMP_MS || args.length > 0) return realTimeout(run, ms, ...args)
    aheadMs += ms
    return realTimeout(run, 0)
  }
  Object.assign(globalThis, {
    Date: JumpingDate,
    setTimeout: jump,
    scheduler: { wait: (ms: number) => new Promise<void>((done) => jump(done, ms)) },
  })
}
