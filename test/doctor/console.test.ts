import { describe, expect, it } from 'vitest'
import { examine } from '../../src/doctor/check.ts'
import { CONSOLE_CHECKS, type ConsolePorts } from '../../src/doctor/console.ts'
import { VERSION } from '../../src/platform/version.ts'

const never = () => new Promise<void>(() => undefined)
const WELL: ConsolePorts = {
  edgeVersion: VERSION,
  access: { team: 'tally', audience: 'aud' },
  fetch: async () => Response.json({ keys: [{ kid: '1' }] }),
}

async function look(change: Partial<ConsolePorts>) {
  const checks = await examine(CONSOLE_CHECKS, { ...WELL, ...change }, never)
  return Object.fromEntries(checks.map(({ id, outcome }) => [id, outcome]))
}

describe('the doctor of the console', () => {
  it('finds nothing where both Workers have one version and Access has keys', async () => {
    expect(await look({})).toEqual({ versions: 'ok', access: 'ok', jwks: 'ok' })
  })

  it('finds an edge Worker of another version, and one that does not answer', async () => {
    expect(await look({ edgeVersion: '0.0.9' })).toMatchObject({ versions: 'warn' })
    expect(await look({ edgeVersion: null })).toMatchObject({ versions: 'fail' })
  })

  it('warns where the token is the only lock', async () => {
    const access = { team: undefined, audience: undefined }
    expect(await look({ access })).toEqual({ versions: 'ok', access: 'warn' })
  })

  it('finds keys of Access that cannot be read', async () => {
    const answers = [
      () => Promise.reject(new TypeError('no network')),
      async () => new Response('x', { status: 404 }),
      async () => Response.json({ keys: [] }),
      async () => new Response('no JSON'),
    ]
    for (const fetch of answers) expect(await look({ fetch })).toMatchObject({ jwks: 'fail' })
  })
})
