/** The settings of Cloudflare Access, where it lets people into the console. */
import * as v from 'valibot'
import type { AccessTeam } from '../people/access.ts'
import type { ConfigProblem, Expected } from '../platform/problem.ts'
import { shaped } from './fields.ts'

/** The team that may sign in by Access. `takesToken`: the operator's token opens the console too, in an emergency. */
export type AccessConfig = AccessTeam & { takesToken: boolean }

/** How the settings of Access must look. */
export const ACCESS_EXPECTED = {
  ACCESS_TEAM: { want: 'the name before .cloudflareaccess.com', example: '"example"' },
  ACCESS_AUD: {
    want: 'the audience tag of the console’s Access application: 64 hex digits',
    example: '"4714c1…"',
  },
  ACCESS_BREAK_GLASS: { want: '"accepted", or not set', example: '"accepted"' },
} as const satisfies Record<string, Expected>

/** The schemas of the settings of Access, by name. */
export const accessSettings = {
  ACCESS_TEAM: v.optional(shaped(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/)),
  ACCESS_AUD: v.optional(shaped(/^[0-9a-f]{64}$/)),
  ACCESS_BREAK_GLASS: v.optional(v.literal('accepted')),
}

type Settings = v.InferOutput<v.ObjectSchema<typeof accessSettings, undefined>>

/** One setting without the other would leave the door open that it should close. */
export function accessProblems({ ACCESS_TEAM: team, ACCESS_AUD: aud }: Settings): ConfigProblem[] {
  if ((team === undefined) === (aud === undefined)) return []
  const place = team === undefined ? 'ACCESS_TEAM' : 'ACCESS_AUD'
  const { want, example } = ACCESS_EXPECTED[place]
  return [{ place, message: `must be set with the other setting of Access: ${want}`, example }]
}

/** Access as it is configured; undefined without it. */
export function accessConfig({
  ACCESS_TEAM,
  ACCESS_AUD,
  ACCESS_BREAK_GLASS,
}: Settings): AccessConfig | undefined {
  if (ACCESS_TEAM === undefined || ACCESS_AUD === undefined) return undefined
  const issuer = `https://${ACCESS_TEAM}.cloudflareaccess.com`
  return { issuer, audience: ACCESS_AUD, takesToken: ACCESS_BREAK_GLASS !== undefined }
}
