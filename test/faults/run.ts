/**
 * `npm run faults [ROW …]`: takes the answer of each row of docs/faults.md away, in a copy of the working tree, and expects
 * a test that cites the row to fail. All of these tests must pass before.
 */
import { REASONS, REMOVALS } from './index.ts'
import { titlesOf } from './removal.ts'
import { openScratch } from './scratch.ts'

const rows = new Set(process.argv.slice(2))
const isAsked = (row: string) => rows.size === 0 || rows.has(row) || rows.has(row.charAt(0))
const removals = REMOVALS.filter(({ row }) => isAsked(row))
const scratch = await openScratch()
const unseen: string[] = []
try {
  const tests = [...new Set(removals.map(({ test }) => test))]
  const titles = new RegExp(removals.map((removal) => titlesOf(removal).source).join('|'))
  const broken = (await scratch.run(tests, titles)).filter(({ failed }) => failed)
  for (const { title } of broken) console.log(`fails as it is: ${title}`)
  for (const removal of removals) {
    const { row, test } = removal
    const ran = await scratch.run([test], titlesOf(removal), removal)
    const seen = ran.find(({ title, failed }) => failed && !broken.some((other) => other.title === title))
    if (!seen) unseen.push(row)
    console.log(
      seen
        ? `${row} fails without its answer: ${seen.title}`
        : `${row} NOT SEEN by ${ran.length} tests of ${test}`,
    )
  }
} finally {
  await scratch.close()
}
for (const [row, why] of Object.entries(REASONS))
  if (isAsked(row)) console.log(`${row} is not taken away: ${why}`)
const seenRows = new Set(removals.map(({ row }) => row).filter((row) => !unseen.includes(row)))
console.log(`${seenRows.size} rows fail without their answer, ${new Set(unseen).size} do not`)
process.exitCode = unseen.length === 0 ? 0 : 1
