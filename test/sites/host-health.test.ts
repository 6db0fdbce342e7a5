import { describe, expect, it } from 'vitest'
import { customHostnames } from '../../src/sites/custom-hostnames.ts'
import { checkHost } from '../../src/sites/host-health.ts'
import { dnsOf, type Zone } from './dns.ts'

const WELL: Zone = {
  'news.example': { A: ['192.0.2.1'] },
  '_tab402.news.example': { TXT: ['tab402=secret'] },
}
const host = (how: 'txt' | 'platform' | 'operator' = 'txt') =>
  ({ host: 'news.example', token: 'tab402=secret', provenAt: 1, how }) as const

/** Cloudflare's API with these custom hostnames. */
const hostnames = (...result: object[]) =>
  customHostnames({
    ...{ api: 'https://api.example', zone: 'z1', token: 't1' },
    fetch: async () => Response.json({ result }),
  })

const check = (zone: Zone, how?: Parameters<typeof host>[0], platform?: ReturnType<typeof hostnames>) =>
  checkHost(host(how), { resolver: dnsOf(zone), hostnames: platform })

describe('checkHost', () => {
  it('finds nothing wrong with a name that has an address and its proof', async () => {
    expect(await check(WELL)).toEqual({ outcome: 'ok' })
    const six = { ...WELL, 'news.example': { AAAA: ['2001:db8::1'] } }
    expect(await check(six)).toEqual({ outcome: 'ok' })
  })

  it('finds a name without an address, and one whose proof was removed', async () => {
    const { 'news.example': _, ...gone } = WELL
    expect(await check(gone)).toEqual({ outcome: 'broken', why: 'its name must have an address' })
    const moved = { ...WELL, '_tab402.news.example': { TXT: ['tab402=other'] } }
    expect(await check(moved)).toEqual({
      outcome: 'broken',
      why: '_tab402.news.example must have a TXT record with its token',
    })
    expect(await check(moved, 'operator')).toEqual({ outcome: 'ok' })
  })

  it('finds a custom hostname or a certificate that is not active', async () => {
    const of = (status: string, ssl: string) =>
      hostnames({ hostname: 'news.example', status, ssl: { status: ssl } })
    expect(await check(WELL, 'platform', of('active', 'active'))).toEqual({ outcome: 'ok' })
    expect(await check(WELL, 'platform', of('moved', 'active'))).toMatchObject({
      why: 'the custom hostname must be active, and is moved',
    })
    expect(await check(WELL, 'txt', of('active', 'expired'))).toMatchObject({
      why: 'its certificate is expired',
    })
    expect(await check(WELL, 'platform', hostnames())).toMatchObject({ outcome: 'broken' })
    expect(await check(WELL, 'operator', hostnames())).toEqual({ outcome: 'ok' })
  })

  it('says unknown while a resolver gives no answer', async () => {
    const down = { url: 'https://dns.example', fetch: () => Promise.reject(new Error('down')) }
    expect(await checkHost(host(), { resolver: down, hostnames: undefined })).toMatchObject({
      outcome: 'unknown',
    })
  })
})
