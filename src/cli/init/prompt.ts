/** Questions on a terminal. Without one, or with `--yes`, every question has its default answer. */
import { createInterface } from 'node:readline/promises'
import { talk } from '../command.ts'

/** Asks a person. Both questions return null without a terminal. */
export type Prompt = {
  /** An answer in text; `initial` for an empty one. */
  text(question: string, initial: string): Promise<string | null>
  /** Yes or no. */
  confirm(question: string): Promise<boolean | null>
  /** A line for that person. */
  say(line: string): void
}

/** The prompt of this process. `isSilent`: ask nothing. Ctrl-C ends the process: the next run goes on where this one was. */
export function openPrompt(isSilent: boolean): Prompt {
  if (isSilent || !process.stdin.isTTY || !process.stderr.isTTY)
    return { text: async () => null, confirm: async () => null, say: talk }
  const ask = async (line: string) => {
    const terminal = createInterface({ input: process.stdin, output: process.stderr })
    terminal.on('SIGINT', () => {
      process.stderr.write('\nStopped. The same command goes on from here.\n')
      process.exit(130)
    })
    try {
      return (await terminal.question(line)).trim()
    } finally {
      terminal.close()
    }
  }
  return {
    text: async (question, initial) => (await ask(`${question}${initial && ` [${initial}]`}: `)) || initial,
    confirm: async (question) => /^y(es)?$/i.test(await ask(`${question} [y/N]: `)),
    say: talk,
  }
}
