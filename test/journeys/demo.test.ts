import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const run = promisify(execFile)

it('npm run demo ends with the figures of a day, and of the nights after it, on which all books agree', async () => {
  // It exits with another code than 0 when they do not, and then this throws with what it printed.
  const { stdout, stderr } = await run(process.execPath, ['src/cli/demo/demo.ts'])
  expect(stderr).toBe('')
  expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toEqual({
    ok: true,
    requests: 491,
    charged: '201000',
    claimed: '200000',
    received: '201000',
    credit: { charged: '1050000', invoiced: '1050000', paid: '1050000', pastDue: '0' },
  })
}, 90_000)
