/** The operations on a crawler's own account, which it signs for. */
import { type Operations, SALE } from './openapi-operation.ts'

/** The operations by path. */
export const ownOperations: Operations = {
  '/me': { get: { summary: 'Returns your balance and terms', answer: 'Me', open: 'signed' } },
  '/me/entries': {
    get: {
      summary: 'Lists your journal entries',
      answer: 'Entries',
      query: ['after', 'limit', ...SALE],
      open: 'signed',
    },
  },
  '/me/statements': { get: { summary: 'Lists your statements', answer: 'OwnStatements', open: 'signed' } },
  '/me/statements/{period}': {
    get: {
      summary: 'Returns a signed statement',
      answer: 'Statement',
      query: ['format'],
      formats: ['text/csv', 'text/html'],
      open: 'signed',
    },
  },
  '/me/statements/{period}/proofs/{entry}': {
    get: {
      summary: 'Returns the proof that an entry is part of a statement',
      answer: 'Proof',
      open: 'signed',
    },
  },
  '/me/invoices': { get: { summary: 'Lists your invoices', answer: 'OwnInvoices', open: 'signed' } },
  '/me/invoices/{id}': {
    get: {
      summary: 'Returns an invoice',
      answer: 'Invoice',
      query: ['format'],
      formats: ['text/html'],
      open: 'signed',
    },
  },
}
