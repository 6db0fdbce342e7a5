import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { startChild } from '../../src/testing/stack/child.ts'

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function output(script: string) {
  const child = await startChild(process.execPath, ['-e', script], 200)
  let text = ''
  const printed = (word: string) =>
    new Promise<void>((resolve) => {
      child.onOutput((piece) => {
        text += piece
        if (text.includes(word)) resolve()
      })
    })
  return { child, printed }
}

describe('child process', () => {
  it('has ended when stop resolves', async () => {
    const { child } = await output('setInterval(() => {}, 1e6)')
    expect(isAlive(child.pid)).toBe(true)
    await child.stop()
    expect(isAlive(child.pid)).toBe(false)
  })

  it('is killed after the grace period if it ignores SIGTERM', async () => {
    const { child, printed } = await output(
      'process.on("SIGTERM", () => {}); setInterval(() => {}, 1e6); console.log("up")',
    )
    await printed('up')
    await child.stop()
    expect(isAlive(child.pid)).toBe(false)
  })

  it('may use the grace period to finish', async () => {
    const script =
      'process.on("SIGTERM", () => setTimeout(() => process.exit(), 50)); setInterval(() => {}, 1e6); console.log("up")'
    const { child, printed } = await output(script)
    await printed('up')
    await child.stop()
    expect(isAlive(child.pid)).toBe(false)
  })

  it('resolves ended when it exits by itself', async () => {
    const { child } = await output('0')
    await child.ended
    await child.stop()
  })

  it('passes on its output, including lines printed before a listener was added', async () => {
    const { child, printed } = await output(
      'console.log("first"); console.error("second"); setInterval(() => {}, 1e6)',
    )
    await printed('second')
    await printed('first')
    await child.stop()
  })

  it('rejects a missing program with the reason', async () => {
    await expect(startChild('/no/such/program', [])).rejects.toThrow(/did not start.*ENOENT/)
  })

  it.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
    'takes its scratch folder with it when its starter ends by %s',
    async (signal) => {
      const scratch = await mkdtemp(join(tmpdir(), 'tab402-scratch-'))
      const start = `import { startChild } from '${resolve('src/testing/stack/child.ts')}'
        await startChild(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], 200, '${scratch}')
        process.kill(process.pid, '${signal}')`
      await new Promise((over) => execFile(process.execPath, ['--input-type=module', '-e', start], over))
      await vi.waitFor(() => expect(existsSync(scratch)).toBe(false), { timeout: 20_000 })
    },
  )
})
