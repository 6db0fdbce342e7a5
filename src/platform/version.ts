/** The version of this code. */

/** The version that `package.json` states. A house test compares the two. */
export const VERSION = '0.1.0'
