/** "Deploy to Cloudflare": everything that the button makes of this repository is safe as it is. */
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { parse } from 'smol-toml'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config/config.ts'

const SECRETS = ['RPC_URL', 'RELAYER_KEY', 'ORIGIN_SECRET', 'OPERATOR_TOKEN_SHA256']
const example = parseEnv(readFileSync('.dev.vars.example', 'utf8')) as Record<string, string>
const toml = parse(readFileSync('wrangler.toml', 'utf8')) as Record<string, unknown>
const { cloudflare, scripts, repository } = JSON.parse(readFileSync('package.json', 'utf8'))

describe('.dev.vars.example', () => {
  it('has the four secrets without values, and all else as comments: the button makes each line a secret', () => {
    expect(example).toEqual(Object.fromEntries(SECRETS.map((name) => [name, ''])))
  })

  it('serves no page as it is, with the vars of wrangler.toml or without the secrets', () => {
    const vars = toml.vars as object
    expect(readConfig({ ...vars, ...example }).ok).toBe(false)
    expect(readConfig({ ...vars }).ok).toBe(false)
  })
})

describe('the button', () => {
  it('has a description of every secret and of each var that must be chosen', () => {
    const described = Object.keys(cloudflare.bindings)
    for (const name of [...SECRETS, 'ORIGIN', 'RECEIVER', 'NETWORK', 'PRICE'])
      expect(described).toContain(name)
    const text = readFileSync('wrangler.toml', 'utf8')
    const known = (name: string) =>
      name in example || new RegExp(`^(?:${name} =|.*"${name}")`, 'm').test(text)
    expect(described.filter((name) => !known(name))).toEqual([])
  })

  it('applies the migrations by the name of the binding before it deploys', () => {
    expect(scripts.deploy).toBe('wrangler d1 migrations apply BOOK --remote && wrangler deploy')
  })

  it('leads to the repository of package.json, or to a name that a reader must replace', () => {
    const links = readFileSync('README.md', 'utf8').match(
      /https:\/\/deploy\.workers\.cloudflare\.com\/\?url=[^)\s]+/g,
    )
    const own = repository?.url ?? 'https://github.com/OWNER/tab402'
    expect(new Set(links)).toEqual(new Set([`https://deploy.workers.cloudflare.com/?url=${own}`]))
  })
})
