/** A `Date` on another clock. Only the lab loads it: in its Worker before all other code, and in the thread of its crawlers. */

/** Marks the lab’s clock. The bundle that is deployed must not contain it. */
export const MARK = 'tab402.lab.clock'

/** Replaces the global `Date`: without arguments it is at `now()`, in Unix milliseconds. */
export function shiftDate(now: (realNow: () => number) => number): void {
  const RealDate = Date
  const realNow = RealDate.now.bind(RealDate)
  const shifted = () => now(realNow)
  const handler: ProxyHandler<DateConstructor> = {
    construct: (target, parts, newTarget) =>
      Reflect.construct(target, parts.length > 0 ? parts : [shifted()], newTarget),
    apply: (target) => new target(shifted()).toString(),
    get: (target, name, receiver) => (name === 'now' ? shifted : Reflect.get(target, name, receiver)),
  }
  Object.defineProperty(RealDate, Symbol.for(MARK), { value: true })
  globalThis.Date = new Proxy(RealDate, handler)
}
