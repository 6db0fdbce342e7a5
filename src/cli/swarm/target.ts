/** The server that a load goes to. Threat: these commands attack. Without a promise of ownership they reach this machine alone. */
import { UsageError } from '../command.ts'

const LOOPBACK = /^(?:localhost|(?:[a-z0-9-]+\.)+localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i

/** Whether a URL is on this machine by its name alone: no name is looked up. */
export function isLoopback(url: string): boolean {
  return LOOPBACK.test(new URL(url).hostname)
}

/**
 * The URL of a page, without a fragment.
 * @throws UsageError unless it is http(s), and on this machine or `isOwned`
 */
export function ownTarget(text: string, isOwned: boolean): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || !/^https?:$/.test(url.protocol)) throw new UsageError('URL must be an http(s) URL.')
  if (!isOwned && !isLoopback(url.href))
    throw new UsageError('URL must be on this machine. For a server of your own, add --i-own-this.')
  url.hash = ''
  return url.href
}
