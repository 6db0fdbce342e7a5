import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { installCommand, LAB_TOOLS } from '../../src/testing/tools.ts'

let folder: string
let pinned: string | undefined

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tab402-tools-'))
  const { devDependencies } = JSON.parse(await readFile('package.json', 'utf8'))
  pinned = devDependencies.miniflare
})
afterAll(() => rm(folder, { recursive: true }))

async function withMiniflare(version: string): Promise<string> {
  const home = join(folder, 'node_modules/miniflare')
  await mkdir(home, { recursive: true })
  await writeFile(join(home, 'package.json'), JSON.stringify({ name: 'miniflare', version }))
  return join(folder, 'index.js')
}

describe('installCommand', () => {
  it('names a package that is older than ours by a major version', async () => {
    const command = installCommand(['miniflare'], await withMiniflare('4.20260730.0'))
    expect(command).toBe(`npm install --save-dev miniflare@${pinned}`)
  })

  it('is satisfied by a package of our major version', async () => {
    expect(installCommand(['miniflare'], await withMiniflare('5.20260101.0'))).toBeNull()
  })

  it('names a package that is missing', () => {
    expect(installCommand(['hono'], join(folder, 'index.js'))).toMatch(/^npm install --save-dev hono@4\./)
  })
})

describe('the install command of docs/lab.md', () => {
  it('names each package of the lab, and the miniflare that the lab runs on', async () => {
    const [line = ''] = /^npm install --save-dev .*$/m.exec(await readFile('docs/lab.md', 'utf8')) ?? []
    const names = LAB_TOOLS.map((name) => (name === 'miniflare' ? `miniflare@${pinned}` : name))
    expect(line.split(' ').slice(3).sort()).toEqual(['tab402', ...names].sort())
  })
})
