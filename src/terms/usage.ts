/** `Content-Usage` of AIPREF (draft-ietf-aipref-vocab): the header of a page, and the line of robots.txt. Experimental. */

/** Writes its value. Keys are in lower case and values are tokens: readers take anything else for "unknown". */
export function usage(trains: boolean, searches: boolean): string {
  return `train-ai=${trains ? 'y' : 'n'}, search=${searches ? 'y' : 'n'}`
}
