/** The bindings that the lab adds to a Worker’s own. */

/** The bindings of the lab, besides the Worker’s own bindings. `LAB_NODE`: the chain. `LAB_OBJECTS`: the binding of each class, and `LAB_LIMITS`: those of rate limits, as JSON. */
export type LabBindings = {
  LAB: Fetcher
  LAB_NODE: Fetcher
  LAB_KEY: string
  LAB_OBJECTS: string
  LAB_LIMITS: string
  BOOK: D1Database
  SETTLEMENT: Workflow
}
