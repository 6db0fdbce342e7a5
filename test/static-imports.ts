/** Lets the tests load the Worker's lazy modules as its bundle does: without I/O. */
import type { Plugin } from 'vitest/config'

const SOURCE = new URL('../src/', import.meta.url).pathname
const DYNAMIC = /\bimport\((["'])(\.[^"']+)\1\)/g

/**
 * Replaces `import('./x.ts')` in `src/` by a static import. Trap: in the test pool each dynamic import asks vitest, also for a
 * module that is loaded, and two Durable Objects that ask at once wait for one answer. The runtime then fails the second:
 * "Cannot perform I/O on behalf of a different Durable Object".
 */
export function staticImports(): Plugin {
  return {
    name: 'tab402:static-imports',
    transform(code, id) {
      if (!id.startsWith(SOURCE)) return null
      const paths: string[] = []
      const changed = code.replace(DYNAMIC, (_, _quote, path: string) => {
        if (!paths.includes(path)) paths.push(path)
        return `Promise.resolve(lazy${paths.indexOf(path)})`
      })
      if (paths.length === 0) return null
      const imports = paths.map((path, at) => `import * as lazy${at} from '${path}';`)
      // On the first line, so that the others keep their numbers.
      return { code: imports.join('') + changed, map: null }
    },
  }
}
