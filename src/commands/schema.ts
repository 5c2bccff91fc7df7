import { writeFileSync } from 'node:fs'
import { eventSchema } from '../event/event-fields.ts'
import { readOptions, runCommand } from './command-line.ts'

const usage = `Writes src/event/event.schema.json, the JSON Schema for producers, from the table of fields.

  npm run schema -- [options]

  --help            shows this text
`

await runCommand('schema', args => {
  const options = { help: { type: 'boolean', short: 'h', default: false } } as const
  if (readOptions({ args, options }).values.help) {
    process.stdout.write(usage)
  } else {
    const file = new URL('../event/event.schema.json', import.meta.url)
    writeFileSync(file, `${JSON.stringify(eventSchema(), null, 2)}\n`)
  }
  return 0
})
