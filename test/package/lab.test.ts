/** The lab as its users get it: from the packed package, in an empty project. */
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LAB_TOOLS, STACK_TOOLS } from '../../src/testing/tools.ts'
import { openProject, type Project } from './project.ts'

const VITEST = `import { expect } from 'vitest'
import { labTest } from 'tab402/lab/vitest'

const it = labTest({ start: '2026-12-01', policy: { PRICE: '0.001' } })

it('pays for what it reads', async ({ lab, crawler }) => {
  const honest = await crawler({ pays: 'channel' })
  await honest.read('/page', 10)
  await expect(honest).toOwe(10_000n)
  await lab.nights(30)
  await expect(lab).toHaveReceived(10_000n)
  await expect(lab).toBeAudited()
}, 120_000)
`

const NODE = `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLab } from 'tab402/lab'

test('a replayed payment opens one page', async (t) => {
  const lab = await openLab({ start: '2026-12-01' })
  t.after(() => lab.close())
  const thief = await lab.crawler({ is: 'replayer', pays: 'channel' })
  const { stolen } = await thief.run()
  assert.equal(stolen, 0n)
  await lab.audit()
})
`

let project: Project

beforeAll(async () => {
  project = await openProject()
}, 600_000)

afterAll(() => project?.remove())

describe('the installed tab402/lab', { timeout: 400_000 }, () => {
  it('names the packages that it needs, in one line', async () => {
    await project.write('lab.mjs', NODE)
    const { code, stdout } = await project.node(['--test', 'lab.mjs'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/tab402\/lab needs more packages\. Run: npm install --save-dev .*anvil@1\.7\.1/)
  })

  it('runs in a node --test file', async () => {
    await project.link(...LAB_TOOLS)
    const { code, stdout } = await project.node(['--test', 'lab.mjs'])
    expect(stdout).toContain('pass 1')
    expect(code).toBe(0)
  })

  it('runs in a vitest file, with its fixtures and matchers', async () => {
    await project.link('vitest')
    await project.write('lab.test.mjs', VITEST)
    const { code, stdout, stderr } = await project.tool('vitest/vitest.mjs', ['run', 'lab.test.mjs'])
    expect(stdout + stderr).toMatch(/Tests\s+1 passed/)
    expect(code).toBe(0)
  })

  it('runs somebody’s own Worker with the middleware', async () => {
    await project.link(...STACK_TOOLS.filter((name) => !LAB_TOOLS.includes(name)))
    const config = await readFile('examples/hono/wrangler.toml', 'utf8')
    await project.write('wrangler.toml', config.replace('../../migrations', 'node_modules/tab402/migrations'))
    const own = NODE.replace("start: '2026-12-01'", "worker: 'wrangler.toml'").replace('replayer', 'honest')
    await project.write('own.mjs', own.replace("'channel' }", "'channel', below: '/forecast' }"))
    const { code, stdout } = await project.node(['--test', 'own.mjs'])
    expect(stdout).toContain('pass 1')
    expect(code).toBe(0)
  })

  it('is described by the ten lines at the start of docs/lab.md', async () => {
    const text = await readFile('docs/lab.md', 'utf8')
    expect(text).toContain(VITEST)
    expect(text).toContain(NODE)
  })
})
