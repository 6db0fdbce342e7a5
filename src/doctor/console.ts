/** The checks that the console makes of itself. */
import { VERSION } from '../platform/version.ts'
import { fail, ok, type Probe, warn } from './check.ts'

/** `edgeVersion`: null where the edge Worker did not answer. */
export type ConsolePorts = { edgeVersion: string | null }

const DEPLOY = 'npx wrangler deploy && npx wrangler deploy -c wrangler.console.toml'

const versions: Probe<ConsolePorts> = {
  id: 'versions',
  title: 'The edge Worker and the console have one version',
  look({ edgeVersion }) {
    if (edgeVersion === null) return fail('The edge Worker does not answer.', DEPLOY)
    if (edgeVersion === VERSION) return ok(VERSION)
    return warn(`The edge Worker has ${edgeVersion}, the console has ${VERSION}.`, DEPLOY)
  },
}

/** Every check of the console. */
export const CONSOLE_CHECKS: readonly Probe<ConsolePorts>[] = [versions]
