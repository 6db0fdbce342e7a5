/** Variants of the paywall, made by the bundler: the production code without one part. They need no switches in `src`. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'esbuild'

/** Accepts any signature and computes no digest. */
export const UNVERIFIED = standIn({
  'protocol/evm/secp256k1.ts': { signedBy: '() => true' },
  'protocol/evm/eip712.ts': { voucherDigest: '() => new Uint8Array(32)' },
})

/** Replaces the charge by an empty call to a Durable Object. */
export const UNCHARGED = inPlaceOf(/^\.\/purchase\.ts$/, './workers/empty-draft.ts')

/** The same on credit, without reading the signature. */
export const UNCHARGED_CREDIT = inPlaceOf(/^\.\.\/schemes\/credit\/scheme\.ts$/, './workers/empty-credit.ts')

/** The upstream packages import Node's `url` without the `node:` prefix. */
export const NODE_URL: Plugin = {
  name: 'node-url',
  setup(build) {
    build.onResolve({ filter: /^url$/ }, () => ({ path: 'node:url', external: true }))
  },
}

/** Replaces imports that match `filter` by another file. */
function inPlaceOf(filter: RegExp, file: string): Plugin {
  const path = fileURLToPath(new URL(file, import.meta.url))
  return { name: file, setup: (build) => build.onResolve({ filter }, () => ({ path })) }
}

/** Replaces exported functions, file by file. */
function standIn(files: Record<string, Record<string, string>>): Plugin {
  return {
    name: 'stand-in',
    setup(build) {
      for (const [file, functions] of Object.entries(files)) {
        build.onLoad({ filter: new RegExp(`src/${file.replace('.', '\\.')}$`) }, async ({ path }) => {
          let contents = await readFile(path, 'utf8')
          for (const [name, instead] of Object.entries(functions)) {
            const declared = `export function ${name}(`
            if (!contents.includes(declared)) throw new Error(`${file} must export a function ${name}`)
            contents = contents.replace(declared, `function ${name}Replaced(`)
            contents += `\nexport const ${name} = ${instead}\n`
          }
          return { contents, loader: 'ts' }
        })
      }
    },
  }
}
