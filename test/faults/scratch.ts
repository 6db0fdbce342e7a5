/** A copy of the working tree in which files may be changed, and vitest in it. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createVitest, type Vitest } from 'vitest/node'
import { tracked } from '../house/sources.ts'
import { type Change, changed } from './removal.ts'

/** A test that ran. `title`: whole. */
export type Ran = { title: string; failed: boolean }

/** See {@link openScratch}. */
export type Scratch = {
  /** Runs the tests of some files whose titles match, with `change` in place if one is given. */
  run(tests: readonly string[], titles: RegExp, change?: Change): Promise<Ran[]>
  close(): Promise<void>
}

/** Copies the working tree to the temporary folder of the system, and goes there. */
export async function openScratch(): Promise<Scratch> {
  const folder = mkdtempSync(join(tmpdir(), 'tab402-faults-'))
  for (const file of tracked()) cpSync(file, join(folder, file))
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  // The house tests and the projects ask git for the files.
  execFileSync('git', ['init', '--quiet', folder])
  process.chdir(folder)
  process.env.PWD = folder
  const vitest = await createVitest('test', { root: folder, watch: false, reporters: [{}] })
  return {
    async run(tests, titles, change) {
      if (!change) return await runTests(vitest, tests, titles)
      const text = readFileSync(change.file, 'utf8')
      const write = (content: string) => {
        writeFileSync(change.file, content)
        vitest.invalidateFile(join(folder, change.file))
      }
      write(changed(text, change))
      try {
        return await runTests(vitest, tests, titles)
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

async function runTests(vitest: Vitest, tests: readonly string[], titles: RegExp): Promise<Ran[]> {
  vitest.setGlobalTestNamePattern(titles)
  const specifications = await vitest.globTestSpecifications(tests.map((test) => `test/${test}.test.ts`))
  const { testModules } = await vitest.runTestSpecifications(specifications)
  // The result has the modules of earlier runs too.
  const modules = testModules.filter(({ moduleId }) =>
    specifications.some((specification) => specification.moduleId === moduleId),
  )
  return modules.flatMap((module) =>
    [...module.children.allTests()]
      .filter((test) => ['passed', 'failed'].includes(test.result().state))
      .map((test) => ({ title: test.fullName, failed: test.result().state === 'failed' })),
  )
}
