/** The checks that the console makes of itself. */
import { VERSION } from '../platform/version.ts'
import { fail, ok, type Probe, warn } from './check.ts'

/** `edgeVersion`: null where the edge Worker did not answer. `access`: the settings of Cloudflare Access. */
export type ConsolePorts = {
  edgeVersion: string | null
  access: { team: string | undefined; audience: string | undefined }
  fetch(url: string): Promise<Response>
}

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

const guarded: Probe<ConsolePorts> = {
  id: 'access',
  title: 'The console has a second lock',
  look({ access: { team, audience } }) {
    if (team && audience) return ok(`Cloudflare Access of ${team}.`)
    const fix = 'Put Cloudflare Access before the hostname of the console: docs/console.md'
    return warn("The operator's token is its only lock. It must be random, with at least 32 characters.", fix)
  },
}

const keys: Probe<ConsolePorts> = {
  id: 'jwks',
  title: 'The keys of Cloudflare Access can be read',
  async look({ access: { team, audience }, fetch: ask }) {
    if (!team || !audience) return null
    const url = `https://${team}.cloudflareaccess.com/cdn-cgi/access/certs`
    const answer = await ask(url).catch(() => null)
    const body = answer?.ok ? ((await answer.json().catch(() => null)) as { keys?: unknown[] } | null) : null
    if ((body?.keys?.length ?? 0) > 0) return ok(`${body?.keys?.length} keys.`)
    return fail(
      `${url} must have keys. Until then no one gets in.`,
      'Check ACCESS_TEAM: the name of your team',
    )
  },
}

/** Every check of the console. */
export const CONSOLE_CHECKS: readonly Probe<ConsolePorts>[] = [versions, guarded, keys]
