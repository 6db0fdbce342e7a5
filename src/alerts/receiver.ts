/** The receiver of the vars, as passes have seen it: a deploy changes it, and leaves no record of its own. Pure. */

/** `from`: the receiver before the last change that a pass saw, at `at` (Unix ms); null if none has changed. */
export type SeenReceiver = { address: string; from: string | null; at: number }

/** The receiver after a pass at `now` (Unix ms). An absent `address` could not be read, and changes nothing. */
export function seeReceiver(
  before: SeenReceiver | undefined,
  address: string | undefined,
  now: number,
): SeenReceiver | undefined {
  if (address === undefined || address === before?.address) return before
  return { address, from: before?.address ?? null, at: now }
}
