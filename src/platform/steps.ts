/** Durable steps: a Workflow engine's, or plain calls. */

/** Durable steps: a Workflow's, or plain calls. What a step answers is plain JSON. */
export type Steps = {
  do<Value>(name: string, work: () => Promise<Value>): Promise<Value>
  sleep(name: string, seconds: number): Promise<void>
}
