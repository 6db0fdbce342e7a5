/** What to do when a Durable Object does not answer. */

/**
 * A rejection says nothing about what happened: the same call again finds out (faults: E3). Twice unknown is a fault, which the
 * gate answers with 503, never with a 402. An object that is overloaded is left alone.
 */
export async function twice<Value>(call: () => Promise<Value>): Promise<Value> {
  try {
    return await call()
  } catch (fault) {
    if (fault instanceof Error && 'overloaded' in fault && fault.overloaded) throw fault
    return call()
  }
}
