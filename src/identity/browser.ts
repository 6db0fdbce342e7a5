/** Which User-Agents are people's: browsers, text browsers, in-app browsers, mail programs, players, and apps of devices. */
import { isbot } from 'isbot'

/** The beginnings of browsers' User-Agents. */
const BROWSER =
  /^(?:Mozilla|Opera|Lynx|Links|ELinks|(?:Emacs-)?w3m|Dillo|NetSurf|NCSA_Mosaic|IBrowse|Amiga|UCWEB|OneBrowser)\b/

/**
 * Parts of what people's devices send: engines of browsers whose first words were cut off, phones without "Mozilla",
 * in-app browsers, mail programs, media players, and apps that use their system's own HTTP client.
 */
const DEVICE = new RegExp(
  [
    'AppleWebKit/|KHTML, like Gecko|Safari/[0-9]|Mozilla/[45]\\.0 \\(|UC ?Browser|UCWEB/|UP\\.(?:Browser|Link)|Obigo',
    'MIDP-|SymbianOS|BlackBerry[0-9]|Windows Phone|\\[FBAN/|Amiga|PlayStation|Sonos/',
    '\\b(?:Dalvik|CFNetwork)/|\\bAndroid[ /;)]|\\((?:iPhone|iPad|iOS)\\b',
    '^(?:Microsoft Office|Outlook-(?:iOS|Express)|MozacFetch)/',
    '^(?:AppleCoreMedia|iTunes|Kodi|NSPlayer|QuickTime|Roku[0-9X]*|stagefright|VLC)/',
  ].join('|'),
  'i',
)

/** Whole User-Agents of people that isbot takes for crawlers: small browsers, Facebook's app, and a podcast app. */
const MISTAKEN =
  /^(?:Mozilla\/4\.0 \(compatible; Dillo [\d.]+\)|Dillo\/[\d.]+|NetSurf\/[\d.]+(?: \([^()]*\))?|URL\/Emacs\b[\w ./()-]*\([^()]*\)|Links \([\d.]+\)|Pocket ?Casts(?:\/[\d.]+)?|\[FBAN\/[^\]]*\])$/

/** A device's name and addresses that an extension of the browser appends: isbot sees bots in both. */
const FOREIGN = /(?<=\bAndroid [\d.]+; )(?:M BOT|[\w ]*BOT TAB)[\w -]*(?=[;)]| Build\/)| \|\|\| .*$/

/** A browser's string whose head was cut off, up to the first letter of the rest. */
const CUT = /^[^a-z]*(?:[KHTML]*, like Gecko\) )?/i

/** Whether isbot takes a User-Agent for a crawler, except where we know it to be a person's. */
export function isListedBot(userAgent: string): boolean {
  if (!isbot(userAgent) || MISTAKEN.test(userAgent)) return false
  const device = userAgent.replace(FOREIGN, '')
  const own = device.includes('Safari/') ? device.replace(CUT, '') : device
  return own === userAgent || isbot(own)
}

/** Whether a User-Agent is one that people's programs send. */
export function isPersonal(userAgent: string): boolean {
  return BROWSER.test(userAgent) || DEVICE.test(userAgent) || MISTAKEN.test(userAgent)
}
