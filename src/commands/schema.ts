import { writeFileSync } from 'node:fs'
import { eventSchema } from '../event/event-schema.ts'

// `npm run schema`: writes the JSON Schema that the table of fields makes, for producers.
const file = new URL('../event/event.schema.json', import.meta.url)
writeFileSync(file, `${JSON.stringify(eventSchema(), null, 2)}\n`)
