/** `tab402 doctor` against a local stack: its Worker's checks and the machine's, with a stand-in for wrangler. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Check } from '../../src/doctor/check.ts'
import { type Installed, install } from '../cli/init/installed.ts'
import { type Site, startSite } from './site.ts'

let site: Site
let here: Installed

beforeAll(async () => {
  site = await startSite()
  here = await install()
})
afterAll(async () => {
  await site.stop()
  await here.remove()
})

async function doctor(env: Record<string, string> = {}) {
  const { url, operator } = site.facts
  const args = ['doctor', '--json', '--url', url, '--path', '/page']
  const { code, stdout, stderr } = await here.tab402(args, { OPERATOR_TOKEN: operator.token, ...env })
  const { outcome, checks } = JSON.parse(stdout || '{}') as { outcome: string; checks: Check[] }
  return { code, stderr, outcome, found: new Map(checks?.map((check) => [check.id, check])) }
}

describe('tab402 doctor', () => {
  it('finds the open side door of the stack, and everything else that it can see in order', async () => {
    const { code, outcome, found } = await doctor()
    expect({ code, outcome }).toEqual({ code: 1, outcome: 'fail' })
    expect([...found.values()].filter((check) => check.outcome === 'fail').map(({ id }) => id)).toEqual([
      'side_door',
    ])
    const well =
      'tools account api version machine_clock hosts bindings migrations node contracts receiver gas origin'
    expect(well.split(' ').filter((id) => found.get(id)?.outcome === 'fail' || !found.has(id))).toEqual([])
    expect(found.get('migrations')?.outcome).toBe('ok')
    expect(found.get('hosts')).toMatchObject({ outcome: 'ok' })
  })

  it('says that the token is wrong, and exits with 1', async () => {
    const { code, found } = await doctor({ OPERATOR_TOKEN: 'another' })
    expect(code).toBe(1)
    expect(found.get('api')).toMatchObject({
      outcome: 'fail',
      reason: expect.stringContaining('OPERATOR_TOKEN'),
    })
  })

  it('prints a line for each check, and the command below it', async () => {
    const { stdout } = await here.tab402(['doctor', '--url', site.facts.url])
    expect(stdout).toMatch(/^ok {4}Node and wrangler are installed\./m)
    expect(stdout).toMatch(/^warn {2}The config is valid\..*\n {6}npx tab402 init$/m)
  })

  it('exits with 2 where it is called with an argument', async () => {
    expect((await here.tab402(['doctor', 'now'])).code).toBe(2)
  })
})
