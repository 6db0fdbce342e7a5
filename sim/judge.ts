/** `--mutants`: each change of the source must break a promise, or stand in the list as one that breaks none. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Mutant } from './mutant.ts'
import { MUTANTS } from './mutants/index.ts'

const RUN = fileURLToPath(new URL('./run.ts', import.meta.url))
const AT_ONCE = 2

/** The end of a mutant. `seeds`: how many runs it took. */
export type Verdict = { mutant: Mutant; killedBy: string | null; message: string; seeds: number }

/** Runs seeds against each mutant until one breaks. Returns whether all ended as their lines say. */
export async function judge(
  seeds: number,
  only: string | undefined,
  say: (line: string) => void,
): Promise<boolean> {
  const waiting = MUTANTS.filter(({ id }) => only === undefined || only.split(',').includes(id))
  let isAsStated = true
  const work = async () => {
    for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
      const verdict = await tryOut(mutant, seeds)
      isAsStated &&= (verdict.killedBy === null) === (mutant.by === null)
      say(lineOf(verdict))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return isAsStated
}

async function tryOut(mutant: Mutant, seeds: number): Promise<Verdict> {
  const args = [
    '--experimental-async-context-frame',
    RUN,
    '--seeds',
    String(seeds),
    '--until-broken',
    '--json',
    '--threads',
    '1',
  ]
  const env = { ...process.env, TAB402_MUTANT: JSON.stringify(mutant) }
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, maxBuffer: 1 << 26 }).catch(
    (fault: { stdout?: string; stderr?: string }) => ({
      stdout: fault.stdout || JSON.stringify({ fault: fault.stderr }),
    }),
  )
  const said = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as {
    fault?: string
    ran?: number
    broken?: { id: string; message: string }[]
  }
  if (said.fault) throw new Error(`mutant ${mutant.id} could not run: ${said.fault}`)
  const [first] = said.broken ?? []
  return {
    mutant,
    killedBy: first?.id ?? null,
    message: first?.message.slice(0, 120) ?? '',
    seeds: said.ran ?? 0,
  }
}

function lineOf({ mutant: { id, by, why }, killedBy, message, seeds }: Verdict): string {
  if (killedBy === null)
    return by === null
      ? `not visible  ${id}: ${why}`
      : `SURVIVED     ${id}: ${by} must fail within ${seeds} seeds`
  const how = by === null ? 'VISIBLE' : killedBy === by ? 'killed' : `killed (not ${by})`
  return `${how.padEnd(12)} ${id}: ${killedBy} after ${seeds} seeds, ${message}`
}
