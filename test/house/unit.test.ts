import { build, type Metafile } from 'esbuild'
import { describe, expect, it } from 'vitest'
import { unitFiles } from '../projects.ts'

/** The modules below some files, as a bundler finds them: imports of types are gone. */
async function modulesOf(files: string[]): Promise<Metafile['inputs']> {
  const { metafile } = await build({
    entryPoints: files,
    bundle: true,
    write: false,
    metafile: true,
    outdir: 'dist',
    format: 'esm',
    platform: 'neutral',
    packages: 'external',
    external: ['cloudflare:*', '#*'],
    logLevel: 'silent',
  })
  return metafile.inputs
}

describe('vitest project unit', () => {
  // It bundles every unit test.
  it('imports no module of the Workers runtime, directly or below', { timeout: 120_000 }, async () => {
    const files = unitFiles()
    const modules = Object.entries(await modulesOf(files))
    expect(modules.map(([file]) => file)).toEqual(expect.arrayContaining(files))
    const wrong = modules.flatMap(([file, { imports }]) =>
      imports
        .filter(({ path }) => path.startsWith('cloudflare:'))
        .map(({ path }) => `${file} imports ${path}`),
    )
    expect(wrong).toEqual([])
  })

  it('contains most of the tests that need no Workers runtime', () => {
    expect(unitFiles().length).toBeGreaterThan(40)
  })
})
