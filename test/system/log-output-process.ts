import { flushOutput, LogOutput, ignoreOutputErrors } from '../../src/system/process-output.ts'

/**
 * Writes a hundred megabytes of lines to standard error, a few at a time, then tells its parent what came of
 * them.
 */
ignoreOutputErrors()
const output = new LogOutput()
const line = `${'x'.repeat(9_999)}\n`
let left = 10_000
const timer = setInterval(() => {
  for (let index = 0; index < 100; index++) output.write(line)
  left -= 100
  if (left > 0) return
  clearInterval(timer)
  void flushOutput(1000).then(tell)
}, 1)

function tell(): void {
  const report = {
    dropped: output.dropped,
    rss: process.memoryUsage().rss,
    unwritten: process.stderr.writableLength,
  }
  process.send?.(report, () => process.exit())
}
