/** The assertion of Cloudflare Access, against a server of keys of the test's own. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AccessTeam, accessKeys, verifyAccess } from '../../src/people/access.ts'

const NOW = Date.now()
const AUDIENCE = 'a'.repeat(64)

let server: Server
let team: AccessTeam
let reads = 0
let status = 200
const served: object[] = []

beforeAll(async () => {
  server = createServer((request, response) => {
    reads++
    const isCerts = request.url === '/cdn-cgi/access/certs'
    response.writeHead(isCerts ? status : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ keys: served }))
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  team = { issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, audience: AUDIENCE }
})
afterAll(() => void server.close())

/** A key of the team, which signs assertions. */
async function newKey(kid: string, isServed = true) {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
  if (isServed) served.push({ ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' })
  return (claims: JWTPayload = {}, { audience = AUDIENCE, issuer = team.issuer, ends = 60 } = {}) =>
    new SignJWT({ email: 'Ann@Example.com', ...claims })
      .setProtectedHeader({ alg: 'RS256', kid })
      .setIssuer(issuer)
      .setAudience(audience)
      .setExpirationTime(Math.floor(NOW / 1000) + ends)
      .sign(privateKey)
}

const verify = (assertion: string, keys = accessKeys(team)) => verifyAccess(assertion, team, keys, NOW)

describe('an assertion of Access', () => {
  it('names its member and its end', async () => {
    const sign = await newKey('good')
    const identity = await verify(await sign())
    expect(identity).toEqual({ email: 'ann@example.com', endsAt: (Math.floor(NOW / 1000) + 60) * 1000 })
  })

  it('proves no one where it is expired, for another application, of another team, or without an address', async () => {
    const sign = await newKey('strict')
    for (const assertion of [
      await sign({}, { ends: -1 }),
      await sign({}, { audience: 'b'.repeat(64) }),
      await sign({}, { issuer: 'https://other.cloudflareaccess.com' }),
      await sign({ email: undefined }),
      await sign({ email: ['ann@example.com'] }),
      `${await sign()}x`,
      '',
      'a.b.c',
      'x'.repeat(20_000),
    ])
      expect(await verify(assertion)).toBeNull()
  })

  it('proves no one where its algorithm or its key is another', async () => {
    const forged = await newKey('good', false)
    const unsigned = new UnsecuredJWT({ email: 'ann@example.com' })
      .setIssuer(team.issuer)
      .setAudience(AUDIENCE)
      .setExpirationTime(Math.floor(NOW / 1000) + 60)
      .encode()
    const symmetric = await new SignJWT({ email: 'ann@example.com' })
      .setProtectedHeader({ alg: 'HS256', kid: 'good' })
      .setIssuer(team.issuer)
      .setAudience(AUDIENCE)
      .setExpirationTime(Math.floor(NOW / 1000) + 60)
      .sign(new TextEncoder().encode(JSON.stringify(served[0])))
    for (const assertion of [await forged(), unsigned, symmetric]) expect(await verify(assertion)).toBeNull()
  })

  it('leads to one reading of the keys, and to no other for an unknown key within half a minute', async () => {
    const keys = accessKeys(team)
    const [sign, unknown] = [await newKey('cached'), await newKey('unknown', false)]
    const before = reads
    for (let times = 0; times < 3; times++) expect(await verify(await sign(), keys)).not.toBeNull()
    for (let times = 0; times < 3; times++) expect(await verify(await unknown(), keys)).toBeNull()
    expect(reads - before).toBe(1)
  })

  it('is neither taken nor refused while the keys cannot be read', async () => {
    const sign = await newKey('closed')
    status = 500
    await expect(verify(await sign())).rejects.toThrow()
    status = 200
    await expect(verify(await sign())).resolves.not.toBeNull()
  })
})
