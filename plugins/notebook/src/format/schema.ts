import {z} from 'zod'

/** What notebooks of format 4.0 to 4.5 must have. Multi-line strings may be lists of lines: they are joined. Other keys are kept. */
const text = z.union([z.string(), z.array(z.string()).transform((lines) => lines.join(''))])
const record = z.record(z.string(), z.unknown())
const count = z.union([z.int().nonnegative(), z.null()])

const isJson = (mime: string): boolean => mime === 'application/json' || /^application\/.*\+json$/.test(mime)
const isLines = (value: unknown): value is string[] => Array.isArray(value) && value.every((line) => typeof line === 'string')

/** Data of JSON types is any value; of all others text. */
const bundle = record.transform((data, context) => {
  for (const [mime, value] of Object.entries(data)) {
    if (isJson(mime)) continue
    if (isLines(value)) data[mime] = value.join('')
    else if (typeof value !== 'string') context.issues.push({code: 'custom', message: 'must be text', input: value, path: [mime]})
  }
  return data
})

const output = z.discriminatedUnion('output_type', [
  z.looseObject({output_type: z.literal('stream'), name: z.string(), text}),
  z.looseObject({output_type: z.literal('display_data'), data: bundle, metadata: record}),
  z.looseObject({output_type: z.literal('execute_result'), data: bundle, metadata: record, execution_count: count}),
  z.looseObject({output_type: z.literal('error'), ename: z.string(), evalue: z.string(), traceback: z.array(z.string())}),
])

const metadata = z.looseObject({tags: z.array(z.string()).optional()})
const id = z.string().regex(/^[\w-]{1,64}$/, 'must be 1 to 64 letters, digits, - or _').optional()
const attachments = z.record(z.string(), bundle).optional()

const cell = z.discriminatedUnion('cell_type', [
  z.looseObject({cell_type: z.literal('code'), id, source: text, metadata, execution_count: count, outputs: z.array(output)}),
  z.looseObject({cell_type: z.literal('markdown'), id, source: text, metadata, attachments}),
  z.looseObject({cell_type: z.literal('raw'), id, source: text, metadata, attachments}),
])

export const notebookSchema = z.looseObject({nbformat: z.literal(4), nbformat_minor: z.int(), metadata: record, cells: z.array(cell)})
