/** The operations on people and API tokens. */
import type { Operations } from './openapi-operation.ts'

/** The operations by path. */
export const peopleOperations: Operations = {
  '/api/sign-in-codes': {
    post: {
      right: 'people.write',
      fresh: true,
      summary: 'Makes a code that signs the bearer in to the console: once, within 15 minutes',
      answer: 'SignInCode',
      status: 201,
      problems: [404],
    },
  },
  '/api/people': {
    get: { right: 'people.read', summary: 'Lists members in order of name', answer: 'Members' },
    post: {
      right: 'people.write',
      fresh: true,
      summary:
        'Invites a member. `invitation` is shown once: it opens `/invitation/…` of the console for 24 hours',
      body: 'NewMember',
      answer: 'Invited',
      status: 201,
      problems: [409],
    },
  },
  '/api/people/{id}': {
    patch: {
      right: 'people.write',
      fresh: true,
      summary: 'Changes the members that are sent. Its sessions and tokens have the new role at once',
      body: 'MemberChange',
      answer: 'ChangedMember',
      problems: [409],
    },
    delete: {
      right: 'people.write',
      fresh: true,
      summary: 'Removes a member with its passkey, sessions and API tokens',
      answer: 'ChangedMember',
    },
  },
  '/api/people/{id}/invitation': {
    post: {
      right: 'people.write',
      fresh: true,
      summary: 'Invites a member again, for another passkey in the place of its own',
      answer: 'Invited',
      status: 201,
    },
  },
  '/api/tokens': {
    get: {
      right: 'tokens.write',
      summary: 'Lists your API tokens; with the right people.read all',
      answer: 'ApiTokens',
    },
    post: {
      right: 'tokens.write',
      fresh: true,
      summary: 'Makes an API token with some of your rights. `token` is shown once',
      body: 'NewApiToken',
      answer: 'MadeApiToken',
      status: 201,
      problems: [409],
    },
  },
  '/api/tokens/{id}': {
    delete: {
      right: 'tokens.write',
      summary: 'Ends an API token of yours; with the right people.write any',
      answer: 'EndedApiToken',
    },
  },
}
