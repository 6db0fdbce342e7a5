/** The exported classes, wired to the config. */
import { DurableObject, WorkflowEntrypoint } from 'cloudflare:workers'

export class Account extends DurableObject {}
export class Authorizations extends DurableObject {}
export class Relayer extends DurableObject {}
export class Settlement extends WorkflowEntrypoint {
  override async run() {}
}
