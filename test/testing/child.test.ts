import { describe, expect, it } from 'vitest'
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
  const heard = (word: string) =>
    new Promise<void>((resolve) => {
      child.onOutput((piece) => {
        text += piece
        if (text.includes(word)) resolve()
      })
    })
  return { child, heard }
}

describe('a child', () => {
  it('is gone when stop settles', async () => {
    const { child } = await output('setInterval(() => {}, 1e6)')
    expect(isAlive(child.pid)).toBe(true)
    await child.stop()
    expect(isAlive(child.pid)).toBe(false)
  })

  it('that does not heed SIGTERM is killed after its grace', async () => {
    const { child, heard } = await output(
      'process.on("SIGTERM", () => {}); setInterval(() => {}, 1e6); console.log("up")',
    )
    await heard('up')
    await child.stop()
    expect(isAlive(child.pid)).toBe(false)
  })

  it('is given its grace to finish what it does', async () => {
    const script =
      'process.on("SIGTERM", () => setTimeout(() => process.exit(), 50)); setInterval(() => {}, 1e6); console.log("up")'
    const { child, heard } = await output(script)
    await heard('up')
    await child.stop()
    expect(isAlive(child.pid)).toBe(false)
  })

  it('that ends by itself is seen to end', async () => {
    const { child } = await output('0')
    await child.ended
    await child.stop()
  })

  it('is heard, even in what it said before anyone listened', async () => {
    const { child, heard } = await output(
      'console.log("first"); console.error("second"); setInterval(() => {}, 1e6)',
    )
    await heard('second')
    await heard('first')
    await child.stop()
  })

  it('that is no program does not start, and the reason is told', async () => {
    await expect(startChild('/no/such/program', [])).rejects.toThrow(/did not start.*ENOENT/)
  })
})
