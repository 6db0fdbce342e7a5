/** A copy of the working tree in which files may be changed, and vitest in it. */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createVitest, type Vitest } from 'vitest/node'
import { type Change, changed } from '../../sim/mutant.ts'
import { tracked } from '../house/sources.ts'

/** A test that failed: its whole title, and the first line of its first error. */
export type Failed = { title: string; error: string }

/** See {@link openScratch}. */
export type Scratch = {
  /** Runs the tests of a file whose titles match, with a change in place if there is one. `ran`: how many. */
  run(test: string, titles: RegExp, change?: Change): Promise<{ ran: number; failed: Failed[] }>
  close(): Promise<void>
}

/** Copies the working tree to the temporary folder of the system, and goes there. */
export async function openScratch(): Promise<Scratch> {
  const folder = mkdtempSync(join(tmpdir(), 'tab402-faults-'))
  for (const file of tracked()) if (existsSync(file)) cpSync(file, join(folder, file))
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  // The house tests and the projects ask git for the files.
  execFileSync('git', ['init', '--quiet', folder])
  process.chdir(folder)
  process.env.PWD = folder
  const vitest = await createVitest('test', { root: folder, watch: false, maxWorkers: 1, reporters: [{}] })
  return {
    async run(test, titles, change) {
      if (!change) return await runTests(vitest, test, titles)
      const text = readFileSync(change.file, 'utf8')
      const write = (content: string) => {
        writeFileSync(change.file, content)
        vitest.invalidateFile(join(folder, change.file))
      }
      write(changed(text, change))
      try {
        return await runTests(vitest, test, titles)
      } finally {
        write(text)
      }
    },
    async close() {
      await vitest.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function runTests(vitest: Vitest, test: string, titles: RegExp): ReturnType<Scratch['run']> {
  vitest.setGlobalTestNamePattern(titles)
  const specifications = await vitest.globTestSpecifications([`test/${test}.test.ts`])
  const { testModules } = await vitest.runTestSpecifications(specifications)
  // The result has the modules of earlier runs too.
  const [module] = testModules.filter(({ moduleId }) => moduleId === specifications[0]?.moduleId)
  const ran = [...(module?.children.allTests() ?? [])].flatMap((each) => {
    const { state, errors } = each.result()
    return state === 'passed' || state === 'failed' ? [{ title: each.fullName, state, errors }] : []
  })
  const failed = ran.flatMap(({ title, state, errors }) =>
    state === 'failed' ? [{ title, error: String(errors?.[0]?.message).split('\n')[0] ?? '' }] : [],
  )
  return { ran: ran.length, failed }
}
