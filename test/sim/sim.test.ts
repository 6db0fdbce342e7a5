/** The simulator itself: equal seeds, and mutants that fit the source. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { changed } from '../../sim/mutant.ts'
import { MUTANTS } from '../../sim/mutants/index.ts'

async function traceOf(seed: number): Promise<string> {
  const args = ['--experimental-async-context-frame', 'sim/run.ts', '--seed', String(seed)]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return /trace ([0-9a-f]{64})/.exec(stdout)?.[1] ?? stdout
}

describe('The simulator', () => {
  it('makes the same run of the same seed in another process', { timeout: 120_000 }, async () => {
    const [one, other] = await Promise.all([traceOf(2), traceOf(2)])
    expect(one).toMatch(/^[0-9a-f]{64}$/)
    expect(other).toBe(one)
  })

  it.each(MUTANTS.map((mutant) => [mutant.id, mutant] as const))(
    'has a mutant that fits the source: %s',
    (_, mutant) => {
      const text = readFileSync(`.${mutant.file}`, 'utf8')
      expect(changed(text, mutant)).not.toBe(text)
      expect(mutant.by ?? mutant.why).toBeTruthy()
    },
  )
})
