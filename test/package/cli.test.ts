/** The command line from its source: help, exit codes, and which stream carries what. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
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
    [['replay', '-h']],
    [['explain', '-h']],
    [['import-robots', '-h']],
    [['swarm', '-h']],
    [['sign', '-h']],
  ])('prints help that begins with examples for %j', async (args) => {
    const { code, stdout, stderr } = await tab402(args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^Examples:\n {2}\S/)
  })

  it.each([
    [[], 'Examples:'],
    [
      ['stop'],
      'tab402: the command must be one of init, start, demo, pay, check-config, doctor, explain, replay, import-robots, rebuild-book, sites, swarm, sign.',
    ],
    [['demo', '--fast'], "tab402 demo: Unknown option '--fast'"],
    [['start', 'now'], 'tab402 start: start must be called with options only.'],
    [['pay', 'cash', 'http://127.0.0.1/'], 'tab402 pay: the scheme must be exact, channel or credit.'],
    [['pay', 'exact', 'page'], 'tab402 pay: URL must be an http(s) URL.'],
    [['pay', 'exact', 'http://127.0.0.1/', '0'], 'tab402 pay: N must be a whole number'],
    [['pay', 'exact', 'http://127.0.0.1/'], 'tab402 pay: KEY must be 0x and 64 hex digits.'],
    [['pay', 'credit', 'http://127.0.0.1/'], 'tab402 pay: KEY must be an Ed25519 private key'],
    [['check-config', '--config', 'none.toml'], 'tab402 check-config: none.toml must exist.'],
    [['replay'], 'tab402 replay: LOG must be a file'],
    [
      ['swarm', 'https://example.com/'],
      'tab402 swarm: URL must be on this machine. For a server of your own',
    ],
    [['sign', 'https://example.com/'], 'tab402 sign: URL must be on this machine. For a server of your own'],
    [['swarm', '--mix', 'thief:5'], 'tab402 swarm: --mix must be NAME:WEIGHT pairs'],
    [['swarm', 'http://127.0.0.1/'], 'tab402 swarm: URL must be of a stack that tab402 start runs'],
    [['sign', 'http://127.0.0.1/', '--format', 'csv'], 'tab402 sign: --format must be one of'],
    [
      ['replay', 'a.log', '--policy', 'none.toml'],
      'tab402 replay: none.toml must exist. Name another file with --policy.',
    ],
    [['replay', 'a.log', '--format', 'iis'], 'tab402 replay: --format must be one of combined, caddy'],
    [['replay', 'a.log', '--map', 'url=1'], 'tab402 replay: --map must be pairs such as path=request.uri'],
    [['replay', 'a.log', '--json', '--csv'], 'tab402 replay: --json and --csv must not be combined.'],
    [['explain', '/a', '--as', 'GPTBot'], 'tab402 explain: URL must be one http(s) URL.'],
    [['explain', 'https://a.example/'], 'tab402 explain: --as must be a known crawler'],
    [['import-robots'], 'tab402 import-robots: one FILE or URL must be given.'],
    [['import-robots', 'none.txt'], 'tab402 import-robots: none.txt must be a file'],
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

const ACCESS = (path: string, ua: string) =>
  `203.0.113.7 - - [27/Nov/2026:01:02:03 +0000] "GET ${path} HTTP/1.1" 200 512 "-" "${ua}"\n`

describe('tab402 replay', () => {
  const log =
    ACCESS('/a', 'GPTBot/1.2').repeat(3) + ACCESS('/b', 'GPTBot/1.2') + ACCESS('/shut/1', 'CCBot/2.0')
  const rule = '[[vars.RULES]]\npath = "/shut/*"\naction = "block"'

  it('prints what a policy without a wallet would have asked, as a table, JSON and CSV', async () => {
    await writeFile(
      join(folder, 'wrangler.toml'),
      `[vars]\nORIGIN = "zone"\nNETWORK = "eip155:8453"\nPRICE = "0.002"\n${rule}\n`,
    )
    await writeFile(join(folder, 'access.log'), log)
    await writeFile(join(folder, 'access.log.1.gz'), gzipSync(log))
    const both = ['access.log', 'access.log.1.gz']
    const table = await tab402(['replay', ...both])
    expect(table).toMatchObject({ code: 0, stderr: '' })
    expect(table.stdout).toMatch(/^GPTBot {3}training {2}default {3}charge {9}8 {6}2 {9}0\.016 {4}0\.016$/m)
    expect(table.stdout).not.toContain('203.0.113.7')
    const json = JSON.parse((await tab402(['replay', ...both, '--json'])).stdout)
    expect(json.totals).toMatchObject({ charge: { requests: 8, listPrice: '16000' }, block: { requests: 2 } })
    const { stdout: csv } = await tab402(['replay', ...both, '--csv'])
    expect(csv).toMatch(/^GPTBot,false,training,default,charge,8,2,false,0\.016000,0\.016000,/m)
  })

  it('exits 1 for a log that is cut off, and reports what it read', async () => {
    await writeFile(
      join(folder, 'cut.gz'),
      gzipSync(ACCESS('/a', 'GPTBot/1.2').repeat(5_000)).subarray(0, -9),
    )
    const { code, stdout, stderr } = await tab402(['replay', 'cut.gz'])
    expect(code).toBe(1)
    expect(stdout).toContain('GPTBot')
    expect(stderr).toBe(
      'warning: cut.gz must be complete gzip. Only what stands before the fault was read.\n',
    )
  })

  it.each([
    ['empty.log', '', 'empty.log must have at least one line.'],
    ['odd.log', 'hello\n', 'odd.log must be of a known format: combined, caddy'],
  ])('exits 1 with one explanation for %s', async (name, text, explanation) => {
    await writeFile(join(folder, name), text)
    const { code, stdout, stderr } = await tab402(['replay', name])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr.slice(0, `tab402 replay: ${explanation}`.length)).toBe(`tab402 replay: ${explanation}`)
  })
})

describe('tab402 explain', () => {
  it('shows the offers of the 402 where the settings are complete', async () => {
    await writeFile(
      join(folder, 'exact.toml'),
      `[vars]
ORIGIN = "zone"
RECEIVER = "0x1111111111111111111111111111111111111111"
NETWORK = "eip155:84532"
SCHEMES = ["exact"]
PRICE = "0.002"
FACILITATOR_URL = "https://facilitator.example"`,
    )
    const args = ['explain', 'https://site.example/a', '--as', 'GPTBot', '--policy', 'exact.toml']
    const { code, stdout, stderr } = await tab402(args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^answer {4}402 /m)
    expect(stdout).toMatch(/^ {10}payment-required: \S/m)
    const json = JSON.parse((await tab402([...args, '--json'])).stdout)
    expect(json).toMatchObject({ client: { class: 'training' }, decision: { price: '2000' } })
  })
})

describe('tab402 import-robots', () => {
  it('reads a URL, also one that answers 418', async () => {
    const server = createServer((request, answer) => {
      answer.statusCode = request.url === '/robots.txt' ? 418 : 404
      answer.end('User-agent: GPTBot\nDisallow: /\n')
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const { port } = server.address() as AddressInfo
    const { code, stdout, stderr } = await tab402(['import-robots', `http://127.0.0.1:${port}`])
    server.close()
    expect(code).toBe(0)
    expect(stdout).toContain('[[vars.RULES]]\nwho = "GPTBot"\naction = "block"\n')
    expect(stderr).toContain('answered 418. Most crawlers ignore a robots.txt with that status.')
  })

  it('exits 1 for a page that is not a robots.txt', async () => {
    await writeFile(join(folder, 'page.html'), '<html>Not found</html>')
    const { code, stderr } = await tab402(['import-robots', 'page.html'])
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'tab402 import-robots: page.html must have at least one line User-agent.\n',
    })
  })
})
