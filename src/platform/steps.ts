/** Durable steps of a long run. */

/**
 * Durable steps: a Workflow's, or plain calls in tests and on the command line.
 *
 * A step's value must be plain JSON, because a Workflow stores it. Its name must be unique in the run.
 */
export type Steps = {
  do<Value>(name: string, work: () => Promise<Value>): Promise<Value>
  sleep(name: string, seconds: number): Promise<void>
}
