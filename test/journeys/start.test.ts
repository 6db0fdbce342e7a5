import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { chainReader as chainBook, operatorClient as operatorBook } from '../../src/cli/demo/clients.ts'
import { payAtOnce, payByVoucher as runATab } from '../../src/cli/pay/crawler.ts'
import { resolveLocalhost } from '../../src/testing/localhost.ts'
import { READY, type StackFacts } from '../../src/testing/stack/stack.ts'
import { endAll, type Started, start, untilClosed } from './start.ts'

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

const folders: string[] = []

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'tab402-test-'))
  folders.push(path)
  return path
}

afterEach(async () => {
  await endAll()
  for (const path of folders.splice(0)) await rm(path, { recursive: true })
})

function payerOf({ accounts }: StackFacts, at: number) {
  const account = accounts[at]
  if (!account) throw new Error(`account ${at} is missing`)
  return account
}

async function status(url: string, userAgent: string): Promise<number> {
  return (await fetch(url, { headers: { 'user-agent': userAgent } })).status
}

/** The example commands in the advice of `tab402 start`. */
function commandsIn(advice: string): string[] {
  return [...advice.matchAll(/(?<=^ {4})\S.*/gm)].map(([line]) => line)
}

/** Opens the one-time link, and presses the button of its page. */
async function followLogin({ console: { url, login } }: StackFacts) {
  const [, code = ''] = /name="code" value="([^"]+)"/.exec(await (await fetch(login)).text()) ?? []
  const body = new URLSearchParams({ code })
  const sent = { method: 'POST', body, headers: { origin: url }, redirect: 'manual' } as const
  const answer = await fetch(`${url}/sign-in`, sent)
  const [cookie = ''] = (answer.headers.get('set-cookie') ?? '').split(';')
  return { status: answer.status, cookie }
}

/** The same ports and the same state. */
function again({ facts }: Started, STATE_DIR: string) {
  const [PORT, CHAIN_PORT, ORIGIN_PORT] = [facts.url, facts.rpc, facts.origin].map((url) => new URL(url).port)
  return start({ STATE_DIR, PORT: `${PORT}`, CHAIN_PORT: `${CHAIN_PORT}`, ORIGIN_PORT: `${ORIGIN_PORT}` })
}

describe('npm start', { timeout: 60_000 }, () => {
  it('prints one ready line with every fact that a client needs, and four commands on stderr', async () => {
    const { facts, printed, advice } = await start()
    expect(printed.split('\n').filter(Boolean)).toEqual([expect.stringMatching(`^${READY}`)])
    await expect.poll(() => commandsIn(advice())).toHaveLength(4)
    expect(advice()).toContain(facts.url)
    const { receiver, accounts, sites } = facts
    const { port } = new URL(facts.url)
    expect(facts).toEqual({
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      origin: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      rpc: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      scheduled: `${facts.url}/cdn-cgi/local/scheduled?cron=0+0+*+*+*`,
      usdc: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
      escrow: '0x4020074e9df2ce1dee5a9c1b5c3f541d02a10003',
      receiver: expect.stringMatching(/^0x[0-9a-f]{40}$/),
      paths: { free: '/robots.txt', charged: expect.stringMatching(/^\/articles\//) },
      accounts: expect.any(Array),
      operator: { url: `${facts.url}/_tab402/api`, token: expect.any(String) },
      console: {
        url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
        login: expect.stringMatching(`^${facts.console.url}/sign-in\\?code=[\\w-]{43}$`),
      },
      playground: { url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}\/$/) },
      sites: [
        { id: 'tally-and-ink', url: `http://tally.localhost:${port}`, receiver, mode: 'live' },
        { id: 'abacus-daily', url: `http://abacus.localhost:${port}`, receiver, mode: 'live' },
        {
          id: 'quipu-review',
          url: `http://quipu.localhost:${port}`,
          receiver: expect.stringMatching(/^0x[0-9a-f]{40}$/),
          mode: 'shadow',
        },
      ],
    })
    expect(accounts.length).toBeGreaterThanOrEqual(4)
    expect(accounts.map(({ address }) => address)).not.toContain(receiver)
    expect(await status(facts.url + facts.paths.charged, BROWSER)).toBe(200)
    expect(await status(facts.url + facts.paths.charged, 'GPTBot')).toBe(402)
    expect(await status(facts.url + facts.paths.free, 'GPTBot')).toBe(200)
    resolveLocalhost()
    const asked = sites.map(({ url }) => status(url + facts.paths.charged, 'GPTBot'))
    expect(await Promise.all(asked)).toEqual([402, 402, 200])
    expect(await status(`http://other.localhost:${port}/`, BROWSER)).toBe(421)
  })

  it('prints a link that signs in to the console once, and marks its sample figures on the page', async () => {
    const { facts, advice } = await start()
    await expect.poll(advice).toContain(facts.console.login)
    const { status: first, cookie } = await followLogin(facts)
    expect([first, (await followLogin(facts)).status]).toEqual([303, 403])
    const home = await (await fetch(facts.console.url, { headers: { cookie } })).text()
    expect(home).toContain('Sample data.')
    expect(home).toContain('LanternBot')
  })

  it('is what tab402 init --mode try ends in', async () => {
    const { facts } = await start({}, ['--mode', 'try'], 'init')
    expect(await status(facts.url + facts.paths.charged, 'GPTBot')).toBe(402)
  })

  it('leaves out all sample figures with --empty', async () => {
    const { facts } = await start({}, ['--empty'])
    const headers = { authorization: `Bearer ${facts.operator.token}` }
    const figures = await fetch(`${facts.operator.url}/figures?interval=month&by=site`, { headers })
    expect(((await figures.json()) as { figures: object[] }).figures).toEqual([])
    const { cookie } = await followLogin(facts)
    const home = await (await fetch(facts.console.url, { headers: { cookie } })).text()
    expect(home).not.toMatch(/Sample data|LanternBot/)
  })

  it('prints commands that work unchanged, from a free page to a paid invoice', async () => {
    const { facts, advice } = await start({}, ['--examples'])
    await expect.poll(() => commandsIn(advice())).toHaveLength(17)
    const had = await chainBook(facts).holds(facts.receiver)
    /** How many nights have settled what is owed and billed credit lines. */
    const settled = async () => {
      const runs = (await operatorBook(facts).runs()).filter(({ status }) => status === 'settled')
      const of = (kind: string) => runs.filter((run) => run.kind === kind).length
      return Math.min(of('settlement'), of('billing'))
    }
    let nights = 0
    for (const line of commandsIn(advice())) {
      await promisify(execFile)('bash', ['-o', 'pipefail', '-c', line])
      if (!line.includes(facts.scheduled)) continue
      nights++
      await expect.poll(settled, { timeout: 20_000 }).toBe(nights)
    }
    // One page at once, ten on a channel and one more on another host, and an invoice for twenty.
    expect((await chainBook(facts).holds(facts.receiver)) - had).toBe(32_000n)
    const tabs = (await operatorBook(facts).lines()).filter(({ kind }) => kind === 'channel')
    expect(tabs).toMatchObject([{ totals: { charged: '11000', redeemed: '11000' } }])
  })

  it('stops all it started on SIGTERM, exits 0 and leaves no file behind', async () => {
    const TMPDIR = await folder()
    const { facts, end } = await start({ TMPDIR })
    expect(await readdir(TMPDIR)).not.toEqual([])
    expect(await end('SIGTERM')).toEqual({ code: 0, signal: null })
    await untilClosed(facts.url, facts.rpc, facts.origin, facts.playground.url)
    expect(await readdir(TMPDIR)).toEqual([])
  })

  it('leaves nothing running when it is killed', async () => {
    const { facts, end } = await start()
    await end('SIGKILL')
    await untilClosed(facts.url, facts.rpc, facts.origin, facts.playground.url)
  })

  it('continues with the same state when it is started again after a kill', async () => {
    const stateDir = await folder()
    const before = await start({ STATE_DIR: stateDir })
    const { facts } = before
    const page = facts.url + facts.paths.charged
    const received = () => chainBook(facts).holds(facts.receiver)
    const had = await received()
    await payAtOnce(payerOf(facts, 0).privateKey, facts.rpc)(page)
    const crawler = runATab(payerOf(facts, 1).privateKey, facts.rpc)
    const { channel } = await crawler(page)
    if (!channel) throw new Error('no channel was opened')
    await before.end('SIGKILL')

    const after = await again(before, stateDir)
    // Both are on a free port of their own.
    const { console, playground } = after.facts
    expect(after.facts).toEqual({ ...facts, console, playground })
    // For the crawler nothing has changed: no second deposit, and its total goes on.
    expect(await crawler(page)).toMatchObject({ transaction: '', channel })
    expect(await operatorBook(facts).tab(channel.channelId)).toMatchObject({ charged: '2000', redeemed: '0' })
    expect(await (await fetch(facts.scheduled)).text()).toBe('ok')
    await expect.poll(async () => (await received()) - had, { timeout: 20_000 }).toBe(3_000n)
  })

  it('runs in front of another server when ORIGIN_URL names one', async () => {
    const server = createServer((_, response) => response.end('my own site'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const ORIGIN_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { facts } = await start({ ORIGIN_URL })
    const { body } = await payAtOnce(payerOf(facts, 0).privateKey, facts.rpc)(`${facts.url}/anything`)
    expect(facts.origin).toBe(ORIGIN_URL)
    expect(facts.sites).toHaveLength(1)
    expect(body).toBe('my own site')
    server.close()
    server.closeAllConnections()
  })

  it.each([
    [{ PORT: '80x' }, 'PORT must be a port from 0 to 65535'],
    [{ ORIGIN_URL: 'localhost:8080' }, 'ORIGIN_URL must be the http(s) URL of a server, without a path'],
    [{ ORIGIN_URL: 'http://localhost:8080/blog' }, 'ORIGIN_URL must be the http(s) URL of a server'],
  ])('reports what is wrong with %j and exits with 2', async (env, fault) => {
    await expect(start(env)).rejects.toThrow(`ended with 2: tab402 start: ${fault}`)
  })
})
