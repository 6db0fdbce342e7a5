/** Many sites on one deployment, from the operator's files to the chain. */
import { execFile } from 'node:child_process'
import dns from 'node:dns'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { decodePaymentResponseHeader } from '@x402/fetch'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Hex } from '../../src/protocol/evm/hex.ts'
import { freePort } from '../../src/testing/stack/billing.ts'
import { channelFetch } from '../upstream.ts'
import { AGENT, accountOf, CANARY, type Site, settleAt, startSite } from './site.ts'

const MAIN = resolve('src/cli/main.ts')

let site: Site
let port: number
let folder: string
const host = (name: string) => `${name}.localhost:${port}`

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tab402-sites-'))
  Object.assign(dns, { lookup: nearby })
  port = await freePort()
  const vars = { PUBLIC_URL: `http://127.0.0.1:${port}`, MAX_UNCLAIMED: '0.004', PRICE: '0.001', RULES: '[]' }
  site = await startSite(vars, port, true)
})
afterAll(async () => {
  await site.stop()
  await rm(folder, { recursive: true })
  Object.assign(dns, { lookup: elsewhere })
})

/** Not every system resolves names below localhost, which clients must reach. */
const elsewhere = dns.lookup
const nearby = (name: string, ...rest: [dns.LookupOptions, () => void]) =>
  elsewhere(name.endsWith('.localhost') ? '127.0.0.1' : name, ...rest)

function tab402(...args: string[]) {
  const env = { ...process.env, OPERATOR_TOKEN: site.facts.operator.token, TAB402_URL: site.facts.url }
  return new Promise<{ code: number; stdout: string; stderr: string }>((done, reject) => {
    execFile(process.execPath, [MAIN, 'sites', ...args], { cwd: folder, env }, (cause, stdout, stderr) => {
      if (cause && typeof cause.code !== 'number') reject(cause)
      else done({ code: Number(cause?.code ?? 0), stdout, stderr })
    })
  })
}

const ask = (name: string, path: string, headers: Record<string, string> = {}) =>
  fetch(`http://${host(name)}${path}`, { headers: { 'user-agent': AGENT, ...headers } })

const file = (name: string, text: string) => writeFile(join(folder, name), text)

const RECEIVER = '0x00000000000000000000000000000000000000aa'

async function writeSites(price: string) {
  await file(
    'sites.toml',
    `
[[publishers]]
id = "press"
name = "Example Press"

[[publishers]]
id = "owner"
name = "Owner"
receiver = "${RECEIVER}"

[[sites]]
id = "news"
publisher = "press"
hosts = ["${host('news')}"]
mode = "live"
[sites.terms]
ORIGIN = "${site.origin.url}"
PRICE = "${price}"

[[sites]]
id = "blog"
publisher = "press"
hosts = ["${host('blog')}"]
mode = "live"
[sites.terms]
ORIGIN = "${site.origin.url}"

[[sites]]
id = "own"
publisher = "owner"
hosts = ["${host('own')}"]
mode = "live"
[sites.terms]
ORIGIN = "${site.origin.url}"
`,
  )
}

describe('tab402 sites', () => {
  it('shows what files would change, and writes nothing with --dry-run', async () => {
    await writeSites('0.001')
    const { code, stdout, stderr } = await tab402('import', 'sites.toml', '--dry-run')
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: '5 new, 0 changed, 0 the same, 0 faults. Nothing was written.\n',
    })
    expect(stdout).toContain('new site news (sites.toml)\n')
    expect(stdout).toContain('  + terms = {"ORIGIN":')
    expect((await tab402('list')).stdout).toBe('')
  })

  it('names file, document and place of each fault, and writes nothing', async () => {
    await file(
      'bad.json',
      JSON.stringify({ id: 'bad', publisher: 'press', hosts: ['a b'], terms: { PRCE: '1' } }),
    )
    await file(
      'worse.json',
      JSON.stringify({
        id: 'worse',
        publisher: 'absent',
        hosts: ['worse.localhost'],
        terms: { PRICE: 'much' },
      }),
    )
    const local = await tab402('import', 'sites.toml', 'bad.json')
    expect(local.code).toBe(1)
    expect(local.stdout).toContain('bad.json: bad: hosts[0] must be a host name')
    expect(local.stdout).toContain('bad.json: bad: terms.PRCE must be removed')
    const judged = await tab402('import', 'sites.toml', 'worse.json', '--json')
    expect(judged.code).toBe(1)
    const { faults } = JSON.parse(judged.stdout) as { faults: { file: string; path: string }[] }
    expect(faults.map(({ file, path }) => [file, path])).toEqual([
      ['worse.json', 'publisher'],
      ['worse.json', 'terms.PRICE'],
    ])
    expect((await tab402('list')).stdout).toBe('')
  })

  it('imports and publishes the sites of a file, and a second time changes nothing', async () => {
    const first = await tab402('import', 'sites.toml', '--publish', '--note', 'opening')
    expect([first.code, first.stderr]).toEqual([0, '5 new, 0 changed, 0 the same, 0 faults.\n'])
    expect(first.stdout.match(/version 1, in effect from/g)).toHaveLength(3)
    const again = await tab402('import', 'sites.toml', '--publish')
    expect([again.code, again.stdout, again.stderr]).toEqual([
      0,
      '',
      '0 new, 0 changed, 5 the same, 0 faults.\n',
    ])
    const { stdout } = await tab402('list', '--json')
    const sites = stdout
      .trim()
      .split('\n')
      .map((row) => JSON.parse(row) as { id: string; mode: string })
    expect(sites.map(({ id, mode }) => [id, mode])).toEqual([
      ['blog', 'live'],
      ['news', 'live'],
      ['own', 'live'],
    ])
  })

  it('checks a site from inside the Worker and from outside', async () => {
    // The local origin answers everybody, so its side door is open.
    const { code, stdout } = await tab402('check', 'news', '--path', '/page')
    expect(code).toBe(1)
    expect(stdout).toContain('ok      origin: answered 200')
    expect(stdout).toContain('failed  side door')
    expect(stdout).toContain(`ok      ${host('news')} proof: proven: local`)
    expect(stdout).toContain(`ok      ${host('news')} crawler: answered 402`)
    expect(stdout).toContain('from this machine: crawler 402, reader 200')
  })

  it('refuses to add a site that is known', async () => {
    const { code, stdout } = await tab402('add', 'sites.toml')
    expect(code).toBe(1)
    expect(stdout).toContain('sites.toml: news: id must be new')
  })

  it('ends with 2 for wrong usage', async () => {
    const wrong = [['sell'], ['list', 'x'], ['publish'], ['import', 'absent.toml'], ['list', '--url', 'x']]
    const codes = await Promise.all(wrong.map(async (args) => (await tab402(...args)).code))
    expect(codes).toEqual(wrong.map(() => 2))
  })
})

describe('The operator’s API', () => {
  it('reads each object in one request after the other', async () => {
    const { url, token } = site.facts.operator
    const get = (path: string) => fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })
    for (const path of ['/relayer', '/audit', '/sites'])
      for (let time = 0; time < 2; time++) expect([path, (await get(path)).status]).toEqual([path, 200])
    const { acts } = (await (await get('/audit?limit=500')).json()) as { acts: { what: string }[] }
    expect(acts.map(({ what }) => what)).toEqual(expect.arrayContaining(['publisher.put', 'site.publish']))
  })
})

describe('A publisher’s host', () => {
  it('serves nothing below /_tab402, with any credentials', async () => {
    const authorization = `Bearer ${site.facts.operator.token}`
    for (const path of ['/api/sites', '/api/accounts', '/api/openapi.json', '/me', '/keys', '/invoices/a/b'])
      expect([path, (await ask('news', `/_tab402${path}`, { authorization })).status]).toEqual([path, 404])
  })

  it('that no site has is answered with 421, on the operator’s host too', async () => {
    expect((await ask('unknown', '/page')).status).toBe(421)
    expect((await fetch(`${site.facts.url}/page`, { headers: { 'user-agent': AGENT } })).status).toBe(421)
  })
})

describe('One wallet', () => {
  it('reads many hosts of one receiver with one deposit and one channel, within one limit', async () => {
    const client = channelFetch(fetch, site.payer(), site.facts.rpc)
    const read = async (name: string, path: string) => {
      const response = await client.fetch(`http://${host(name)}${path}`, { headers: { 'user-agent': AGENT } })
      return {
        status: response.status,
        body: await response.text(),
        header: response.headers.get('payment-response'),
      }
    }
    const pages = []
    for (const name of ['news', 'blog', 'news', 'blog'])
      pages.push(await read(name, `/${name}/${pages.length}`))
    expect(pages.map(({ status, body }) => [status, body.includes(CANARY)])).toEqual(
      Array(4).fill([200, true]),
    )
    const paid = pages.map(({ header }) => decodePaymentResponseHeader(header ?? ''))
    const ids = new Set(
      paid.map(({ extra }) => (extra?.channelState as { channelId: Hex } | undefined)?.channelId),
    )
    expect([ids.size, paid.filter(({ transaction }) => transaction !== '').length]).toEqual([1, 1])
    const [id = '0x' as Hex] = ids
    const { standing, entries } = await accountOf(site, id)
    expect(standing.charged).toBe('4000')
    const charges = entries.filter(({ kind }) => kind === 'charge') as unknown as { site: string }[]
    expect(charges.map((entry) => entry.site)).toEqual(['news', 'blog', 'news', 'blog'])
    // MAX_UNCLAIMED is four pages, wherever they were read.
    expect((await read('blog', '/one-more')).status).not.toBe(200)
  })

  it('pays a publisher with a receiver of its own on a channel of its own, and the run sweeps to it', async () => {
    const client = channelFetch(fetch, site.payer(), site.facts.rpc)
    const response = await client.fetch(`http://${host('own')}/page`, { headers: { 'user-agent': AGENT } })
    expect(response.status).toBe(200)
    const run = await settleAt(site, Date.now() + 86_400_000)
    expect(run).toMatchObject({ status: 'settled' })
    expect(await site.coins.holds(RECEIVER)).toBe(1_000n)
  })
})
