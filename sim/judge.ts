/** `--mutants`: each change of the source must break a promise, or stand in the list as one that breaks none. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Mutant } from './mutant.ts'
import { MUTANTS } from './mutants/index.ts'
import { prepare } from './prepare.ts'
import { run } from './story.ts'

const RUN = fileURLToPath(new URL('./run.ts', import.meta.url))

/** A mutant that no run is expected to notice gets at most so many: they are all made. */
const MOST_UNSEEN_RUNS = 30

/** Up to `seeds` runs are made of each mutant, `threads` mutants at once. `only`: the ids of the mutants, all without it. */
type Asked = { seeds: string; threads: string; only?: string | undefined }
/** The runs of a child: how many were made, and those that broke a promise. */
type Said = { ran: number; broken: { id: string; message: string; seed: number }[] }
/** The end of a mutant. `killedBy`: the invariant that its line names, or the first of those that broke instead. `ran`: after how many runs. */
type Verdict = { mutant: Mutant; killedBy: string | null; message: string; ran: number }

/** Runs seeds against each mutant until one breaks the invariant that its line names. Returns whether all ended as their lines say. */
export async function judge({ seeds, threads, only }: Asked, say: (line: string) => void): Promise<boolean> {
  const waiting = MUTANTS.filter(({ id }) => only === undefined || only.split(',').includes(id))
  const verdicts: Verdict[] = []
  await prepare()
  const work = async () => {
    for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
      const verdict = await tryOut(mutant, seeds)
      verdicts.push(verdict)
      say(lineOf(verdict))
    }
  }
  await Promise.all(Array.from({ length: Number(threads) }, work))
  const killed = verdicts.filter(({ killedBy }) => killedBy !== null)
  say(`${killed.length} of ${verdicts.length} mutants killed`)
  return verdicts.every(({ mutant, killedBy }) => killedBy === mutant.by)
}

/** A seed that breaks a promise without the mutant, too, shows nothing about it. */
async function tryOut(mutant: Mutant, seeds: string): Promise<Verdict> {
  const skipped: number[] = []
  for (;;) {
    const most = mutant.by === null ? Math.min(Number(seeds), MOST_UNSEEN_RUNS) : seeds
    const asked = ['--seeds', `${most}`, '--skip', skipped.join(','), '--until', mutant.by ?? 'any']
    const { ran, broken } = await runsOf(mutant, asked)
    const found = broken.find(({ id }) => id === mutant.by) ?? broken[0]
    if (!found) return { mutant, killedBy: null, message: '', ran }
    const isSound = (await soundly(() => run({ seed: found.seed, size: mutant.among ?? {} }))).broken === null
    if (isSound) return { mutant, killedBy: found.id, message: found.message.slice(0, 120), ran }
    skipped.push(found.seed)
  }
}

let turn: Promise<unknown> = Promise.resolve()

/** One run at a time in this process: a world is a global. */
function soundly<Value>(work: () => Promise<Value>): Promise<Value> {
  const done = turn.then(work)
  turn = done.catch(() => undefined)
  return done
}

async function runsOf(mutant: Mutant, args: string[]): Promise<Said> {
  const node = ['--experimental-async-context-frame', '--disable-warning=ExperimentalWarning', RUN]
  const size = Object.entries(mutant.among ?? {}).map(([name, value]) => `${name}=${value}`)
  const asked = ['--json', '--threads', '1', '--size', size.join(','), ...args]
  const env = { ...process.env, TAB402_MUTANT: JSON.stringify(mutant) }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [...node, ...asked], {
    env,
    maxBuffer: 1 << 26,
  }).catch((fault: { stdout?: string; stderr?: string }) => fault)
  const line = stdout?.trim().split('\n').at(-1)
  if (!line) throw new Error(`mutant ${mutant.id} could not run: ${stderr}`)
  return JSON.parse(line) as Said
}

function lineOf({ mutant: { id, by, why }, killedBy, message, ran }: Verdict): string {
  if (killedBy === null)
    return by === null
      ? `not visible  ${id}: ${why}`
      : `SURVIVED     ${id}: ${by} must fail within ${ran} runs`
  const how = by === null ? 'VISIBLE' : killedBy === by ? 'killed' : `NOT BY ${by}`
  return `${how.padEnd(12)} ${id}: ${killedBy} within ${ran} runs, ${message}`
}
