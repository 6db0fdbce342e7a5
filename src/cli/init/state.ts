/** Where `tab402 init` stands: answers and steps in a file without secrets, which git ignores. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { CommandError } from '../command.ts'

/** The folder of the state. It holds a `.gitignore` of its own, so that git ignores it in every project. */
const FOLDER = '.tab402'

const State = v.object({
  /** The answers that were given: they are the defaults of the next run. */
  answers: v.optional(v.record(v.string(), v.string()), {}),
  /** The address of the key that was made, stored before the key is sent. */
  relayer: v.optional(v.string()),
  /** Steps that need not be done again. */
  done: v.optional(v.array(v.string()), []),
})

/** The state of one deployment. It holds no secret. */
export type InitState = v.InferOutput<typeof State>

/** Reads and writes the state in a folder, and the key of the wallet that makes the proof. */
export type StateStore = {
  read(): Promise<InitState>
  write(state: InitState): Promise<void>
  /** The key that pays for the proof. It is made at the first call, and only the owner of the file can read it. */
  payerKey(make: () => string): Promise<string>
}

/** The state in `cwd`. */
export function stateIn(cwd: string): StateStore {
  const folder = join(cwd, FOLDER)
  const file = join(folder, 'init.json')
  const open = async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(join(folder, '.gitignore'), '*\n')
  }
  return {
    async read() {
      const text = await readOptional(file)
      if (text === undefined) return { answers: {}, done: [] }
      try {
        return v.parse(State, JSON.parse(text))
      } catch {
        throw new CommandError(
          `${file} must be a file of tab402 init. Delete it to answer all questions again.`,
        )
      }
    },
    async write(state) {
      await open()
      await replace(file, `${JSON.stringify(state, null, 2)}\n`)
    },
    async payerKey(make) {
      const keyFile = join(folder, 'payer.key')
      const known = await readOptional(keyFile)
      if (known) return known.trim()
      await open()
      const key = make()
      await replace(keyFile, `${key}\n`)
      return key
    },
  }
}

/** Whole or not at all, however the process ends. */
async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 })
  await rename(`${file}.new`, file)
}

/** The text of a file; undefined if it does not exist. */
export async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw cause
  }
}
