/** Bundles of a Worker, for a runtime on this machine. */
import { build } from 'esbuild'
import type { V4ModuleDefinition } from 'miniflare'

/** Trap: a file of this name in the same folder would be taken for the text. */
const ENTRY = 'wrapped-entry.js'

/** Bundles as `wrangler deploy` does: its conditions, its fields, WebAssembly as modules of their own. `main`: a file, or the text of a module. */
export async function bundle(
  main: string | { text: string; folder: string },
  options: { define: Record<string, string>; minify: boolean },
): Promise<V4ModuleDefinition[]> {
  const { outputFiles } = await build({
    ...(typeof main === 'string'
      ? { entryPoints: { worker: main } }
      : { stdin: { contents: main.text, resolveDir: main.folder, sourcefile: ENTRY } }),
    bundle: true,
    write: false,
    outdir: '/',
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    mainFields: ['browser', 'module', 'main'],
    external: ['cloudflare:*'],
    minify: options.minify,
    keepNames: true,
    loader: { '.wasm': 'copy' },
    define: { 'process.env.NODE_ENV': '"production"', ...options.define },
    logLevel: 'silent',
  })
  return (
    outputFiles
      .map(({ path, text, contents }): V4ModuleDefinition => {
        if (path.endsWith('.wasm')) return { type: 'CompiledWasm', path, contents }
        return { type: 'ESModule', path, contents: text }
      })
      // The runtime takes the first for the entry.
      .sort((a, b) => Number(a.type === 'CompiledWasm') - Number(b.type === 'CompiledWasm'))
  )
}
