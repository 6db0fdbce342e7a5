/** The migrations of D1 that this version needs. A house test compares them with the folder. */

/** File names in `migrations/`, in order. */
export const MIGRATIONS: readonly string[] = [
  '0001_book.sql',
  '0002_credit.sql',
  '0003_webhook.sql',
  '0004_heard.sql',
  '0005_runs.sql',
  '0006_relisted.sql',
  '0007_rail_mark.sql',
  '0008_shadow.sql',
  '0010_figures.sql',
  '0010_traffic.sql',
  '0011_alerts.sql',
  '0013_networks.sql',
  '0014_shadow_site.sql',
  '0019_home.sql',
  '0020_summed.sql',
  '0021_unclaimed.sql',
]
