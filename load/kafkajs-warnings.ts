/** kafkajs sets timers of less than nothing by the hundred, and Node says so in the middle of our progress: no more. */
export function muteKafkajsWarnings(): void {
  process.removeAllListeners('warning')
  process.on('warning', warning => {
    if (warning.name !== 'TimeoutNegativeWarning') {
      process.stderr.write(`${warning.name}: ${warning.message}\n`)
    }
  })
}
