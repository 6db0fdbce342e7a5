/** In place of the package `stripe` in a build without it: says so when it is asked for. */

export default {
  createFetchHttpClient(): never {
    throw new Error('this Worker was built without stripe; remove the alias in wrangler.toml')
  },
}
