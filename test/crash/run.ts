/** `npm run crash`: kills the runtime under load, round by round, and checks that nothing is lost and nothing double. */
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { type Round, startCrash } from './rounds.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '50' },
    seed: { type: 'string', default: `${Math.floor(Math.random() * 2 ** 31)}` },
  },
})

const crash = await startCrash(Number(values.seed))
const rounds: Round[] = []
try {
  for (let at = 0; at < Number(values.rounds); at++) {
    const round = await crash.round()
    rounds.push(round)
    const { number, afterMs, night, receipts, faults } = round
    const { channels, exact, credit } = receipts
    const when = `killed after ${afterMs} ms${night ? ' in a nightly run' : ''}`
    const verdict = faults.length === 0 ? 'nothing lost, nothing double' : faults.join('; ')
    console.log(`round ${number}: ${when}; ${channels} + ${exact} + ${credit} receipts; ${verdict}`)
  }
  const last = await crash.nightFaults()
  const faults = [...rounds.flatMap((round) => round.faults), ...last]
  const { channels = 0, exact = 0, credit = 0 } = rounds.at(-1)?.receipts ?? {}
  const table = new Table({ style: { head: [], border: [] } })
  table.push(
    { seed: values.seed },
    { rounds: rounds.length },
    { 'killed in a nightly run': rounds.filter(({ night }) => night).length },
    { 'receipts on channels': channels },
    { 'receipts of exact': exact },
    { 'receipts on credit': credit },
    { 'lost or double': faults.length },
  )
  console.log(`${table}`)
  process.exitCode = faults.length === 0 ? 0 : 1
} finally {
  await crash.stop()
}
