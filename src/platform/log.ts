/** The log: one line of JSON for each event, without secrets. Every event that the Worker logs is in {@link EVENTS}. */

type Level = 'info' | 'warn' | 'error'

/** An event: its level, its sentence for people, and the fields beside them. */
const event = <const Field extends string>(level: Level, message: string, ...fields: Field[]) => ({
  level,
  message,
  fields,
})

/** Names and fields are stable: monitors may filter by them. docs/logs.md lists them. */
export const EVENTS = {
  account_not_listed: event('warn', 'account not listed', 'fault'),
  agents_unreadable: event('warn', 'registry of agents unreadable, using cached agents', 'fault'),
  alarm_not_set: event('error', 'alarm not set', 'fault'),
  alert_source_unreadable: event('warn', 'alerts could not read a source', 'source', 'fault'),
  alerts_not_raised: event('error', 'alerts could not be raised', 'fault'),
  answer_not_stored: event('error', 'an answer could not be stored', 'fault'),
  api_request_failed: event('error', 'a request below /_tab402 failed', 'fault'),
  credit_note_not_copied: event('warn', 'credit note not yet copied to the rail', 'id', 'fault'),
  directory_object_unreadable: event('error', 'directory object unreadable, using cached keys', 'fault'),
  host_entries_not_written: event('error', 'entries of hosts not written', 'fault'),
  export_aborted: event('error', 'export aborted', 'detail'),
  figures_not_read: event('error', 'figures could not be read', 'fault'),
  figures_not_reported: event('warn', 'figures not reported', 'fault'),
  free_pages_not_counted: event('error', 'free pages could not be counted', 'fault'),
  key_directory_unreadable: event('warn', 'key directory unreadable, keeping cached keys', 'url', 'why'),
  host_entry_missing: event('error', 'no entry of this host, answering 503', 'fault'),
  old_figures_not_joined: event('error', 'figures could not be summed or joined', 'fault'),
  origin_failed: event('error', 'origin request failed, answering 502', 'fault'),
  origin_price_unusable: event('warn', 'the origin states no price that can be used', 'url', 'fault'),
  payment_outcome_unknown: event('error', 'payment outcome unknown, answering 503', 'fault'),
  payment_refused: event('info', 'refused', 'reason', 'detail'),
  published_list_refused: event('warn', 'published list refused, keeping the last good one', 'url', 'fault'),
  published_lists_not_refreshed: event('error', 'published lists could not be refreshed', 'fault'),
  published_lists_unreadable: event('warn', 'published lists unreadable, keeping the copy', 'fault'),
  read_model_not_updated: event('warn', 'read model could not be updated', 'id', 'fault'),
  request_not_counted: event('error', 'a request was not counted', 'fault'),
  settlement_outcome_unknown: event('warn', 'settlement outcome unknown', 'fault'),
  sitemap_dates_unreadable: event('warn', 'the dates of the sitemap are unreadable', 'fault'),
  sitemap_not_read_in_full: event('warn', 'a sitemap was not read in full', 'sitemap', 'fault'),
  sitemaps_not_read: event('error', 'sitemaps could not be read', 'fault'),
  sitemaps_not_shared: event('warn', 'sitemaps of robots.txt are not shared', 'fault'),
  stripe_webhook_failed: event('error', 'Stripe webhook failed, answering 503 for a retry', 'fault'),
  watch_blind: event('error', 'the watch is blind', 'id', 'blind', 'fault'),
  webhook_unreachable: event('warn', 'webhook unreachable, retrying later', 'id', 'fault'),
  console_page_failed: event('error', 'a page of the console failed', 'fault'),
  edge_unanswered: event('error', 'the edge Worker did not answer the console', 'fault'),
  screening_lists_unreadable: event('warn', 'screening lists unreadable, keeping the copy', 'fault'),
  screening_lists_not_refreshed: event('error', 'screening lists could not be refreshed', 'fault'),
  counts_lost: event('warn', 'counts of requests lost', 'name', 'requests', 'fault'),
  host_entry: event('warn', 'an entry of a host needs attention', 'what', 'host', 'fault'),
  relayer: event('warn', 'the relayer needs attention', 'what', 'network', 'evidence'),
  run_settled: event(
    'info',
    'run ended, and left nothing',
    'id',
    'kind',
    'status',
    'claimed',
    'swept',
    'quarantined',
    'findings',
    'invoiced',
  ),
  run_unsettled: event(
    'warn',
    'run ended, and an operator should look at it',
    'id',
    'kind',
    'status',
    'claimed',
    'swept',
    'quarantined',
    'findings',
    'invoiced',
  ),
}

/** The name of an event. */
export type EventName = keyof typeof EVENTS

/** The fields of an event. */
type Fields<Name extends EventName> = { [Field in (typeof EVENTS)[Name]['fields'][number]]?: unknown }

/** Logs an event. Faults may be given as they were caught. */
export function log<Name extends EventName>(name: Name, fields: Fields<Name>): void {
  const { level, message } = EVENTS[name]
  console[level](JSON.stringify({ event: name, message, ...fields }, (_, value: unknown) => shown(value)))
}

/** Longer texts are cut. */
const MAX_CHARS = 500

function shown(value: unknown): unknown {
  if (value instanceof Error) return withoutSecrets(String(value))
  if (typeof value === 'bigint') return value.toString()
  return typeof value === 'string' ? withoutSecrets(value) : value
}

/**
 * A text without what may be a secret: the query of a URL and its user, a path that looks like a key, bearer tokens,
 * secrets of Stripe, and signatures. Trap: 32 bytes in hex are left, since transactions and channels have such names. A private
 * key must never be part of a message.
 */
export function withoutSecrets(text: string): string {
  return text
    .slice(0, MAX_CHARS)
    .replace(/(https?:\/\/)[^\s/@"']*@/gi, '$1…@')
    .replace(/(https?:\/\/[^\s?#]*)[?#]\S*/gi, '$1?…')
    .replace(/(https?:\/\/[^\s"'<>]*?\/)[A-Za-z0-9_-]{20,}/gi, '$1…')
    .replace(/\b(Bearer|Basic)\s+\S+/gi, '$1 …')
    .replace(/\b(?:sk|rk|pk|whsec)_\w+/g, '…')
    .replace(/\b0x([0-9a-f]{8})[0-9a-f]{120,}/gi, '0x$1…')
}
