import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const run = promisify(execFile)

it('npm run demo exits with 0 and prints the figures of a day and a month', async () => {
  // It exits with another code when the figures disagree; this call then throws with its output.
  const { stdout, stderr } = await run(process.execPath, ['src/cli/main.ts', 'demo'])
  // The story is on stderr, in numbered steps, with no warning among them.
  expect(stderr).toMatch(/^tab402: crawlers run a tab/)
  expect(stderr).not.toMatch(/warning|error/i)
  expect(JSON.parse(stdout)).toEqual({
    ok: true,
    requests: 491,
    charged: '201000',
    claimed: '200000',
    received: '201000',
    credit: { charged: '1050000', invoiced: '1050000', paid: '1050000', pastDue: '0' },
  })
}, 90_000)
