import { resolve } from 'node:path'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'
import { buildPlan } from '../../src/lab/plan.ts'
import { MARK } from '../../src/lab/shifted-date.ts'
import { bundle } from '../../src/testing/stack/bundle.ts'

const asText = (modules: { contents?: string | Uint8Array }[]) =>
  modules.map(({ contents }) => contents?.toString() ?? '').join('\n')

describe('the clock of the lab', () => {
  it.each(['src/worker.ts', 'src/worker-stripe.ts', 'src/console/worker.ts'])(
    'is not in the bundle of %s',
    async (entry) => {
      expect(asText(await bundle(resolve(entry), { define: {}, minify: false }))).not.toContain(MARK)
    },
  )

  it('is in the bundle of the lab, before all other code', async () => {
    const text = asText((await buildPlan()).modules)
    expect(text.indexOf(MARK)).toBeGreaterThan(0)
    expect(text.indexOf(MARK)).toBeLessThan(text.indexOf('// src/worker.ts'))
  })
})

describe('the playground', () => {
  it.each(['src/worker.ts', 'src/worker-stripe.ts', 'src/console/worker.ts'])(
    'is not in the bundle of %s',
    async (entry) => {
      const options = {
        bundle: true,
        write: false,
        metafile: true,
        format: 'esm',
        logLevel: 'silent',
      } as const
      const external = ['cloudflare:*', '*.wasm']
      const { metafile } = await build({ entryPoints: [entry], outdir: 'dist', external, ...options })
      expect(Object.keys(metafile.inputs).filter((file) => file.includes('/playground/'))).toEqual([])
      expect(metafile.inputs[entry]).toBeDefined()
    },
  )
})
