import { describe, expect, it } from 'vitest'
import { customHostnames } from '../../src/sites/custom-hostnames.ts'
import { findProof } from '../../src/sites/proof.ts'
import { isPublicAddress, mayAsk } from '../../src/sites/public-url.ts'
import { dnsOf } from './dns.ts'

const proof = (host: string) => ({ host, token: 'tab402=secret', provenAt: null, how: null })

/** Cloudflare's API with one custom hostname. */
const hostnames = (hostname: string, status: string) =>
  customHostnames({
    api: 'https://api.example/client/v4',
    zone: 'z1',
    token: 't1',
    fetch: async (request) =>
      request.headers.get('authorization') === 'Bearer t1'
        ? Response.json({ success: true, result: [{ id: '1', hostname, status }] })
        : new Response(null, { status: 403 }),
  })

describe('findProof', () => {
  it('takes the TXT record with the token of this site and host', async () => {
    const resolver = dnsOf({ '_tab402.news.example': { TXT: ['v=spf1', 'tab402=secret'] } })
    expect(await findProof(proof('news.example'), { resolver, hostnames: undefined })).toEqual({
      outcome: 'proven',
      how: 'txt',
    })
  })

  it('refuses the token of another host, and a host without a record', async () => {
    const resolver = dnsOf({ '_tab402.news.example': { TXT: ['tab402=other'] } })
    for (const host of ['news.example', 'blog.example'])
      expect(await findProof(proof(host), { resolver, hostnames: undefined })).toMatchObject({
        outcome: 'absent',
      })
  })

  it('takes a custom hostname that the platform has validated, and no other', async () => {
    const resolver = dnsOf({})
    const found = (hostname: string, status: string) =>
      findProof(proof('news.example'), { resolver, hostnames: hostnames(hostname, status) })
    expect(await found('news.example', 'active')).toEqual({ outcome: 'proven', how: 'platform' })
    expect(await found('news.example', 'pending')).toMatchObject({ outcome: 'absent' })
    expect(await found('blog.news.example', 'active')).toMatchObject({ outcome: 'absent' })
  })

  it('says unknown while a resolver or the platform gives no answer', async () => {
    const down = { url: 'https://dns.example', fetch: () => Promise.reject(new Error('down')) }
    expect(await findProof(proof('news.example'), { resolver: down, hostnames: undefined })).toMatchObject({
      outcome: 'unknown',
    })
    const refused = customHostnames({
      api: 'https://api.example',
      zone: 'z1',
      token: 'stale',
      fetch: async () => new Response(null, { status: 403 }),
    })
    expect(await findProof(proof('news.example'), { resolver: dnsOf({}), hostnames: refused })).toEqual({
      outcome: 'unknown',
      why: "Cloudflare's API answered 403",
    })
  })

  it('asks no resolver about a host of this machine', async () => {
    const resolver = { url: 'https://dns.example', fetch: () => Promise.reject(new Error('asked')) }
    expect(await findProof(proof('news.localhost:8402'), { resolver, hostnames: undefined })).toEqual({
      outcome: 'proven',
      how: 'local',
    })
  })
})

describe('mayAsk', () => {
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '169.254.169.254',
    '192.168.0.1',
    '100.64.0.1',
    '0.0.0.0',
    '::1',
    '::ffff:10.0.0.1',
    '::127.0.0.1',
    'fd00::1',
    'fe80::1',
    '64:ff9b::a00:1',
    'not an address',
  ])('counts %s as not public', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })

  it.each(['1.1.1.1', '8.8.8.8', '2606:4700::1111', '::ffff:1.1.1.1'])('counts %s as public', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })

  it.each([
    ['https://origin.example', true],
    ['https://1.1.1.1', true],
    ['http://origin.example', false],
    ['https://inside.example', false],
    ['https://mixed.example', false],
    ['https://gone.example', false],
    ['https://[::1]', false],
    ['https://2130706433', false],
    ['https://0x7f.1', false],
    ['http://127.0.0.1:9000', false],
    ['http://localhost', false],
  ])('answers for %s with %s', async (url, ok) => {
    const resolver = dnsOf({
      'origin.example': { A: ['1.1.1.1'], AAAA: ['2606:4700::1111'] },
      'inside.example': { A: ['10.0.0.1'] },
      'mixed.example': { A: ['1.1.1.1', '127.0.0.1'] },
    })
    expect((await mayAsk(new URL(url), 'news.example', resolver)).ok).toBe(ok)
  })

  it('lets a site of this machine have an origin of this machine', async () => {
    const url = new URL('http://127.0.0.1:9000')
    expect((await mayAsk(url, 'news.localhost', dnsOf({}))).ok).toBe(true)
  })
})
