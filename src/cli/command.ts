/** Parts that every command shares: its interface, its options, its errors and the packages it needs. */
import { readFileSync } from 'node:fs'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { installCommand } from '../testing/tools.ts'

/** One command of `tab402`. Each lives in a file of its own, which is loaded only when it is called. */
export type Command = {
  /** The text of `-h`. It begins with examples. */
  usage: string
  /** Runs the command with the arguments after its name. Returns the exit code: 0, or 1 if it found a problem. */
  run(args: string[]): Promise<number>
}

/** The arguments or settings are wrong: exit code 2, with one line on stderr. */
export class UsageError extends Error {}

/** The command cannot run here for a reason that the message states in full: exit code 1, without a stack trace. */
export class CommandError extends Error {}

/** How a person calls this program: the installed bin, or its source in a clone of the repository. */
export const PROGRAM = import.meta.url.endsWith('.ts') ? 'npx node src/cli/main.ts' : 'npx tab402'

type Options = NonNullable<ParseArgsConfig['options']>

/**
 * Parses the arguments of a command.
 * @throws UsageError for an unknown option or a missing value
 */
export function parse<const Known extends Options>(args: string[], options: Known) {
  try {
    return parseArgs({ args, options, allowPositionals: true })
  } catch (cause) {
    if (cause instanceof TypeError) throw new UsageError(cause.message)
    throw cause
  }
}

/** The package's own manifest, at the same place above `src/cli` and `dist/cli`. */
export function manifest(): { version: string } {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
}

/**
 * Checks that the packages a command loads are installed. The package leaves them out because the Worker needs none.
 * @throws CommandError with the npm command that installs those that are missing
 */
export function requireTools(names: readonly string[]): void {
  const command = installCommand(names)
  if (command !== null) throw new CommandError(`needs more packages. Run: ${command}`)
}

/** Writes one line for the person at the terminal. Stdout is kept for data. */
export function talk(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** Writes a line of data. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Writes a value as one line of JSON; amounts become decimal strings. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? part.toString() : part)))
}

/** The text in bold on a terminal, unless NO_COLOR is set. */
export function bold(text: string): string {
  const plain = !process.stderr.isTTY || (process.env.NO_COLOR ?? '') !== ''
  return plain ? text : `\u001b[1m${text}\u001b[22m`
}
