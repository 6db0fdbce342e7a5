/** Rules that stand behind the written ones. */

/**
 * - `publisher`: crawlers that bring readers, sell its advertisements or watch over the site pass; the others are charged
 * - `api`: everybody is charged, people too
 * - `none`: no rules
 *
 * Crawlers of the first kind pass with any query: what is free to them does not depend on the page.
 */
export const PRESETS = {
  none: [],
  publisher: [
    {
      action: 'allow',
      who: ['search', 'preview', 'feed', 'ads', 'monitor', 'archive'],
      query: 'any',
    },
  ],
  api: [{ action: 'charge', who: ['everyone'] }],
} as const

/** The name of a preset. */
export type PresetName = keyof typeof PRESETS

/** The names of all presets. */
export const PRESET_NAMES = Object.keys(PRESETS) as [PresetName, ...PresetName[]]
