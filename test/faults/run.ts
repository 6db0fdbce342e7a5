/**
 * `npm run faults [ROW …]`: takes the answer of each row of docs/faults.md away, in a copy of the working tree, and expects
 * a test that cites the row to fail. A test that fails without a change shows nothing.
 */
import { REMOVALS } from './index.ts'
import { titlesOf } from './removal.ts'
import { openScratch } from './scratch.ts'

/** The longest part of an error that is shown, in characters. */
const MAX_ERROR_CHARS = 100

const { write } = process.stdout
const print = (line: string) => write.call(process.stdout, `${line}\n`)
// Each change provokes faults, and the runtime logs them.
process.stdout.write = () => true
process.stderr.write = () => true

const asked = new Set(process.argv.slice(2))
const isAsked = (row: string) => asked.size === 0 || asked.has(row) || asked.has(row.charAt(0))
const removals = REMOVALS.filter(({ row }) => isAsked(row))
const unseen = new Set<string>()
/** The tests of each file that fail as it is. */
const broken = new Map<string, Set<string>>()
const scratch = await openScratch()

async function brokenIn(test: string): Promise<Set<string>> {
  const sources = removals.filter((removal) => removal.test === test).map((each) => titlesOf(each).source)
  const { failed } = await scratch.run(test, new RegExp(sources.join('|')))
  for (const { title, error } of failed) print(`fails as it is: ${title} (${error})`)
  return new Set(failed.map(({ title }) => title))
}

try {
  for (const removal of removals) {
    const { row, test } = removal
    if (!broken.has(test)) broken.set(test, await brokenIn(test))
    const { ran, failed } = await scratch.run(test, titlesOf(removal), removal)
    const seen = failed.find(({ title }) => !broken.get(test)?.has(title))
    if (!seen) unseen.add(row)
    const error = seen?.error.slice(0, MAX_ERROR_CHARS)
    print(
      seen
        ? `${row} fails without its answer: ${seen.title} (${error})`
        : `${row} NOT SEEN by ${ran} tests of ${test}`,
    )
  }
} finally {
  await scratch.close()
}
const rows = new Set(removals.map(({ row }) => row))
print(`${rows.size - unseen.size} of ${rows.size} rows fail without their answer`)
process.exitCode = unseen.size === 0 ? 0 : 1
