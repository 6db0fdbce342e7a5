/** Module hooks: the Worker's own modules, and mutants of them, in plain Node. Loaded before any module of `src`. */
import { registerHooks } from 'node:module'
import { readMutant } from '../mutant.ts'

const STUB = new URL('./workers.ts', import.meta.url).href
const mutant = readMutant(process.env.TAB402_MUTANT)

registerHooks({
  resolve(specifier, context, next) {
    return specifier === 'cloudflare:workers' ? { url: STUB, shortCircuit: true } : next(specifier, context)
  },
  load(url, context, next) {
    const loaded = next(url, context)
    if (!mutant || !url.endsWith(mutant.file)) return loaded
    const source = String(loaded.source)
    if (!source.includes(mutant.from)) throw new Error(`mutant ${mutant.id} must fit into ${mutant.file}`)
    return { ...loaded, source: source.replace(mutant.from, () => mutant.to) }
  },
})
