/** The operator: registers agents, suspends them, and lets them go on, by the API. */
import { createHash } from 'node:crypto'
import type { Answer } from '../deployment.ts'
import { world } from '../world.ts'
import type { Client } from './client.ts'

/** The operator's token. */
export const TOKEN = 'operator-of-the-simulator'

/** The hash of the operator's token, as the deployment has it. */
export const TOKEN_SHA256 = createHash('sha256').update(TOKEN).digest('hex')

/** Acts by the operator's API. Each act is repeated until its outcome is known. */
export class Operator {
  readonly #client: Client

  constructor(client: Client) {
    this.#client = client
  }

  /** Registers an agent. */
  async register(draft: object): Promise<void> {
    const { status, body } = await this.#post('/agents', draft)
    if (status !== 201) throw new Error(`the agent must be registered: ${status} ${body}`)
  }

  /** Suspends an agent. Returns the version of its terms that does so. */
  async suspend(agent: string, reason: string): Promise<number> {
    world().count('agent suspended')
    return versionIn(await this.#post(`/agents/${agent}/suspend`, { reason }))
  }

  /** Lets a suspended agent go on. */
  async resume(agent: string): Promise<number> {
    world().count('agent resumed')
    return versionIn(await this.#post(`/agents/${agent}/resume`, {}))
  }

  async #post(path: string, body: object): Promise<Answer> {
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
    const more = { method: 'POST', headers, body: JSON.stringify(body) }
    for (;;) {
      const answer = await this.#client.persist(`/_tab402/api${path}`, undefined, more)
      if (answer) return answer
    }
  }
}

function versionIn({ status, body }: Answer): number {
  if (status !== 200) throw new Error(`the act must succeed: ${status} ${body}`)
  return (JSON.parse(body) as { version: number }).version
}
