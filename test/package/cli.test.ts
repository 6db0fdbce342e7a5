/** The command line from its source: help, exit codes, and which stream carries what. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const MAIN = resolve('src/cli/main.ts')
const KEY = `0x${'1f'.repeat(32)}`

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tab402-cli-'))
})

afterAll(() => rm(folder, { recursive: true }))

function tab402(args: string[], env: Record<string, string> = {}) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((done, reject) => {
    const options = { cwd: folder, env: { ...process.env, KEY: '', RPC_URL: '', ...env } }
    execFile(process.execPath, [MAIN, ...args], options, (cause, stdout, stderr) => {
      if (cause && typeof cause.code !== 'number') reject(cause)
      else done({ code: Number(cause?.code ?? 0), stdout, stderr })
    })
  })
}

function settings(vars: string): Promise<void> {
  return writeFile(
    join(folder, 'wrangler.toml'),
    `[vars]
ORIGIN = "https://origin.example.com"
RECEIVER = "0x1111111111111111111111111111111111111111"
NETWORK = "eip155:84532"
SCHEMES = ["channel", "exact"]
RULES = []
${vars}`,
  )
}

describe('tab402', () => {
  it.each([
    [['-h']],
    [['--help']],
    [['start', '-h']],
    [['demo', '-h']],
    [['pay', '-h']],
    [['check-config', '-h']],
  ])('prints help that begins with examples for %j', async (args) => {
    const { code, stdout, stderr } = await tab402(args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^Examples:\n {2}\S/)
  })

  it.each([
    [[], 'Examples:'],
    [['stop'], 'tab402: the command must be one of start, demo, pay, check-config, rebuild-book.'],
    [['demo', '--fast'], "tab402 demo: Unknown option '--fast'"],
    [['start', 'now'], 'tab402 start: start must be called with options only.'],
    [['pay', 'cash', 'http://127.0.0.1/'], 'tab402 pay: the scheme must be exact, channel or credit.'],
    [['pay', 'exact', 'page'], 'tab402 pay: URL must be an http(s) URL.'],
    [['pay', 'exact', 'http://127.0.0.1/', '0'], 'tab402 pay: N must be a whole number'],
    [['pay', 'exact', 'http://127.0.0.1/'], 'tab402 pay: KEY must be 0x and 64 hex digits.'],
    [['pay', 'credit', 'http://127.0.0.1/'], 'tab402 pay: KEY must be an Ed25519 private key'],
    [['check-config', '--config', 'none.toml'], 'tab402 check-config: none.toml must exist.'],
  ])('exits 2 with one explanation on stderr for %j', async (args, explanation) => {
    const { code, stdout, stderr } = await tab402(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr.slice(0, explanation.length)).toBe(explanation)
  })

  it('prints its version', async () => {
    expect((await tab402(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})

describe('tab402 pay', () => {
  it('exits 1 without a stack trace when nothing answers at URL', async () => {
    const args = ['pay', 'exact', 'http://127.0.0.1:1/']
    expect(await tab402(args, { KEY, RPC_URL: 'http://127.0.0.1:1' })).toEqual({
      code: 1,
      stdout: '',
      stderr: 'tab402 pay: URL or RPC_URL could not be reached.\n',
    })
  })
})

describe('tab402 check-config', () => {
  it('accepts secrets that are set elsewhere when they are named', async () => {
    await settings('PRICE = "0.001"')
    const args = ['check-config', '--secret', 'RPC_URL', '--secret', 'RELAYER_KEY']
    const { code: accepted, stdout: printed, stderr } = await tab402(args)
    expect([accepted, printed]).toEqual([0, ''])
    expect(stderr).toMatch(/^warning: wrangler\.toml: PRICE must be at least \$0\.00225 to pay for the gas/m)
    const { code, stdout } = await tab402(['check-config', '--json'])
    expect(code).toBe(1)
    const { ok, problems } = JSON.parse(stdout)
    expect(ok).toBe(false)
    expect(problems.map(({ place }: { place: string }) => place)).toEqual(['RPC_URL', 'RELAYER_KEY'])
  })

  it('checks the section of an environment, which inherits no vars', async () => {
    await settings('PRICE = "0.001"\n[env.staging.vars]\nPRICE = "free"')
    const { code, stdout } = await tab402(['check-config', '--env', 'staging'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/^wrangler\.toml: PRICE /m)
    expect(stdout).toMatch(/^wrangler\.toml: RECEIVER /m)
    expect(stdout).not.toContain('free')
    expect(await tab402(['check-config', '--env', 'production'])).toMatchObject({ code: 2 })
  })

  it('names the line of broken TOML and does not quote it', async () => {
    await settings('RELAYER_KEY = 0x1f1f1f zz')
    const { code, stderr } = await tab402(['check-config'])
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^tab402 check-config: wrangler\.toml must be valid TOML\. See line 7, column \d+\.\n$/,
    )
  })
})
