/** Module hooks: the Worker's own modules, and mutants of them, in plain Node. Loaded before any module of `src`. */
import { registerHooks } from 'node:module'
import { changed, readMutant } from '../mutant.ts'

const WORKER = new URL('../../src/', import.meta.url).href
const here = (file: string) => new URL(file, import.meta.url).href

/**
 * Modules in the place of others. The first is not in Node; most others do the same for less, so that a run takes less time.
 * `by`: only for imports of this file.
 */
const STAND_INS: { of: RegExp; by?: string; is: string }[] = [
  { of: /^cloudflare:workers$/, is: here('./workers.ts') },
  { of: /\/libsecp256k1\.ts$/, is: here('./curve.ts') },
  // As workerd resolves it. The build for Node asks the real system for its name.
  { of: /^stripe$/, is: import.meta.resolve('stripe').replace('.node.', '.worker.') },
  { of: /^@noble\/hashes\/sha3(\.js)?$/, is: here('./keccak.ts') },
  { of: /^viem\/utils$/, by: '/src/chain/node-client.ts', is: here('./rpc-http.ts') },
]

const mutant = readMutant(process.env.TAB402_MUTANT)

/** Imports within functions of the Worker. Types are not among them. */
const LATE_IMPORT = /(?<!typeof |keyof )\bimport\(('[^']+')\)/g
/** Node looks a module up at each late import, for a sixth of the time of a run. This looks each one up once. */
const KNOWN = `
var $modules; function $known(name, load) { $modules ??= {}; return ($modules[name] ??= load()) }`

registerHooks({
  resolve(specifier, { parentURL = '', ...context }, next) {
    const standIn = STAND_INS.find(
      ({ of, by, is }) => of.test(specifier) && parentURL !== is && (!by || parentURL.endsWith(by)),
    )
    return standIn ? { url: standIn.is, shortCircuit: true } : next(specifier, { parentURL, ...context })
  },
  load(url, context, next) {
    const loaded = next(url, context)
    if (!url.startsWith(WORKER)) return loaded
    const written = String(loaded.source)
    const source = mutant && url.endsWith(mutant.file) ? changed(written, mutant) : written
    return { ...loaded, source: source.replace(LATE_IMPORT, '$known($1, () => import($1))') + KNOWN }
  },
})
