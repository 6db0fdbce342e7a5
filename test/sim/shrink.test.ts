/** A failing run is made smaller: a few faults, and a command that repeats it. */
import { execFile } from 'node:child_process'
import { expect, it } from 'vitest'
import { MUTANTS } from '../../sim/mutants/index.ts'

const COMMAND = /npm run sim -- --seed (\d+) --size (\S+) --faults '([^']*)'/

type Ended = { code: number; stdout: string }

/** One command of the simulator, on a mutant or on the code as it is. */
function sim(args: string[], mutant?: string): Promise<Ended> {
  const all = ['--experimental-async-context-frame', 'sim/run.ts', ...args]
  const env = { ...process.env, ...(mutant !== undefined && { TAB402_MUTANT: mutant }) }
  return new Promise((resolve) => {
    execFile(process.execPath, all, { env, maxBuffer: 1 << 26 }, (fault, stdout) =>
      resolve({ code: Number(fault?.code ?? 0), stdout }),
    )
  })
}

it('shrinks a failing run to a few faults, whose command repeats it', { timeout: 300_000 }, async () => {
  const mutant = JSON.stringify(MUTANTS.find(({ id }) => id === 'no-replay'))
  // From 2 on: the kept seeds, which may break another promise, run before 1.
  const found = await sim(['--from', '2', '--seeds', '40', '--until', 'I5', '--threads', '1'], mutant)
  const [, seed = '', size = '', faults = ''] = COMMAND.exec(found.stdout) ?? []
  expect(faults.split(',').length, found.stdout).toBeLessThanOrEqual(5)
  const args = ['--seed', seed, '--size', size, '--faults', faults]
  const [again, without] = await Promise.all([sim(args, mutant), sim(args)])
  expect(again.code).toBe(1)
  expect(again.stdout).toMatch(/^I5 /m)
  expect(without.code).toBe(0)
})
