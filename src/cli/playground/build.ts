/** Builds what `tsc` cannot: the page of the playground, from the sources. Run it from `dist`. */
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PAGE, storeScript } from './script.ts'

const SOURCES = fileURLToPath(new URL('../../../src/cli/playground/page/', import.meta.url))

await mkdir(PAGE, { recursive: true })
for (const file of ['index.html', 'playground.css', 'tally.svg']) {
  await copyFile(join(SOURCES, file), join(PAGE, file))
}
await storeScript(SOURCES)
