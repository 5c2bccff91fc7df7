import { writeFileSync } from 'node:fs'
import { eventSchema } from '../event/event-fields.ts'
import { TickerError } from '../diagnostics/ticker-error.ts'
import { readOptions } from './command-line.ts'

const usage = `Writes src/event/event.schema.json, the JSON Schema for producers, from the table of fields.

  npm run schema -- [options]

  --help            shows this text
`

try {
  const { help } = readOptions({
    args: process.argv.slice(2),
    options: { help: { type: 'boolean', short: 'h', default: false } },
  }).values
  if (help) {
    process.stdout.write(usage)
  } else {
    const file = new URL('../event/event.schema.json', import.meta.url)
    writeFileSync(file, `${JSON.stringify(eventSchema(), null, 2)}\n`)
  }
} catch (error) {
  if (!(error instanceof TickerError)) throw error
  process.stderr.write(`schema: ${error.message}\n`)
  process.exitCode = 2
}
