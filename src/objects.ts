/** The exported classes, wired to the config. */
import { DurableObject, WorkflowEntrypoint } from 'cloudflare:workers'

export { Account } from './ledger/account.ts'
export { Authorizations } from './ledger/authorizations.ts'
export class Relayer extends DurableObject {}
export class Settlement extends WorkflowEntrypoint {
  override async run() {}
}
