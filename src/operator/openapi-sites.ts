/** The operations on sites and publishers. A deployment without a registry answers 404 to them. */
import type { Operations } from './openapi-operation.ts'

/** The operations by path. */
export const siteOperations: Operations = {
  '/api/publishers': {
    get: {
      right: 'sites.read',
      summary: 'Lists publishers in order of id',
      answer: 'Publishers',
      query: ['after', 'limit'],
    },
    post: {
      right: 'publishers.write',
      summary: 'Registers a publisher. An equal request may be repeated',
      body: 'PublisherDocument',
      answer: 'Publisher',
      status: 201,
      problems: [409],
    },
  },
  '/api/publishers/{id}': {
    get: {
      right: 'sites.read',
      summary: 'Returns a publisher with the ids of its sites',
      answer: 'Publisher',
    },
    put: {
      right: 'publishers.write',
      summary: 'Creates or replaces a publisher. If-Match: only if it has not changed',
      body: 'PublisherDocument',
      answer: 'Publisher',
      problems: [409, 412],
    },
    patch: {
      right: 'publishers.write',
      summary: 'Changes the members that are sent',
      body: 'PublisherPatch',
      answer: 'Publisher',
      problems: [409, 412],
    },
  },
  '/api/sites': {
    get: {
      right: 'sites.read',
      summary: 'Lists sites in order of id',
      answer: 'Sites',
      query: ['publisher', 'mode', 'after', 'limit'],
      problems: [400],
    },
    post: {
      right: 'sites.write',
      summary: 'Creates a site as a draft. An equal request may be repeated',
      body: 'SiteDocument',
      answer: 'Site',
      status: 201,
      problems: [409],
    },
  },
  '/api/sites/check': {
    post: {
      right: 'policy.write',
      summary: 'Returns every error and warning of a document, and stores nothing',
      body: 'SiteDocument',
      answer: 'SiteJudged',
    },
  },
  '/api/sites/{id}': {
    get: {
      right: 'sites.read',
      summary: 'Returns a site with its draft and what is published',
      answer: 'Site',
    },
    put: {
      right: 'policy.write',
      summary: 'Creates a site, or replaces its draft. If-Match: only if it has not changed',
      body: 'SiteDocument',
      answer: 'Site',
      problems: [409, 412],
    },
    patch: {
      right: 'policy.write',
      summary: 'Changes the draft by what is sent. If-Match: only if it has not changed',
      body: 'SitePatch',
      answer: 'Site',
      problems: [409, 412],
    },
    delete: {
      right: 'sites.write',
      summary: 'Removes a site from its hosts. Its versions stay, and its id stays taken',
      answer: 'SitePublished',
      problems: [409, 412],
    },
  },
  '/api/sites/{id}/draft': {
    delete: {
      right: 'policy.write',
      summary: 'Drops the draft. A site that was never published is removed with it',
      answer: 'SiteDiscarded',
      problems: [412],
    },
  },
  '/api/sites/{id}/versions': {
    get: {
      right: 'sites.read',
      summary: 'Lists the versions of a site, newest first',
      answer: 'SiteVersions',
      query: ['before', 'limit'],
    },
  },
  '/api/sites/{id}/publish': {
    post: {
      right: 'policy.write',
      summary: 'Looks for the proof of each host, and publishes the draft as the next version',
      body: 'Note',
      answer: 'SitePublished',
      problems: [409, 412],
    },
  },
  '/api/sites/{id}/revert': {
    post: {
      right: 'policy.write',
      summary: 'Publishes the document of an earlier version as the next version',
      body: 'Revert',
      answer: 'SitePublished',
      problems: [409, 412],
    },
  },
  '/api/sites/{id}/suspend': {
    post: {
      right: 'sites.write',
      summary: 'Suspends a site: no host of it serves anything, within about two minutes',
      body: 'Note',
      answer: 'SitePublished',
      problems: [409, 412],
    },
  },
  '/api/sites/{id}/resume': {
    post: {
      right: 'sites.write',
      summary: 'Publishes what was in force before the suspension',
      body: 'Note',
      answer: 'SitePublished',
      problems: [409, 412],
    },
  },
  '/api/sites/{id}/proofs': {
    post: {
      right: 'sites.write',
      summary: 'States that a host is in a zone of the operator, which proves it',
      body: 'Vouched',
      answer: 'Site',
    },
  },
  '/api/sites/{id}/try': {
    get: {
      right: 'sites.read',
      summary: 'Returns what the draft, or the version in force, would answer to a request, and why',
      answer: 'Explanation',
      query: ['of', 'url', 'as', 'verified', 'method', 'ip', 'signed', 'country'],
      problems: [400],
    },
  },
  '/api/sites/{id}/replay': {
    get: {
      right: 'figures.read',
      summary: 'Decides the requests of the last 24 hours as the draft would, as far as figures state them',
      answer: 'Replay',
    },
  },
  '/api/sites/{id}/check': {
    get: {
      right: 'sites.read',
      summary: 'Does the same as POST, and stores no proof that it finds',
      answer: 'SiteChecked',
      query: ['probed'],
      problems: [400],
    },
    post: {
      right: 'policy.write',
      summary: 'Looks for the proofs of a site, and asks its origin and its paywall',
      body: 'Probe',
      answer: 'SiteChecked',
    },
  },
}
