import { UsageError, readOptions } from '../../src/commands/command-line.ts'
import { messageOf } from '../../src/diagnostics/ticker-error.ts'
import { createSetUp } from './set-up.ts'

const help = `npm run test:setup -- [options]

Installs what the tests need and npm does not bring: Java and Kafka, Chromium, Prometheus, nginx, HAProxy,
OpenSSL and curl. npm test runs it first. It prints a line for each of them: where it is, or how to get it.

On Debian, root has apt-get install what is missing. For others it prints the command to run as root.
Maven fetches Kafka's jars (43 MB) into .cache, once.

  --kafka    only Java and Kafka, which npm run kafka needs
  --check    installs nothing
  --help     prints this

It exits with 0 if everything is there at the end, with 1 if something is missing.
`

try {
  const { values } = readOptions({
    args: process.argv.slice(2),
    options: {
      kafka: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) process.stdout.write(help)
  else if (!(await createSetUp(values.kafka ? 'Kafka' : 'everything', { mayInstall: !values.check }).run())) {
    console.error('test:setup: something is missing; the lines above say what, and how to get it')
    process.exitCode = 1
  }
} catch (error) {
  console.error(`test:setup: ${messageOf(error)}`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}
