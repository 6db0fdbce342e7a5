/** Paths of modules that another program loads: a child process or a bundler. */
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The path of a module relative to another (`import.meta.url`), with the extension of that one: `.ts` in the
 * repository, `.js` in the package.
 */
export function siblingModule(from: string, name: string): string {
  return fileURLToPath(new URL(`${name}${extname(from)}`, from))
}
