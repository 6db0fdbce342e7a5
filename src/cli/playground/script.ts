/** The script of the page: from the package as it was built, from the repository bundled when it is first asked for. */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** The folder of the page's files. */
export const PAGE = fileURLToPath(new URL('./page/', import.meta.url))

const PREBUILT = `${PAGE}playground.js`

let bundled: Promise<string> | undefined

/** Returns the script. It needs esbuild and the upstream clients only in the repository. */
export function pageScript(): Promise<string> {
  bundled ??= readFile(PREBUILT, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return bundlePage(PAGE)
    throw cause
  })
  return bundled
}

/** Stores the script of the sources in `from` for {@link pageScript}. */
export async function storeScript(from: string): Promise<void> {
  await writeFile(PREBUILT, await bundlePage(from))
}

async function bundlePage(folder: string): Promise<string> {
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    entryPoints: [`${folder}main.tsx`],
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'hono/jsx/dom',
    logLevel: 'silent',
  })
  return outputFiles[0]?.text ?? ''
}
