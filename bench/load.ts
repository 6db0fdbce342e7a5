/** One client process per case, which sends during slices. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Slice } from './client.ts'
import type { Traffic } from './requests.ts'

export class Load {
  readonly #child: ChildProcess

  constructor(traffic: Traffic) {
    const execArgv = ['--disable-warning=ExperimentalWarning']
    this.#child = fork(fileURLToPath(new URL('./client.ts', import.meta.url)), { execArgv })
    this.#child.send(traffic)
  }

  /** Sends for `milliseconds`, and waits for the last responses. */
  slice(milliseconds: number): Promise<Slice> {
    return new Promise((resolve, reject) => {
      const ended = () => reject(new Error('a load client exited'))
      this.#child.once('exit', ended)
      this.#child.once('message', (message) => {
        this.#child.off('exit', ended)
        resolve(message as Slice)
      })
      this.#child.send(milliseconds)
    })
  }

  stop(): void {
    if (this.#child.connected) this.#child.disconnect()
  }
}
