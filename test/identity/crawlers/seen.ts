/**
 * The names of crawler-user-agents that sites see often, beside those that src/identity/crawlers/ours.ts classifies. Their
 * classes come from the tags of that package.
 */
export const SEEN = [
  ...['360Spider', 'AddSearchBot', 'Daum', 'Freespoke', 'IbouBot', 'IndeedBot', 'IstellaBot', 'Jooblebot'],
  ...['Linespider', 'Mail.RU_Bot', 'OrangeBot', 'Slurp', 'StractBot', 'Swiftbot', 'yacybot'],
  ...['YisouSpider'],
  ...['Discordbot', 'Embedly', 'FlipboardProxy', 'Friendica', 'github-camo', 'Iframely', 'KeybaseBot'],
  ...['Lemmy', 'Mastodon', 'Mattermost-Bot', 'OdklBot', 'redditbot', 'SummalyBot', 'Synapse', 'TelegramBot'],
  ...['Twitterbot', 'vkShare'],
  ...[
    'BazQux',
    'Blogtrottr',
    'CommaFeed',
    'Feedbin',
    'feeder.co',
    'FlipboardRSS',
    'FreshRSS',
    'Gwene',
    'Miniflux',
  ],
  ...['MonitoRSS', 'NewsBlur', 'rss-parser', 'SimplePie', 'Superfeedr', 'theoldreader.com'],
  ...['bidswitchbot', 'CriteoBot', 'cXensebot', 'Eyeotabot', 'MgidBot', 'moatbot', 'outbrain'],
  ...['Pixalate.com', 'Quantcastbot', 'Taboolabot'],
  ...['Catchpoint', 'check_http', 'Checkly', 'CloudFlare-AlwaysOnline', 'Cloudflare-Healthchecks'],
  ...['DatadogSynthetics', 'Dotcom-Monitor', 'FreshpingBot', 'GTmetrix', 'HetrixTools', 'jetmon'],
  ...['NewRelicSynthetics', 'NodePing', 'OhDear', 'SentryUptimeBot', 'Site24x7', 'ThousandEyes'],
  ...[
    'updown.io',
    'Uptime-Kuma',
    'UptimeRobot',
    'uptrends',
    'Validator.nu',
    'W3C-checklink',
    'W3C_Validator',
  ],
  ...['Zabbix'],
  ...['ArchiveBot', 'ArchiveBox', 'ArquivoBot', 'bl.uk_lddc_bot', 'bnf.fr_bot', 'kb.dk_bot'],
  ...['NLUX_IAHarvester'],
  ...['ApifyBot', 'atlassian-bot', 'Brightbot', 'Cloudflare-AutoRAG', 'Flyriverbot', 'LinerBot'],
  ...['newsai', 'Thinkbot'],
  ...['AwarioBot', 'magpie-crawler', 'MauiBot', 'SeobilityBot', 'SEOkicks', 'spbot', 'ZoominfoBot'],
] as const
