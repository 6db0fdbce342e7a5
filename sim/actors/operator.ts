/** The operator: registers agents, suspends them, and lets them go on, by the API. */
import { createHash } from 'node:crypto'
import type { Answer } from '../wire.ts'
import { world } from '../world.ts'
import type { Client } from './client.ts'

/** The operator's token. */
export const TOKEN = 'operator-of-the-simulator'

/** The hash of the operator's token, as the deployment has it. */
export const TOKEN_SHA256 = createHash('sha256').update(TOKEN).digest('hex')

/** An invoice as the operator reads it. Amounts are decimal strings. */
type Invoiced = { id: string; net: string; creditedNet: string }

/** Acts by the operator's API. Each act is repeated until its outcome is known. */
export class Operator {
  readonly #client: Client
  #notes = 0

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

  /** Notes that the bank has received a transfer. The bank may report one transfer twice. */
  async notePayment(invoice: string, amount: string, reference: string): Promise<void> {
    const { status, body } = await this.#post(`/invoices/${invoice}/payments`, { amount, reference })
    // 404: the read model does not list the invoice yet. 409: it is settled by now.
    if (status !== 200 && status !== 404 && status !== 409)
      throw new Error(`the transfer must be noted: ${status} ${body}`)
    world().count(status === 200 ? 'transfer noted' : 'transfer refused')
  }

  /**
   * Credits a part of the oldest invoice of an agent. Returns the reason, which names the note: it must be there once. Null
   * if there was nothing to credit, or the note was refused.
   */
  async credit(agent: string, share: number): Promise<string | null> {
    const listed = await this.#get(`/invoices?agent=${agent}`)
    const { invoices } = JSON.parse(listed.body) as { invoices?: Invoiced[] }
    const invoice = invoices?.find(({ net, creditedNet }) => BigInt(net) > BigInt(creditedNet))
    if (!invoice) return null
    const { id, net, creditedNet } = invoice
    const amount = (BigInt(Math.floor(share * 1_000)) * (BigInt(net) - BigInt(creditedNet))) / 1_000n + 1n
    const reason = `goodwill ${++this.#notes}`
    const asked = { amount: `${amount}`, reason, creditedNet }
    const { status, body } = await this.#post(`/invoices/${id}/credit-notes`, asked)
    if (status !== 201 && status !== 404 && status !== 409)
      throw new Error(`the note must be issued: ${status} ${body}`)
    world().count(status === 201 ? 'credit note' : 'credit note refused')
    return status === 201 ? reason : null
  }

  async #get(path: string): Promise<Answer> {
    const headers = { authorization: `Bearer ${TOKEN}` }
    for (;;) {
      const answer = await this.#client.persist(`/_tab402/api${path}`, undefined, { headers })
      if (answer?.status === 200) return answer
    }
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
