/** `tab402 init` against a local stack, with a stand-in for wrangler: from an empty folder to a page that was bought. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Installed, install } from '../cli/init/installed.ts'
import { type Site, startSite } from './site.ts'

const WALLET = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
const READS = /^(?:--version|whoami|d1 list|kv namespace list|secret list)\b/

let site: Site
let here: Installed

beforeAll(async () => {
  site = await startSite()
})
afterAll(() => site.stop())
afterEach(() => here.remove())

/** The answers, with the local stack as the deployment. */
function answers(): string[] {
  const { url, console } = site.facts
  const [host, pages] = [new URL(url).host, new URL(console.url).host]
  return ['init', '--yes', '--host', host, '--wallet', WALLET, '--path', '/page', '--console', pages]
}

function env(): Record<string, string> {
  const { operator, rpc } = site.facts
  return { OPERATOR_TOKEN: operator.token, KEY: site.payer().privateKey, RPC_URL: rpc }
}

/** Gives gas money to the address that init waits for, as its operator does. */
function funding() {
  let isSent = false
  return (text: string) => {
    const [, relayer] = /to your relayer[\s\S]*\n(0x[0-9a-f]{40})\n/.exec(text) ?? []
    if (!relayer || isSent) return
    isSent = true
    const params = [relayer, '0x2386f26fc10000']
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'anvil_setBalance', params })
    void fetch(site.facts.rpc, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
  }
}

/** Every byte of the folder, and the calls of wrangler. */
async function traces(): Promise<string> {
  const names = await readdir(here.folder, { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile() && entry.name !== 'payer.key')
  const texts = await Promise.all(
    files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'utf8')),
  )
  return [...texts, ...(await here.calls())].join('\n')
}

const git = (...args: string[]) => execFileSync('git', args, { cwd: here.folder, encoding: 'utf8' })

describe('tab402 init', { timeout: 60_000 }, () => {
  it('ends with a page that was bought, and leads to its entry in the console', async () => {
    here = await install()
    git('init', '-q')
    const secrets = env()
    const { code, stderr } = await here.tab402(answers(), secrets, funding())
    expect(stderr).toMatch(/GPTBot gets 402 .* asked for \$0\.001/)
    expect(stderr).toContain('A browser gets 200.')
    expect(stderr).toMatch(/Bought, in the transaction 0x[0-9a-f]{64}/)
    expect(stderr).toContain('█')
    expect({ code, done: stderr.includes('\nDone.') }).toEqual({ code: 0, done: true })

    const [, link = ''] = /See (http:\S+)/.exec(stderr) ?? []
    const page = await (await fetch(link)).text()
    const [, pass = ''] = /name="code" value="([^"]+)"/.exec(page) ?? []
    const [, to = ''] = /name="to" value="([^"]+)"/.exec(page) ?? []
    const { origin } = new URL(link)
    const body = new URLSearchParams({ code: pass, to })
    const sent = { method: 'POST', body, headers: { origin }, redirect: 'manual' } as const
    const signedIn = await fetch(`${origin}/sign-in`, sent)
    const [cookie = ''] = (signedIn.headers.get('set-cookie') ?? '').split(';')
    const entry = await fetch(new URL(signedIn.headers.get('location') ?? '', origin), {
      headers: { cookie },
    })
    expect(await entry.text()).toContain('$0.001')

    const toml = await here.read('wrangler.toml')
    expect(toml).toContain(`RECEIVER = "${WALLET}"`)
    expect(toml).toContain('database_id = "d1-tab402-book"')
    expect(toml).toMatch(/RELAYER_ADDRESS = "0x[0-9a-f]{40}"/)
    const all = await traces()
    for (const secret of Object.values(secrets).slice(0, 2)) expect(all).not.toContain(secret)
    const untracked = git('status', '--porcelain', '--untracked-files=all')
    expect(untracked.match(/\S+$/gm)).toEqual(['wrangler.console.toml', 'wrangler.toml'])
  })

  it('makes nothing twice when it runs again, and buys no second page', async () => {
    here = await install()
    const secrets = env()
    await here.tab402(answers(), secrets, funding())
    const before = await here.calls()
    const files = await traces()
    const { code, stderr } = await here.tab402(['init', '--yes'], secrets)
    expect(code).toBe(0)
    expect(stderr).toContain('A page was bought in an earlier run.')
    const again = (await here.calls()).slice(before.length)
    expect(again.filter((call) => / create |secret bulk/.test(call))).toEqual([])
    expect((await traces()).split('\n').slice(0, 200)).toEqual(files.split('\n').slice(0, 200))
  })

  it.each(['d1 create', 'secret bulk', 'deploy'])('goes on after a kill in %s', async (FAKE_KILL) => {
    here = await install()
    const secrets = env()
    const killed = await here.tab402(answers(), { ...secrets, FAKE_KILL })
    expect(killed.code).toBeNull()
    const { code } = await here.tab402(['init', '--yes'], { ...secrets, FAKE_KILL }, funding())
    expect(code).toBe(0)
    const calls = await here.calls()
    for (const call of ['d1 create', 'kv namespace create', 'secret bulk'])
      expect([call, calls.filter((made) => made.startsWith(call)).length]).toEqual([call, 1])
  })

  it('shows a new token once, and leaves no secret in a file or an argument', async () => {
    here = await install()
    const { stderr } = await here.tab402(answers(), { RPC_URL: site.facts.rpc, FAKE_KILL: 'deploy' })
    const [, token = ''] = /shown once:\n\s+([\w-]{43})\n/.exec(stderr) ?? []
    const [, secret = ''] = /tab402-origin-secret: ([0-9a-f]{64})/.exec(stderr) ?? []
    expect([token.length, secret.length]).toEqual([43, 64])
    const all = await traces()
    for (const shown of [token, secret]) {
      expect(stderr.split(shown)).toHaveLength(2)
      expect(all).not.toContain(shown)
    }
    expect(all).not.toContain(createHash('sha256').update(token).digest('hex'))
    expect(all).not.toMatch(/0x[0-9a-f]{64}/i)
  })

  it('changes nothing with --dry-run', async () => {
    here = await install()
    const { code, stderr } = await here.tab402([...answers(), '--dry-run'], { RPC_URL: site.facts.rpc })
    expect({ code, end: stderr.includes('Nothing was changed.') }).toEqual({ code: 0, end: true })
    expect(stderr).toContain('create the D1 database tab402-book')
    expect(await readdir(here.folder)).toEqual([])
    expect((await here.calls()).filter((call) => !READS.test(call))).toEqual([])
  })

  it('removes the limits of a paid plan where the plan is free', async () => {
    here = await install()
    const { code } = await here.tab402(answers(), { ...env(), FAKE_FREE: '1' }, funding())
    expect(code).toBe(0)
    expect(await here.read('wrangler.toml')).toMatch(/^# \[limits\]\n/m)
  })
})
