import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openKeep } from '../../src/testing/stack/keep.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tab402-test-'))
})

afterEach(() => rm(directory, { recursive: true }))

/** Makes another process the holder of the directory, as after a kill. */
async function hold(pid: number | undefined): Promise<void> {
  const file = join(directory, 'stack.json')
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), holder: pid }))
}

describe('openKeep', () => {
  it('returns the same secrets when it is opened again', async () => {
    const first = await openKeep(directory)
    await first.close()
    const second = await openKeep(directory)
    expect(second.operatorToken).toBe(first.operatorToken)
    expect(second.originSecret).toBe(first.originSecret)
  })

  it('creates other secrets for another directory', async () => {
    const [first, second] = [await openKeep(directory), await openKeep(join(directory, 'other'))]
    expect(second.operatorToken).not.toBe(first.operatorToken)
  })

  it('marks sample figures of a new directory, and of no other', async () => {
    const first = await openKeep(directory, { sampleBefore: '2026-11-27' })
    await first.close()
    expect((await openKeep(directory, { sampleBefore: '2026-12-01' })).sampleBefore).toBe('2026-11-27')
    const empty = join(directory, 'empty')
    await (await openKeep(empty)).close()
    expect((await openKeep(empty, { sampleBefore: '2026-12-01' })).sampleBefore).toBeUndefined()
  })

  it('deletes its directory on close if none was given', async () => {
    const keep = await openKeep(undefined)
    expect(existsSync(keep.directory)).toBe(true)
    await keep.close()
    expect(existsSync(keep.directory)).toBe(false)
  })

  it('rejects a directory that a running stack uses', async () => {
    await openKeep(directory)
    const other = spawn('sleep', ['30'])
    await hold(other.pid)
    await expect(openKeep(directory, { patienceMs: 100 })).rejects.toThrow(
      `process ${other.pid} still uses this state`,
    )
    other.kill()
  })

  it('waits until the processes of a killed stack have ended', async () => {
    await openKeep(directory)
    const other = spawn('sleep', ['0.3'])
    await hold(other.pid)
    await expect(openKeep(directory)).resolves.toMatchObject({ directory })
    expect(other.exitCode).toBe(0)
  })

  it('names the file that cannot be read', async () => {
    await writeFile(join(directory, 'stack.json'), '{')
    await expect(openKeep(directory)).rejects.toThrow(/stack\.json cannot be read/)
  })
})
