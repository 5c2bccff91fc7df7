/** A worker that says that it listens, and then nothing. */
process.send?.({ said: [{ line: 'tell', body: {} }] })
setInterval(() => undefined, 60_000)
