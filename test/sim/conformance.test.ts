/** The simulator's storage and calls behave as those of workerd. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import { expect, it } from 'vitest'

const MAIN = `
import { DurableObject } from 'cloudflare:workers'
import { observe, probeOn } from './probe.js'
export class Probe extends probeOn(DurableObject) {}
export default {
  async fetch(_, env) { return Response.json(await observe(() => env.PROBES.getByName('probe'))) },
}
`

it('shows what workerd shows, in every row that the ledger relies on', async () => {
  const probe = await readFile('test/sim/probe.js', 'utf8')
  const workerd = new Miniflare(
    convertV4MiniflareOptions({
      name: 'probe',
      modules: [
        { type: 'ESModule', path: '/main.js', contents: MAIN },
        { type: 'ESModule', path: '/probe.js', contents: probe },
      ],
      modulesRoot: '/',
      compatibilityDate: '2026-08-01',
      durableObjects: { PROBES: { className: 'Probe', useSQLite: true } },
      cf: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.NONE),
      handleStructuredLogs() {},
    }),
  )
  try {
    const answer = await workerd.dispatchFetch('http://probe.test/')
    const { stdout } = await promisify(execFile)(process.execPath, ['test/sim/probe-here.ts'])
    expect(JSON.parse(stdout)).toEqual(await answer.json())
  } finally {
    await workerd.dispose()
  }
})
