import { describe, expect, it } from 'vitest'
import { examine } from '../../src/doctor/check.ts'
import { CONSOLE_CHECKS } from '../../src/doctor/console.ts'
import { VERSION } from '../../src/platform/version.ts'

const never = () => new Promise<void>(() => undefined)
const look = (edgeVersion: string | null) => examine(CONSOLE_CHECKS, { edgeVersion }, never)

describe('the doctor of the console', () => {
  it.each([
    [VERSION, 'ok'],
    ['0.0.9', 'warn'],
    [null, 'fail'],
  ])('compares the version of the edge Worker with its own: %s is %s', async (version, outcome) => {
    expect(await look(version)).toMatchObject([{ id: 'versions', outcome }])
  })
})
