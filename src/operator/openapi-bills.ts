/** Operations on statements and invoices. */
import { type Operations, SALE } from './openapi-operation.ts'

const CSV = 'text/csv'
const HTML = 'text/html'

/** By path below `/_tab402`. */
export const billOperations = {
  '/api/statements': {
    get: {
      right: 'money.read',
      summary:
        'Lists statements, newest first. Those of some sales come with the lines of these sales, from up to 50 statements a page',
      answer: 'Statements',
      query: ['agent', 'after', 'limit', ...SALE],
    },
  },
  '/api/statements/{agent}/{period}': {
    get: {
      right: 'money.read',
      summary: 'Returns a signed statement',
      answer: 'Statement',
      query: ['format'],
      formats: [CSV, HTML],
    },
  },
  '/api/statements/{agent}/{period}/proofs/{entry}': {
    get: {
      right: 'money.read',
      summary: 'Returns the proof that an entry is part of a statement',
      answer: 'Proof',
    },
  },
  '/api/invoices': {
    get: {
      right: 'money.read',
      summary: 'Lists invoices, newest first',
      answer: 'Invoices',
      query: ['agent', 'stage', 'before', 'after', 'sort', 'limit'],
    },
  },
  '/api/invoices/{id}': {
    get: {
      right: 'money.read',
      summary: 'Returns an invoice with its history',
      answer: 'Invoice',
      query: ['format'],
      formats: [HTML],
    },
  },
  '/api/invoices/{id}/payments': {
    post: {
      right: 'money.write',
      summary: 'Records a transfer over `amount`, by default all that is owed. Each reference counts once',
      body: 'Transfer',
      answer: 'Invoice',
      problems: [409],
    },
  },
  '/api/invoices/{id}/returns': {
    post: {
      right: 'money.write',
      summary: 'Reverses a recorded transfer, once',
      body: 'Returned',
      answer: 'Invoice',
      problems: [409],
    },
  },
  '/api/invoices/{id}/credit-notes': {
    post: {
      right: 'money.write',
      summary: 'Issues a credit note over `amount`, without VAT. `creditedNet` must be the last known value',
      body: 'Correction',
      answer: 'Corrected',
      status: 201,
      problems: [409],
    },
  },
} satisfies Operations
