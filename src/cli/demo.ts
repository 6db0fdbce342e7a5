/** `tab402 demo`: checks the arguments and the tools, then runs the demo. */
import { PAY_TOOLS, STACK_TOOLS } from '../testing/tools.ts'
import { parse, requireTools, UsageError } from './command.ts'

/** The help text of the command. */
export const usage = `Examples:
  tab402 demo          print the story on stderr and the figures as JSON on stdout
  tab402 demo --json   print the figures only

Usage: tab402 demo [--json]

Runs a chain, a small site and the Worker on this machine. Crawlers read and pay, and the nightly run settles.
At the end the demo compares the records of all parties. It exits with 1 if they differ.`

/** Runs the command; see {@link usage}. Returns the exit code. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse(args, { json: { type: 'boolean' } })
  if (positionals.length > 0) throw new UsageError('demo must be called with options only.')
  requireTools([...STACK_TOOLS, ...PAY_TOOLS, 'cli-table3'])
  const { runDemo } = await import('./demo/demo.ts')
  return runDemo({ quiet: values.json === true })
}
