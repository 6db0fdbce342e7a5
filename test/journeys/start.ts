/** `npm start` as a separate process, as a person or a supervisor starts and stops it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { StartFacts } from '../../src/cli/try.ts'
import { READY } from '../../src/testing/stack/stack.ts'

/** `printed` is stdout until the `ready` line; `advice` returns stderr so far. */
export type Started = {
  facts: StartFacts
  printed: string
  advice(): string
  end(signal: NodeJS.Signals): Promise<Ending>
}

export type Ending = { code: number | null; signal: NodeJS.Signals | null }

const running = new Set<ChildProcess>()

/** Starts it and waits for the ready line; throws with its stderr if it exits before. */
export async function start(
  env: Record<string, string> = {},
  args: string[] = [],
  command = 'start',
): Promise<Started> {
  const child = spawn(process.execPath, ['src/cli/main.ts', command, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  const ended = once(child, 'close').then(([code, signal]): Ending => ({ code, signal }))
  let printed = ''
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const facts = await new Promise<StartFacts>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text
      const line = printed.split('\n').find((one, at, all) => one.startsWith(READY) && at < all.length - 1)
      if (line !== undefined) resolve(JSON.parse(line.slice(READY.length)) as StartFacts)
    })
    ended.then(({ code }) => reject(new Error(`ended with ${code}: ${stderr}`)))
  })
  return {
    facts,
    printed,
    advice: () => stderr,
    end: (signal) => {
      running.delete(child)
      child.kill(signal)
      return ended
    },
  }
}

/** Stops all processes that a failed test left running. */
export async function endAll(): Promise<void> {
  const closing = [...running].map((child) => (child.exitCode === null ? once(child, 'close') : undefined))
  for (const child of running) child.kill('SIGTERM')
  running.clear()
  await Promise.all(closing)
}

/** Waits until no server answers at any of these URLs. */
export async function untilClosed(...urls: string[]): Promise<void> {
  for (const url of urls) {
    while (await answers(url)) await new Promise((done) => setTimeout(done, 50))
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    await fetch(url, { signal: AbortSignal.timeout(1_000) })
    return true
  } catch (cause) {
    return !(cause instanceof TypeError)
  }
}
