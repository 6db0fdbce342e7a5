/** The doctor compares a deployment with lists that must be those of this repository. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { MIGRATIONS } from '../../src/doctor/migrations.ts'
import { VERSION } from '../../src/platform/version.ts'

describe('the doctor', () => {
  it('knows every migration of D1', () => {
    const files = readdirSync('migrations').filter((name) => name.endsWith('.sql'))
    expect(MIGRATIONS).toEqual(files.toSorted())
  })

  it('knows the version of the package', () => {
    expect(VERSION).toBe(JSON.parse(readFileSync('package.json', 'utf8')).version)
  })
})
