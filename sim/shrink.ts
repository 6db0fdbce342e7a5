/** Makes a failing run smaller: fewer actors and days, then fewer faults. The same promise must still be broken. */
import { type Ended, run, type Size } from './story.ts'

/** A smaller run that breaks the same promise. `only`: the faults that it needs. */
export type Shrunk = { seed: number; size: Partial<Size>; only: readonly string[]; ended: Ended }

/** So many smaller runs are tried; beyond it, the smallest until then is returned. About a minute. */
const MOST_RUNS = 200

/** Shrinks a failing run. */
export async function shrink(failed: Ended): Promise<Shrunk> {
  let left = MOST_RUNS
  const { seed, broken } = failed
  let best: Shrunk = { seed, size: failed.size, only: failed.struck, ended: failed }
  /** Whether a smaller run fails in the same way. Then it is the best one. */
  const fails = async (size: Partial<Size>, only: readonly string[]): Promise<boolean> => {
    if (left-- <= 0) return false
    const ended = await run({ seed, size, allowed: { only: new Set(only) } })
    if (ended.broken?.id !== broken?.id) return false
    // Faults that did not strike are not needed.
    best = { seed, size, only: ended.struck, ended }
    return true
  }
  await keepLast(failed.struck, (only) => fails(best.size, only))
  for (const name of Object.keys(failed.size) as (keyof Size)[]) {
    while (
      Number(best.size[name]) > 0 &&
      (await fails({ ...best.size, [name]: Number(best.size[name]) - 1 }, best.only))
    );
  }
  for (let part = Math.ceil(best.only.length / 2); part >= 1; part = part > 1 ? Math.ceil(part / 2) : 0) {
    for (let at = 0; at < best.only.length && left > 0; ) {
      const fewer = best.only.filter((_, index) => index < at || index >= at + part)
      if (!(await fails(best.size, fewer))) at += part
    }
  }
  return best
}

/** The faults before the end are mostly those that matter: none, the last one, the last two, four, and so on are tried. */
async function keepLast(
  struck: readonly string[],
  fails: (only: readonly string[]) => Promise<boolean>,
): Promise<void> {
  for (let last = 0; last < struck.length; last = last * 2 || 1)
    if (await fails(struck.slice(struck.length - last))) return
}

/** The command that repeats a run. */
export function commandOf({ seed, size, only }: Shrunk): string {
  const sizes = Object.entries(size).map(([name, value]) => `${name}=${value}`)
  return `npm run sim -- --seed ${seed} --size ${sizes.join(',')} --faults '${only.join(',')}'`
}
