/** `--mutants`: each change of the source must break a promise, or stand in the list as one that breaks none. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Mutant } from './mutant.ts'
import { MUTANTS } from './mutants/index.ts'

const RUN = fileURLToPath(new URL('./run.ts', import.meta.url))

/** Seeds 1 to `seeds` are tried, `threads` mutants at once. `only`: the ids of the mutants, all without it. */
type Asked = { seeds: string; threads: string; only?: string | undefined }
/** The runs of a child: how many were made, and those that broke a promise. */
type Said = { ran: number; broken: { id: string; message: string; seed: number }[] }
/** The end of a mutant. `ran`: after how many runs. */
type Verdict = { mutant: Mutant; killedBy: string | null; message: string; ran: number }

/** Runs seeds against each mutant until one breaks. Returns whether all ended as their lines say. */
export async function judge({ seeds, threads, only }: Asked, say: (line: string) => void): Promise<boolean> {
  const waiting = MUTANTS.filter(({ id }) => only === undefined || only.split(',').includes(id))
  // A seed that breaks a promise without a mutant shows nothing about one.
  const { broken } = await runsOf(['--seeds', seeds, '--threads', threads])
  const skip = broken.map(({ seed }) => seed).join(',')
  if (skip !== '') say(`without these seeds, which fail as the code is: ${skip}`)
  const verdicts: Verdict[] = []
  const work = async () => {
    for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
      const args = ['--seeds', seeds, '--threads', '1', '--until-broken', '--skip', skip]
      const { ran, broken } = await runsOf(args, mutant)
      const [{ id, message } = { id: null, message: '' }] = broken
      const verdict = { mutant, killedBy: id, message: message.slice(0, 120), ran }
      verdicts.push(verdict)
      say(lineOf(verdict))
    }
  }
  await Promise.all(Array.from({ length: Number(threads) }, work))
  const killed = verdicts.filter(({ killedBy }) => killedBy !== null)
  say(`${killed.length} of ${verdicts.length} mutants killed`)
  return verdicts.every(({ mutant, killedBy }) => (killedBy === null) === (mutant.by === null))
}

async function runsOf(args: string[], mutant?: Mutant): Promise<Said> {
  const all = ['--experimental-async-context-frame', '--disable-warning=ExperimentalWarning', RUN, '--json']
  const env = { ...process.env, ...(mutant && { TAB402_MUTANT: JSON.stringify(mutant) }) }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [...all, ...args], {
    env,
    maxBuffer: 1 << 26,
  }).catch((fault: { stdout?: string; stderr?: string }) => fault)
  const line = stdout?.trim().split('\n').at(-1)
  if (!line) throw new Error(`${mutant ? `mutant ${mutant.id}` : 'the code'} could not run: ${stderr}`)
  return JSON.parse(line) as Said
}

function lineOf({ mutant: { id, by, why }, killedBy, message, ran }: Verdict): string {
  if (killedBy === null)
    return by === null
      ? `not visible  ${id}: ${why}`
      : `SURVIVED     ${id}: ${by} must fail within ${ran} runs`
  const how = by === null ? 'VISIBLE' : killedBy === by ? 'killed' : `killed, not ${by}`
  return `${how.padEnd(12)} ${id}: ${killedBy} in run ${ran}, ${message}`
}
