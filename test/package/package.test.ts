/** The package as its users get it: packed, installed into an empty folder, and used from there. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PAY_TOOLS, STACK_TOOLS } from '../../src/testing/tools.ts'
import { openProject, type Project } from './project.ts'

const TSC = 'typescript/bin/tsc'
const WRANGLER = 'wrangler/bin/wrangler.js'
const SECRETS = `RPC_URL=https://node.example.com\nRELAYER_KEY=0x${'1f'.repeat(32)}\n`
const RECEIVER = '0x1111111111111111111111111111111111111111'

let project: Project

beforeAll(async () => {
  project = await openProject()
  await project.link('@cloudflare/workers-types')
}, 120_000)

afterAll(() => project?.remove())

/** The file that `tab402 check-config` reads, with a receiver instead of the zero address of the example. */
async function withReceiver(receiver: string): Promise<void> {
  const text = await readFile('examples/hono/wrangler.toml', 'utf8')
  await project.write('wrangler.toml', text.replace(/0x0{40}/, receiver))
}

describe('the installed package', { timeout: 60_000 }, () => {
  it('holds no TypeScript but declarations', async () => {
    const files = await readdir(join(project.folder, 'node_modules/tab402'), { recursive: true })
    expect(files.filter((file) => /(?<!\.d)\.[cm]?tsx?$/.test(file))).toEqual([])
    expect(files).toContain('dist/index.d.ts')
  })

  it('type-checks examples/hono and its own declarations, and rejects a wrong use', async () => {
    await project.write(
      'wrong.ts',
      `import { type Bindings, paywall } from 'tab402'
       export const bindings: Bindings = {}
       export const line: string = paywall()`,
    )
    const { stdout, stderr } = await project.tool(TSC, ['-p', '.'])
    // Other packages may need the DOM's types, which no Worker has.
    const ours = stdout
      .split('\n')
      .filter((line) => /^\S/.test(line) && !/^node_modules\/(?!tab402\/)/.test(line))
    expect(ours.sort()).toEqual([
      expect.stringMatching(/^wrong\.ts\(2,.*ACCOUNT, AUTHORIZATIONS/),
      expect.stringMatching(/^wrong\.ts\(3,.*MiddlewareHandler/),
    ])
    expect(stderr).toBe('')
  })

  it('bundles in examples/hono, as a deploy does', async () => {
    const { code, stdout, stderr } = await project.tool(WRANGLER, ['deploy', '--dry-run', '--outdir', 'out'])
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout).toContain('Total Upload')
    expect(await readdir(join(project.folder, 'out'))).toContain('worker.js')
  })

  it('answers a crawler with 402 under wrangler dev', async () => {
    await withReceiver(RECEIVER)
    await project.write('.dev.vars', SECRETS)
    const { home, paid } = await project.dev(async (url) => ({
      home: await fetch(url),
      paid: await fetch(`${url}/forecast/utrecht`, { headers: { 'user-agent': 'GPTBot' } }),
    }))
    expect(home.status).toBe(200)
    expect(paid.status).toBe(402)
    expect(paid.headers.get('payment-required')).toMatch(/^[\w+/=-]+$/)
  })
})

describe('the installed tab402', { timeout: 60_000 }, () => {
  it('check-config exits 1 and prints each problem of wrangler.toml', async () => {
    await withReceiver('0x22')
    await project.write('.dev.vars', 'RPC_URL=https://node.example.com\nRELAYER_KEY=0x1f1f\n')
    const { code, stdout } = await project.tab402(['check-config'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/^wrangler\.toml: RECEIVER /m)
    expect(stdout).toMatch(/^\.dev\.vars: RELAYER_KEY /m)
    expect(stdout).not.toContain('0x1f1f')
  })

  it('check-config exits 0 without problems, and warns about a price below its gas', async () => {
    await withReceiver(RECEIVER)
    await project.write('.dev.vars', SECRETS)
    const { code, stdout, stderr } = await project.tab402(['check-config', '--json'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const warnings = [{ place: 'PRICE', message: expect.stringContaining('to pay for the gas') }]
    expect(JSON.parse(stdout)).toEqual({ ok: true, problems: [], warnings })
  })

  it('demo names the packages that it needs, in one line', async () => {
    const { code, stdout, stderr } = await project.tab402(['demo'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(
      /^tab402 demo: needs more packages\. Run: npm install --save-dev .*wrangler@\d+\.\d+.*\n$/,
    )
  })

  it('demo runs from the package once they are there', async () => {
    await project.link(...STACK_TOOLS, ...PAY_TOOLS, 'cli-table3')
    const { code, stdout, stderr } = await project.tab402(['demo', '--json'])
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, requests: 491 })
    expect(code).toBe(0)
  }, 120_000)
})
